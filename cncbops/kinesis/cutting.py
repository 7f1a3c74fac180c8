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

from cncbops.kinesis.batching import FRAME_BYTES, Batch, BatchLimits, Mark, batch_of
from cncbops.kinesis.record import Record

CARRIED_BYTES = 8 * 1024 * 1024
"""How much may be carried over before the fullest of what waits is sent as it is."""

MANY = 8
"""Batches of a group in one cut, beside which half a one is sent: it costs less than to carry its records over."""

KEYS_KNOWN = 50_000
OPEN_DRAFTS = 4
"""How many batches a lane may go into: those before them are as full as whole lanes make them."""

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
        self._limits, self._canary = limits, canary
        self._lane_of = _LaneOf(lanes) if lanes else None

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
        upto = records[-1].place if records else stock.upto
        if self._canary is None:
            batches, rest = self._cut([*stock.carried, *records], stock.upto)
            return batches, replace(stock, carried=rest, upto=upto)
        first, others, left = self._parted(records, stock.canary)
        others = [*stock.carried, *others]
        canaries, _ = self._cut(first, stock.upto, flush=True, behind=others)
        for batch in canaries:
            batch.is_canary = True
        # In lanes, which are a function's own, a canary comes before all others in place as well.
        cut_before = stock.upto if self._lane_of or not first else first[-1].place
        batches, rest = self._cut(others, cut_before)
        return [*canaries, *batches], Stock(rest, left, upto)

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
        shelves = _Shelves(self._limits, self._lane_of, upto, behind)
        batches = list(shelves.put_all(records))
        drafts, rest = shelves.drafts()
        batches += map(shelves.give_out, drafts)
        rest.sort(key=attrgetter("bytes"))
        while rest and (flush or sum(draft.bytes for draft in rest) > CARRIED_BYTES):
            batches.append(shelves.give_out(rest.pop()))
        return batches, sorted((record for draft in rest for record in draft.records()), key=_place)


class _LaneOf:
    """The lanes of records that have one each; remembered by key, as hashing takes longer than all else here."""

    def __init__(self, count: int) -> None:
        self.count = count
        self._known: dict[tuple[str, str], int] = {}

    def __call__(self, record: Record) -> int:
        key = (record.function, record.partition_key)
        lane = self._known.get(key)
        if lane is None:
            if len(self._known) >= KEYS_KNOWN:
                self._known.clear()
            (lane,) = record.lanes(self.count)
            self._known[key] = lane
        return lane


