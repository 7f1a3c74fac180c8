"""The records of one cut by group and lane, and how batches are made of them (see `cutting`)."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain, takewhile
from operator import attrgetter

from cncbops.kinesis.batching import FRAME_BYTES, Batch, BatchLimits, Mark, batch_of, measured
from cncbops.kinesis.record import Record, lane_of
from cncbops.native import hot

MANY = 8
"""Batches of a group in one cut, beside which half a one is sent: it costs less than to carry its records over."""

OPEN_DRAFTS = 8
"""How many batches a lane may go into: those before them are as full as whole lanes make them."""

KEYS_KNOWN = 50_000

by_place = attrgetter("place")


class LaneOf:
    """The lanes of records that have one each; remembered by key, as hashing takes longer than all else here."""

    def __init__(self, count: int) -> None:
        """They are `known` by function and key."""
        self.count, self._keys = count, 0
        self.known: dict[str, dict[str, int]] = {}

    def __call__(self, record: Record) -> int:
        function, key = record.function, record.partition_key
        lane = self.known.get(function, {}).get(key)
        if lane is None:
            if self._keys >= KEYS_KNOWN:
                self._keys = 0
                self.known.clear()
            lane = self.known.setdefault(function, {})[key] = lane_of(key, self.count, function)
            self._keys += 1
        return lane


class Shelf:
    """Records of one group and lane, in the order of their places; the first `given` are given out."""

    __slots__ = ("given", "group", "lane", "records")

    def __init__(self, group: str, lane: int, *records: Record) -> None:
        self.group, self.lane, self.given = group, lane, 0
        self.records = list(records)

    def holes(self, upto: int) -> Iterable[int]:
        """The places of what is not given out, up to one."""
        if self.given == len(self.records):
            return ()
        return takewhile(upto.__ge__, (record.place for record in self.records[self.given :]))


Part = tuple[Shelf, int, int]
"""The records between two places on a shelf."""


class Draft:
    """A batch in the making."""

    __slots__ = ("_limits", "parts", "room", "room_bytes")

    def __init__(self, limits: BatchLimits) -> None:
        """There is `room` for records of that weight, and of `room_bytes` as `_measured` counts them."""
        self._limits = limits
        self.parts: list[Part] = []
        self.room, self.room_bytes = limits.records, _most_bytes(limits)

    def is_filled(self, *, by: float) -> bool:
        """Whether it has that share of the records that it may have."""
        return self._limits.records - self.room >= self._limits.records * by

    @property
    def group(self) -> str:
        return self.parts[0][0].group

    @property
    def first_lane(self) -> int:
        return self.parts[0][0].lane

    @property
    def last_place(self) -> int:
        return max([shelf.records[end - 1].place for shelf, _, end in self.parts])

    def add(self, part: Part, weight: int, size: int) -> None:
        self.parts.append(part)
        self.room -= weight
        self.room_bytes -= size

    def records(self) -> list[Record]:
        """What is in it, in the order of places."""
        return hot.in_order(self.parts) if hot else _in_order(self.parts)


class Shelves:
    """The records of one cut by group and lane, and the batches made of them."""

    def __init__(
        self, limits: Mapping[str, BatchLimits], lane_of: LaneOf | None, upto: int, behind: Sequence[Record]
    ) -> None:
        """Without `lane_of` no order is kept, and all is in lane 0."""
        self._limits, self._lane_of, self._before = limits, lane_of, upto
        self._behind = () if lane_of else tuple(record.place for record in behind)
        self._of_group: dict[str, dict[int, Shelf]] = {}
        self._of_lane: dict[int, list[Shelf]] = {}
        # By function, where the records of a key are, without order those of a group: a key that changes its group, as
        # when a stream is resharded, stays where it was.
        self._homes: dict[str, dict[str, list[Record]]] = {}
        self._alone: list[Shelf] = []  # without order, those of records that go alone
        # Where groups share a lane, or are all in one, and one of them has much: batches then go by their places, since
        # marks would else have all of that group as holes.
        self._holes_are_many = lane_of is None
        self._measured = _measured
        self._upto: dict[int, int] = {}  # by lane, how far it was given out

    def put_all(self, records: Sequence[Record]) -> Iterator[Batch]:
        """Put records on their shelves, and give out those that go alone, with all that must come before them."""
        self._measured = _counted if _counts_alone(records, self._limits) else _measured
        put = hot.put_on_shelves if hot else _put_on_shelves
        lanes = self._lane_of.known if self._lane_of else None
        all_of_them, at = tuple(records), 0
        while True:
            at = put(all_of_them, at, self._homes, lanes, self._of_group, self._home_for)
            if at == len(all_of_them):
                return
            yield from self._put_alone(all_of_them[at])
            at += 1

    def drafts(self, first_lanes: Mapping[str, int]) -> tuple[list[Draft], list[Draft]]:
        """The batches that are full, or as full as whole lanes make them; and the last of each group.

        They are filled in the order of lanes, from the `first_lanes` of each group round to those before them.
        """
        made: list[Draft] = []
        rest: list[Draft] = []
        for group in sorted(self._of_group):
            lanes, first = self._of_group[group], first_lanes.get(group, 0)
            in_order = sorted(lanes, key=lambda lane: (lane < first, lane))
            drafts = self._drafts_of([lanes[lane] for lane in in_order])
            if drafts and not self._is_worth_sending(drafts):
                rest.append(drafts.pop())
            made += drafts
        made += [draft for shelf in self._alone for draft in self._drafts_of([shelf])]
        if self._holes_are_many:
            made.sort(key=attrgetter("last_place"))
        return made, rest

    def _is_worth_sending(self, drafts: Sequence[Draft]) -> bool:
        """Whether the last is full; or half full in order beside many, where its lanes are waited for."""
        is_beside_many = self._lane_of is not None and len(drafts) > MANY
        return drafts[-1].is_filled(by=0.5 if is_beside_many else 1.0)

    def give_out(self, draft: Draft) -> Batch:
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

    def _drafts_of(self, shelves: Iterable[Shelf]) -> list[Draft]:
        """What is left on shelves of one group as batches, filled in the order of their lanes.

        A shelf that fills several has them for itself but for the last, so that they go one after another.
        """
        drafts: list[Draft] = []
        open_ones: deque[Draft] = deque(maxlen=OPEN_DRAFTS)
        for shelf in shelves:
            parts = self._parts(shelf)
            for number, (part, weight, size) in enumerate(parts, start=1 - len(parts)):
                draft = None if len(parts) > 1 else _with_room(open_ones, weight, size)
                if draft is None:
                    draft = Draft(self._limits[shelf.records[0].function])
                    drafts.append(draft)
                    if number == 0:
                        open_ones.append(draft)
                draft.add(part, weight, size)
            self._holes_are_many |= len(parts) > 1 and len(self._of_lane[shelf.lane]) > 1
        return drafts

    def _parts(self, shelf: Shelf) -> Sequence[tuple[Part, int, int]]:
        """What is left on a shelf, whole if it fits into a batch, else in parts; each with weight and size."""
        start, end = shelf.given, len(shelf.records)
        if start == end:
            return ()
        limits = self._limits[shelf.records[0].function]
        weight, size = self._measured(shelf.records, start, end)
        if _fit(weight, size, limits):
            return (((shelf, start, end), weight, size),)
        return list(_parts_that_fit(shelf, limits))

    def _home_for(self, record: Record) -> list[Record]:
        """What is on the shelf of a record of a key that is new."""
        lane = self._lane_of(record) if self._lane_of else 0
        lanes = self._of_group.setdefault(record.group, {})
        if lane not in lanes:
            lanes[lane] = Shelf(record.group, lane)
            self._of_lane.setdefault(lane, []).append(lanes[lane])
        return lanes[lane].records

    def _put_alone(self, record: Record) -> Iterator[Batch]:
        """Give a record a batch of its own, with order behind all that waits in its lanes."""
        if self._lane_of is None:
            self._alone.append(Shelf(record.group, 0, record))
            return
        lanes = record.lanes(self._lane_of.count)
        for lane in lanes:
            for shelf in self._of_lane.get(lane, ()):
                yield from map(self.give_out, self._drafts_of([shelf]))
        batch = batch_of([record], lanes)
        batch.marks = {lane: self._mark(lane, record.place) for lane in lanes}
        yield batch


def _put_on_shelves(
    records: Sequence[Record],
    start: int,
    homes: dict[str, dict[str, list[Record]]],
    lanes: Mapping[str, Mapping[str, int]] | None,
    shelves: Mapping[str, Mapping[int, Shelf]],  # noqa: ARG001  as in C, which looks there before it asks
    home_for: Callable[[Record], list[Record]],
) -> int:
    """Put records from `start` where those of their function and key are, up to the first that goes alone: its index.

    `homes` are by function, and by key, without order by group; `home_for` finds that of one that is not there, as are
    the records of the shelf of its group and lane. `lanes` are those known, by function and key, None without order.
    """
    has_order = lanes is not None
    for at in range(start, len(records)):
        record = records[at]
        if record.is_alone or (has_order and record.has_many_keys):
            return at
        of_function = homes.setdefault(record.function, {})
        key = record.partition_key if has_order else record.group
        home = of_function.get(key)
        if home is None:
            home = of_function[key] = home_for(record)
        home.append(record)
    return len(records)


def _in_order(parts: Sequence[Part]) -> list[Record]:
    records = [record for shelf, start, end in parts for record in shelf.records[start:end]]
    if len(parts) > 1:
        records.sort(key=by_place)
    return records


def _with_room(drafts: Iterable[Draft], weight: int, size: int) -> Draft | None:
    """The first of them that has room."""
    for draft in drafts:
        if weight <= draft.room and size <= draft.room_bytes:
            return draft
    return None


def _fit(weight: int, size: int, limits: BatchLimits) -> bool:
    """Whether records of that weight make a batch, and of that size as `_measured` counts it."""
    return weight <= limits.records and size <= _most_bytes(limits)


def _most_bytes(limits: BatchLimits) -> int:
    """How much may be in a batch, as `_measured` counts it."""
    return limits.payload_bytes - FRAME_BYTES + 1


def _parts_that_fit(shelf: Shelf, limits: BatchLimits) -> Iterator[tuple[Part, int, int]]:
    start, weight, size = shelf.given, 0, 0
    for end in range(start, len(shelf.records)):
        more, longer = _measured(shelf.records, end, end + 1)
        if end > start and not _fit(weight + more, size + longer, limits):
            yield (shelf, start, end), weight, size
            start, weight, size = end, 0, 0
        weight, size = weight + more, size + longer
    yield (shelf, start, len(shelf.records)), weight, size


def _counts_alone(records: Sequence[Record], limits: Mapping[str, BatchLimits]) -> bool:
    """Whether records are all of weight 1, and so small that their bytes need not be counted."""
    weight, _, longest = measured(records)
    if weight != len(records):
        return False
    functions = {record.function for record in records}
    return all(limits[name].records * (longest + 1) <= limits[name].payload_bytes - FRAME_BYTES for name in functions)


def _counted(records: Sequence[Record], start: int, end: int) -> tuple[int, int]:  # noqa: ARG001  as `_measured`
    return end - start, 0


def _measured(records: Sequence[Record], start: int, end: int) -> tuple[int, int]:
    """The weight of the records between two places, and their bytes in a payload, each with the comma before it."""
    weight, size, _ = measured(records[start:end])
    return weight, size + end - start
