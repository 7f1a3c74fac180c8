"""Cuts records into batches, as an event source mapping would: of one group each, and full where they can be.

All records of one key fall into one lane, and lanes are delivered batch after batch, so the order within a key
holds while lanes go in parallel. A batch takes whole lanes, neighbours in the order of their numbers, so that the
batches of one cut need not wait for one another, and each waits for few of the cut before. A lane that fills more
than one batch has them one after the other. A record that is in several lanes gets a batch of its own, behind all
that came before it in them, and so does one that is to be alone.

What does not fill a batch is carried over to the next cut, where it comes first, so that few matches in a large
lake still make full batches. Which batch a record falls into depends on the lake and the options alone, never on
timing: a plan and its run, or two runs, cut alike.

A batch carries, for each of its lanes, how far the lane is when this batch and those before it are settled (see
`Mark`), so that whoever keeps a run's progress has nothing to work out.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, takewhile
from operator import attrgetter

from cncbops.kinesis.batching import FRAME_BYTES, Batch, BatchLimits, Mark
from cncbops.kinesis.record import Record

CARRIED_BYTES = 8 * 1024 * 1024
"""How much may be carried over before the fullest of what waits is sent as it is."""

_place = attrgetter("place")


@dataclass(frozen=True)
class Stock:
    """What passes from one cut to the next: records carried over, in the order of their places.

    `canary` is how many records each function's canary still takes; a function that is not in it has had none. All
    records up to the place `upto` were cut, or are carried.
    """

    carried: Sequence[Record] = ()
    canary: Mapping[str, int] = field(default_factory=dict)
    upto: int = -1


class Cutter:
    """Cuts for one session. `limits` are those of each function; `lanes` 0 keeps no order."""

    def __init__(self, limits: Mapping[str, BatchLimits], lanes: int, canary: int | None = None) -> None:
        self._limits, self._lanes, self._canary = limits, lanes, canary

    def cut(self, records: Sequence[Record], stock: Stock, *, flush: bool) -> tuple[list[Batch], Stock]:
        """The batches of what was carried and what is new, and what is carried on: nothing if it is to `flush`.

        Records come in the order of their places. Each must be deliverable. What is flushed is cut by itself, so
        that it makes no difference whether it was known before that nothing follows.
        """
        batches, stock = self._cut_new(records, stock)
        if not flush:
            return batches, stock
        last, _ = self._cut(stock.carried, stock.upto, flush=True)
        return [*batches, *last], replace(stock, carried=())

    def _cut_new(self, records: Sequence[Record], stock: Stock) -> tuple[list[Batch], Stock]:
        if self._canary is None:
            batches, rest = self._cut([*stock.carried, *records], stock.upto)
            return batches, Stock(rest, {}, records[-1].place if records else stock.upto)
        first, others, left = self._parted(records, stock.canary)
        others = [*stock.carried, *others]
        canaries, _ = self._cut(first, stock.upto, flush=True, behind=others)
        for batch in canaries:
            batch.is_canary = True
        # In lanes, which are a function's own, the canary comes before all others in place as well.
        upto = stock.upto if self._lanes or not first else first[-1].place
        batches, rest = self._cut(others, upto)
        return [*canaries, *batches], Stock(rest, left, records[-1].place if records else stock.upto)

    def _parted(
        self, records: Sequence[Record], left: Mapping[str, int]
    ) -> tuple[list[Record], list[Record], Mapping[str, int]]:
        """The records that are of a canary, the others, and what each function's canary then still takes."""
        assert self._canary is not None
        counts = dict(left)
        first: list[Record] = []
        others: list[Record] = []
        for record in records:
            count = counts.setdefault(record.function, self._canary)
            counts[record.function] = max(0, count - 1)
            (first if count else others).append(record)
        return first, others, counts

    def _cut(
        self, records: Sequence[Record], upto: int, *, flush: bool = False, behind: Sequence[Record] = ()
    ) -> tuple[list[Batch], list[Record]]:
        """Batches, and what is left.

        All records up to the place `upto` are among these, among those `behind`, which are cut after them whatever
        their places, or were cut before.
        """
        shelves = _Shelves(self._limits, self._lanes, upto, [*records, *behind])
        batches = list(shelves.put_all(records))
        drafts, rest = shelves.drafts()
        batches += map(shelves.give_out, drafts)
        rest.sort(key=attrgetter("bytes"))
        while rest and (flush or sum(draft.bytes for draft in rest) > CARRIED_BYTES):
            batches.append(shelves.give_out(rest.pop()))
        return batches, sorted((record for draft in rest for record in draft.records()), key=_place)