class _Shelf:
    """Records of one group and lane, in the order of their places; the first `given` are given out."""

    __slots__ = ("given", "group", "lane", "records")

    def __init__(self, group: str, lane: int, *records: Record) -> None:
        self.group, self.lane, self.given = group, lane, 0
        self.records = list(records)

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

    def is_filled(self, *, by: float) -> bool:
        """Whether it has that share of the records that it may have."""
        return self.weight >= self._limits.records * by

    @property
    def last_place(self) -> int:
        return max([shelf.records[end - 1].place for shelf, _, end in self.parts])

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

    def __init__(
        self, limits: Mapping[str, BatchLimits], lane_of: _LaneOf | None, upto: int, behind: Sequence[Record]
    ) -> None:
        """Without `lane_of` no order is kept, and all is in lane 0."""
        self._limits, self._lane_of, self._before = limits, lane_of, upto
        self._behind = () if lane_of else tuple(record.place for record in behind)
        self._of_group: dict[str, dict[int, _Shelf]] = {}
        self._of_lane: dict[int, list[_Shelf]] = {}
        self._of_key: dict[int, dict[str, _Shelf]] = {}  # in lanes with more than one group
        self._alone: list[_Shelf] = []  # without order, those of records that go alone
        self._measured = _measured
        self._upto: dict[int, int] = {}  # by lane, how far it was given out

    def put_all(self, records: Sequence[Record]) -> Iterator[Batch]:
        """Put records on their shelves, and give out those that go alone, with all that must come before them.

        A key that changes its group, as when a stream is resharded, stays where it was.
        """
        self._measured = _counted if _counts_alone(records, self._limits) else _measured
        lane_of, of_lane = self._lane_of, self._of_lane
        for record in records:
            if lane_of and (record.is_alone or record.has_many_keys):
                yield from self._put_alone(record, lane_of.count)
                continue
            if record.is_alone:
                self._alone.append(_Shelf(record.group, 0, record))
                continue
            lane = lane_of(record) if lane_of else 0
            shelves = of_lane.get(lane)
            if shelves and len(shelves) == 1 and shelves[0].group == record.group:
                shelves[0].records.append(record)
            else:
                self._shelf(record, lane).records.append(record)

    def drafts(self) -> tuple[list[_Draft], list[_Draft]]:
        """The batches that are full, or as full as whole lanes make them; and the last of each group."""
        made: list[_Draft] = []
        rest: list[_Draft] = []
        for group in sorted(self._of_group):
            lanes = self._of_group[group]
            drafts = self._drafts_of([lanes[lane] for lane in sorted(lanes)])
            if drafts and not self._is_worth_sending(drafts):
                rest.append(drafts.pop())
            made += drafts
        made += [draft for shelf in self._alone for draft in self._drafts_of([shelf])]
        if not self._lane_of:  # the groups side by side, else marks would have all of the others as holes
            made.sort(key=attrgetter("last_place"))
        return made, rest

    def _is_worth_sending(self, drafts: Sequence[_Draft]) -> bool:
        """Whether the last is full; or half full in order beside many, where its lanes are waited for."""
        is_beside_many = self._lane_of is not None and len(drafts) > MANY
        return drafts[-1].is_filled(by=0.5 if is_beside_many else 1.0)

    def give_out(self, draft: _Draft) -> Batch:
        """The batch of a draft, marked with how far its lanes are once it is settled."""
        lanes = tuple([shelf.lane for shelf, _, _ in draft.parts]) if self._lane_of else ()
        batch = batch_of(draft.records(), lanes)
        for shelf, _, end in draft.parts:
            shelf.given = end
            batch.marks[shelf.lane] = self._mark(shelf.lane, shelf.records[end - 1].place)
        return batch

    def _mark(self, lane: int, place: int) -> Mark:
        """How far a lane is once all of it is settled that was given out, the last at a place. It never goes back."""
        upto = self._upto[lane] = max(place, self._upto.get(lane, self._before))
        shelves = self._of_lane.get(lane, ())
        if self._lane_of and len(shelves) < 2 and upto == place:  # what waits on the only one comes later
            return Mark(place)
        waiting = chain.from_iterable(shelf.holes(upto) for shelf in (*shelves, *self._alone))
        return Mark(upto, frozenset(chain(waiting, filter(upto.__ge__, self._behind))))

    def _drafts_of(self, shelves: Iterable[_Shelf]) -> list[_Draft]:
        """What is left on shelves of one group as batches, filled in the order of their lanes."""
        drafts: list[_Draft] = []
        for shelf in shelves:
            parts = self._parts(shelf)
            for part, weight, size in parts:
                open_ones = drafts[-OPEN_DRAFTS:] if len(parts) == 1 else drafts[-1:]
                draft = next((each for each in open_ones if each.has_room(weight, size)), None)
                if draft is None:
                    draft = _Draft(self._limits[shelf.records[0].function])
                    drafts.append(draft)
                draft.add(part, weight, size)
        return drafts

    def _parts(self, shelf: _Shelf) -> Sequence[tuple[_Part, int, int]]:
        """What is left on a shelf, whole if it fits into a batch, else in parts; each with weight and size."""
        start, end = shelf.given, len(shelf.records)
        if start == end:
            return ()
        limits = self._limits[shelf.records[0].function]
        weight, size = self._measured(shelf.records[start:])
        if _Draft(limits).has_room(weight, size):
            return (((shelf, start, end), weight, size),)
        return list(_parts_that_fit(shelf, limits))

    def _shelf(self, record: Record, lane: int) -> _Shelf:
        """The shelf of a record: that of its group, or the one where others of its key are."""
        shelves = self._of_lane.setdefault(lane, [])
        if self._lane_of and shelves:
            of_key = self._of_key.get(lane)
            if of_key is None:
                of_key = self._of_key[lane] = {each.partition_key: shelves[0] for each in shelves[0].records}
            if record.partition_key not in of_key:
                of_key[record.partition_key] = self._shelf_of_group(record, lane)
            return of_key[record.partition_key]
        return self._shelf_of_group(record, lane)

    def _shelf_of_group(self, record: Record, lane: int) -> _Shelf:
        lanes = self._of_group.setdefault(record.group, {})
        if lane not in lanes:
            lanes[lane] = _Shelf(record.group, lane)
            self._of_lane[lane].append(lanes[lane])
        return lanes[lane]

    def _put_alone(self, record: Record, count: int) -> Iterator[Batch]:
        """Give a record a batch of its own, behind all that waits in its lanes."""
        lanes = record.lanes(count)
        for lane in lanes:
            for shelf in self._of_lane.get(lane, ()):
                yield from map(self.give_out, self._drafts_of([shelf]))
        batch = batch_of([record], lanes)
        batch.marks = {lane: self._mark(lane, record.place) for lane in lanes}
        yield batch


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


def _counts_alone(records: Sequence[Record], limits: Mapping[str, BatchLimits]) -> bool:
    """Whether records are all of weight 1, and so small that their bytes need not be counted."""
    if not records or {record.weight for record in records} != {1}:
        return False
    longest = max([len(record.body) for record in records]) + 1
    functions = {record.function for record in records}
    return all(limits[name].records * longest <= limits[name].payload_bytes - FRAME_BYTES for name in functions)


def _counted(records: Sequence[Record]) -> tuple[int, int]:
    return len(records), 0


def _measured(records: Sequence[Record]) -> tuple[int, int]:
    """The weight of records, and their bytes in a payload, each with the comma before it."""
    return sum([record.weight for record in records]), sum([len(record.body) for record in records]) + len(records)
