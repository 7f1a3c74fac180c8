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
from dataclasses import dataclass, field
from itertools import chain, islice, takewhile
from operator import attrgetter

from cncbops.kinesis.batching import FRAME_BYTES, Batch, BatchLimits, Mark
from cncbops.kinesis.record import Record

CARRIED_BYTES = 8 * 1024 * 1024
"""How much may be carried over before the fullest of what waits is sent as it is."""

_place = attrgetter("place")


@dataclass(frozen=True)
class Stock:
    """What passes from one cut to the next: records carried over, in the order of their places.

    `canary` is how many records each function's canary still takes; a function that is not in it has had none.
    """

    carried: Sequence[Record] = ()
    canary: Mapping[str, int] = field(default_factory=dict)


class Cutter:
    """Cuts for one session. `limits` are those of each function; `lanes` 0 keeps no order."""

    def __init__(self, limits: Mapping[str, BatchLimits], lanes: int, canary: int | None = None) -> None:
        self._limits, self._lanes, self._canary = limits, lanes, canary

    def cut(self, records: Sequence[Record], stock: Stock, *, flush: bool) -> tuple[list[Batch], Stock]:
        """The batches of what was carried and what is new, and what is carried on: nothing if it is to `flush`.

        Records come in the order of their places. Each must be deliverable.
        """
        if self._canary is None:
            batches, rest = self._cut([*stock.carried, *records], flush=flush)
            return batches, Stock(rest)
        first, others, left = self._parted(records, stock.canary)
        others = [*stock.carried, *others]
        canaries, _ = self._cut(first, flush=True, behind=others)
        for batch in canaries:
            batch.is_canary = True
        batches, rest = self._cut(others, flush=flush)
        return [*canaries, *batches], Stock(rest, left)

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
        self, records: Sequence[Record], *, flush: bool, behind: Sequence[Record] = ()
    ) -> tuple[list[Batch], list[Record]]:
        """Batches, and what is left; `behind` are records that are cut after these, whatever their places."""
        shelves = _Shelves(self._limits, self._lanes, behind)
        batches = list(shelves.put_all(records))
        drafts, rest = shelves.drafts()
        batches += map(shelves.give_out, drafts)
        rest.sort(key=attrgetter("bytes"))
        while rest and (flush or sum(draft.bytes for draft in rest) > CARRIED_BYTES):
            batches.append(shelves.give_out(rest.pop()))
        return batches, sorted((record for draft in rest for record in draft.records()), key=_place)


class _Shelf(list[Record]):
    """Records of one function, group and lane, in the order of their places; the first `given` are given out."""

    def __init__(self, function: str, lane: int) -> None:
        super().__init__()
        self.function, self.lane, self.given = function, lane, 0

    def holes_below(self, place: int) -> Iterator[int]:
        """The places of what is not given out, up to one."""
        return takewhile(place.__gt__, (record.place for record in islice(self, self.given, None)))


class _Draft:
    """A batch in the making: of each shelf the records between two places on it."""

    def __init__(self, limits: BatchLimits) -> None:
        self._limits = limits
        self.parts: list[tuple[_Shelf, int, int]] = []
        self.weight = self.bytes = 0

    @property
    def is_full(self) -> bool:
        return self.weight >= self._limits.records

    def has_room(self, weight: int, size: int) -> bool:
        """Whether records of that weight still fit, and of that size as `_size` counts it."""
        fits = self.bytes + size <= self._limits.payload_bytes - FRAME_BYTES + 1
        return fits and self.weight + weight <= self._limits.records

    def add(self, part: tuple[_Shelf, int, int], weight: int, size: int) -> None:
        self.parts.append(part)
        self.weight += weight
        self.bytes += size

    def records(self) -> list[Record]:
        """What is in it, in the order of places."""
        records = [record for shelf, start, end in self.parts for record in shelf[start:end]]
        records.sort(key=_place)
        return records