class _Shelf:
    """Records of one function, group and lane, in the order of their places; the first `given` are given out."""

    __slots__ = ("function", "given", "lane", "records")

    def __init__(self, function: str, lane: int) -> None:
        self.function, self.lane, self.given = function, lane, 0
        self.records: list[Record] = []

    def holes(self, upto: int) -> Iterator[int]:
        """The places of what is not given out, up to one."""
        return takewhile(upto.__ge__, (record.place for record in self.records[self.given :]))


_Part = tuple[_Shelf, int, int]
"""The records between two places on a shelf."""


class _Draft:
    """A batch in the making."""

    __slots__ = ("_limits", "bytes", "parts", "weight")

    def __init__(self, limits: BatchLimits) -> None:
        self._limits = limits
        self.parts: list[_Part] = []
        self.weight = self.bytes = 0

    @property
    def last_place(self) -> int:
        return max([shelf.records[end - 1].place for shelf, _, end in self.parts])

    @property
    def is_full(self) -> bool:
        return self.weight >= self._limits.records

    def has_room(self, weight: int, size: int) -> bool:
        """Whether records of that weight still fit, and of that size as `_measured` counts it."""
        fits = self.bytes + size <= self._limits.payload_bytes - FRAME_BYTES + 1
        return fits and self.weight + weight <= self._limits.records

    def add(self, part: _Part, weight: int, size: int) -> None:
        self.parts.append(part)
        self.weight += weight
        self.bytes += size

    def records(self) -> list[Record]:
        """What is in it, in the order of places."""
        records = [record for shelf, start, end in self.parts for record in shelf.records[start:end]]
        if len(self.parts) > 1:
            records.sort(key=_place)
        return records


class _Shelves:
    """The records of one cut by group and lane, and the batches made of them."""

    def __init__(self, limits: Mapping[str, BatchLimits], lanes: int, upto: int, waiting: Iterable[Record]) -> None:
        """All records up to the place `upto` are among the `waiting`, or were cut before."""
        self._limits, self._lanes, self._before = limits, lanes, upto
        # Without lanes, the places of all that is not given out, in their order.
        self._waiting = {} if lanes else dict.fromkeys(sorted(record.place for record in waiting))
        self._of_key: dict[tuple[str, str], _Shelf] = {}
        self._of_group: dict[str, dict[int, _Shelf]] = {}
        self._of_lane: dict[int, list[_Shelf]] = {}
        self._upto: dict[int, int] = {}  # by lane, how far it was given out

    def put_all(self, records: Iterable[Record]) -> Iterator[Batch]:
        """Put records on their shelves, and give out those that go alone, with all that must come before them.

        A key that changes its group, as when a stream is resharded, stays where it was.
        """
        of_key, orders = self._of_key, bool(self._lanes)
        for record in records:
            if record.is_alone or (orders and record.has_many_keys):
                yield from self._put_alone(record)
                continue
            key = (record.function, record.partition_key if orders else record.group)
            shelf = of_key.get(key)
            if shelf is None:
                shelf = of_key[key] = self._shelf(record)
            shelf.records.append(record)

    def drafts(self) -> tuple[list[_Draft], list[_Draft]]:
        """The batches that are full, or as full as whole lanes make them; and the last of each group."""
        made: list[_Draft] = []
        rest: list[_Draft] = []
        for group in sorted(self._of_group):
            lanes = self._of_group[group]
            drafts = self._drafts_of([lanes[lane] for lane in sorted(lanes)])
            if drafts and not drafts[-1].is_full:
                rest.append(drafts.pop())
            made += drafts
        if not self._lanes:  # the groups side by side, else marks would have all of the others as holes
            made.sort(key=attrgetter("last_place"))
        return made, rest

    def give_out(self, draft: _Draft) -> Batch:
        """The batch of a draft, marked with how far its lanes are once it is settled."""
        function = draft.parts[0][0].function
        lanes = tuple([shelf.lane for shelf, _, _ in draft.parts]) if self._lanes else ()
        batch = Batch(lanes, function, draft.records(), draft.bytes + FRAME_BYTES - 1, draft.weight)
        for shelf, _, end in draft.parts:
            shelf.given = end
        return self._marked(batch, {shelf.lane: shelf.records[end - 1].place for shelf, _, end in draft.parts})

    def _marked(self, batch: Batch, last_places: Mapping[int, int]) -> Batch:
        """A batch that is given out, with the last place of each of its lanes."""
        if not self._lanes:
            for record in batch.records:
                del self._waiting[record.place]
        batch.marks = {lane: self._mark(lane, place) for lane, place in last_places.items()}
        return batch

    def _mark(self, lane: int, place: int) -> Mark:
        """How far a lane is once all of it is settled that was given out, the last at a place. It never goes back."""
        upto = self._upto[lane] = max(place, self._upto.get(lane, self._before))
        if not self._lanes:
            return Mark(upto, frozenset(takewhile(upto.__ge__, self._waiting)))
        shelves = self._of_lane.get(lane, ())
        if len(shelves) < 2 and upto == place:  # what waits on the only one comes later
            return Mark(place)
        return Mark(upto, frozenset(chain.from_iterable(shelf.holes(upto) for shelf in shelves)))

    def _drafts_of(self, shelves: Iterable[_Shelf]) -> list[_Draft]:
        """What is left on shelves of one group as batches, in the order of their lanes; only the last has room."""
        drafts: list[_Draft] = []
        for shelf in shelves:
            limits = self._limits[shelf.function]
            for part, weight, size in _parts(shelf, limits):
                if not drafts or not drafts[-1].has_room(weight, size):
                    drafts.append(_Draft(limits))
                drafts[-1].add(part, weight, size)
        return drafts

    def _shelf(self, record: Record) -> _Shelf:
        lane = record.lanes(self._lanes)[0] if self._lanes else 0
        shelves = self._of_group.setdefault(record.group, {})
        shelf = shelves.get(lane)
        if shelf is None:
            shelf = shelves[lane] = _Shelf(record.function, lane)
            self._of_lane.setdefault(lane, []).append(shelf)
        return shelf

    def _put_alone(self, record: Record) -> Iterator[Batch]:
        """Give a record a batch of its own, behind all that waits in its lanes."""
        lanes = record.lanes(self._lanes) if self._lanes else ()
        for lane in lanes:
            for shelf in self._of_lane.get(lane, ()):
                yield from map(self.give_out, self._drafts_of([shelf]))
        batch = Batch(lanes, record.function)
        batch.add(record)
        yield self._marked(batch, dict.fromkeys(lanes or (0,), record.place))


def _parts(shelf: _Shelf, limits: BatchLimits) -> Iterable[tuple[_Part, int, int]]:
    """What is left on a shelf, whole if it fits into a batch, else in parts that do; each with weight and size."""
    start, end = shelf.given, len(shelf.records)
    if start == end:
        return ()
    whole = (shelf, start, end)
    weight, size = _measured(shelf.records[start:])
    fits = weight <= limits.records and size <= limits.payload_bytes - FRAME_BYTES + 1
    return ((whole, weight, size),) if fits else _parts_that_fit(shelf, limits)


def _parts_that_fit(shelf: _Shelf, limits: BatchLimits) -> Iterator[tuple[_Part, int, int]]:
    start, weight, size = shelf.given, 0, 0
    for end in range(start, len(shelf.records)):
        more, longer = _measured(shelf.records[end : end + 1])
        fits = weight + more <= limits.records and size + longer <= limits.payload_bytes - FRAME_BYTES + 1
        if end > start and not fits:
            yield (shelf, start, end), weight, size
            start, weight, size = end, 0, 0
        weight, size = weight + more, size + longer
    yield (shelf, start, len(shelf.records)), weight, size


def _measured(records: Sequence[Record]) -> tuple[int, int]:
    """The weight of records, and their bytes in a payload, each with the comma before it."""
    return sum([record.weight for record in records]), sum([len(record.body) for record in records]) + len(records)