class _Shelves:
    """The records of one cut by group and lane, and the batches made of them."""

    def __init__(self, limits: Mapping[str, BatchLimits], lanes: int, behind: Sequence[Record] = ()) -> None:
        self._limits, self._lanes = limits, lanes
        # In lanes, which are a function's own, a canary comes before all others in place as well.
        self._behind = () if lanes else tuple(record.place for record in behind)
        self._of_key: dict[tuple[str, str], _Shelf] = {}
        self._of_group: dict[str, dict[int, _Shelf]] = {}
        self._of_lane: dict[int, list[_Shelf]] = {}

    def put_all(self, records: Iterable[Record]) -> Iterator[Batch]:
        """Put records on their shelves, and give out those that go alone, with all that must come before them.

        A key that changes its group, as when a stream is resharded, stays where it was.
        """
        of_key, orders = self._of_key, bool(self._lanes)
        for record in records:
            if record.is_alone or (orders and len(record.keys) > 1):
                yield from self._put_alone(record)
                continue
            key = (record.function, record.partition_key if orders else record.group)
            shelf = of_key.get(key)
            if shelf is None:
                shelf = of_key[key] = self._shelf(record)
            shelf.append(record)

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
        return made, rest

    def give_out(self, draft: _Draft) -> Batch:
        """The batch of a draft, marked with how far its lanes are once it is settled."""
        shelf = draft.parts[0][0]
        batch = Batch(tuple(shelf.lane for shelf, _, _ in draft.parts) if self._lanes else (), shelf.function)
        batch.records = draft.records()
        batch.weight, batch.payload_bytes = draft.weight, draft.bytes + FRAME_BYTES - 1
        for shelf, _, end in draft.parts:
            shelf.given = end
            batch.marks[shelf.lane] = self._mark(shelf.lane, shelf[end - 1].place)
        return batch

    def _mark(self, lane: int, place: int) -> Mark:
        waiting = chain.from_iterable(shelf.holes_below(place) for shelf in self._of_lane.get(lane, ()))
        return Mark(place, frozenset(chain(waiting, filter(place.__gt__, self._behind))))

    def _drafts_of(self, shelves: Iterable[_Shelf]) -> list[_Draft]:
        """What is left on shelves of one group as batches, in the order of their lanes; only the last has room."""
        drafts: list[_Draft] = []
        for shelf in shelves:
            limits = self._limits[shelf.function]
            for part in _parts(shelf, limits):
                weight, size = _weight(part), _size(part)
                if not drafts or not drafts[-1].has_room(weight, size):
                    drafts.append(_Draft(limits))
                drafts[-1].add(part, weight, size)
        return drafts

    def _shelf(self, record: Record) -> _Shelf:
        lane = record.lanes(self._lanes)[0] if self._lanes else 0
        shelves = self._of_group.setdefault(record.group, {})
        if lane not in shelves:
            shelves[lane] = _Shelf(record.function, lane)
            self._of_lane.setdefault(lane, []).append(shelves[lane])
        return shelves[lane]

    def _put_alone(self, record: Record) -> Iterator[Batch]:
        """Give a record a batch of its own, behind all that waits in its lanes."""
        lanes = record.lanes(self._lanes) if self._lanes else ()
        for lane in lanes:
            for shelf in self._of_lane.get(lane, ()):
                yield from map(self.give_out, self._drafts_of([shelf]))
        batch = Batch(lanes, record.function)
        batch.add(record)
        batch.marks = {lane: self._mark(lane, record.place) for lane in lanes or (0,)}
        yield batch


def _parts(shelf: _Shelf, limits: BatchLimits) -> Iterator[tuple[_Shelf, int, int]]:
    """What is left on a shelf, whole if it fits into a batch, else in parts that do."""
    start, weight, size = shelf.given, 0, 0
    for end in range(start, len(shelf)):
        more, longer = shelf[end].weight, len(shelf[end].body) + 1
        fits = weight + more <= limits.records and size + longer <= limits.payload_bytes - FRAME_BYTES + 1
        if end > start and not fits:
            yield shelf, start, end
            start, weight, size = end, 0, 0
        weight, size = weight + more, size + longer
    if start < len(shelf):
        yield shelf, start, len(shelf)


def _weight(part: tuple[_Shelf, int, int]) -> int:
    shelf, start, end = part
    return sum(record.weight for record in shelf[start:end])


def _size(part: tuple[_Shelf, int, int]) -> int:
    """The bytes of records in a payload, each with the comma before it."""
    shelf, start, end = part
    return sum(len(record.body) for record in shelf[start:end]) + end - start
