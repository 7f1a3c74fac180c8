"""Batches of records, as an event source mapping would cut them, in lanes by partition key.

All records of one key fall into one lane, and a lane is delivered batch after batch, so the order
within a key holds while lanes go in parallel. A batch holds records of one group, such as a shard's, as
from a mapping, but for keys that changed theirs. What is left of a group in the lanes at the end is put
together, and such a batch waits for the turn of each of its lanes. So does a record that is in several
lanes: it gets a batch of its own, behind all that its lanes hold.

Which batch a record falls into depends on the lake and the options alone, never on timing: a plan
and its run, or two runs, cut alike.

A batch carries, for each of its lanes, how far the lane is when this batch and those before it are
settled (see `Mark`), so that whoever keeps a run's progress has nothing to work out.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby

from cncbops.kinesis.record import Record

SYNC_PAYLOAD_BYTES = 6_291_456
"""Lambda's limit for a synchronous invocation (Lambda Developer Guide, "Lambda quotas")."""

ASYNC_PAYLOAD_BYTES = 1_048_576
"""Lambda's limit for an asynchronous invocation since 2025 (same source)."""

OPEN_BYTES = 32 * 1024 * 1024
"""How much may wait in open batches, all lanes together, before the largest is closed early."""

_HEAD, _TAIL = b'{"Records":[', b"]}"
_FRAME_BYTES = len(_HEAD) + len(_TAIL)


@dataclass(frozen=True, slots=True)
class Mark:
    """How far a session is with a lane: of the records that it came to, those up to the place `upto`
    are settled, but for `holes`. See `cncbops.session.entry` for places.
    """

    upto: int
    holes: frozenset[int] = frozenset()

    def covers(self, place: int) -> bool:
        """Whether the lane's record at that place is settled, if the session came to it."""
        return place <= self.upto and place not in self.holes


@dataclass(slots=True)
class Batch:
    """The records of one invocation, and the lanes they are from: none where order does not matter.

    `payload_bytes` counts the body as it is sent, `weight` the elements of `Records`. `number` counts a
    batcher's batches from 0, in the order in which they are given out. `marks` are by lane; without lanes
    there is one, of lane 0. `is_canary`: it goes before the others of its function.
    """

    lanes: tuple[int, ...]
    function: str = ""
    records: list[Record] = field(default_factory=list)
    payload_bytes: int = _FRAME_BYTES
    weight: int = 0
    number: int = 0
    marks: dict[int, Mark] = field(default_factory=dict)
    is_canary: bool = False

    def add(self, record: Record) -> None:
        """Append a record; the batch must have room for it."""
        self.payload_bytes += len(record.body) + bool(self.records) - (_FRAME_BYTES if record.is_event else 0)
        self.weight += record.weight
        self.records.append(record)

    def add_all(self, other: "Batch") -> None:
        """Append another batch's records; there must be room for them."""
        self.lanes += other.lanes
        self.payload_bytes += other.payload_bytes - _FRAME_BYTES + 1
        self.weight += other.weight
        self.records += other.records

    def payload(self) -> bytes:
        """The invocation's body: `{"Records":[…]}`, or the one record that is a whole event."""
        if self.records and self.records[0].is_event:
            return self.records[0].body
        return _HEAD + b",".join([record.body for record in self.records]) + _TAIL


@dataclass(frozen=True, slots=True)
class BatchLimits:
    """Where a batch is cut: by the weight of its records and by bytes of its payload.

    A record that alone exceeds `payload_bytes` gets a batch of its own, up to
    `single_payload_bytes`; beyond that it cannot be delivered at all.
    """

    records: int
    payload_bytes: int
    single_payload_bytes: int = SYNC_PAYLOAD_BYTES

    def has_room(self, batch: Batch, record: Record) -> bool:
        """Whether the record still fits into the batch."""
        size = batch.payload_bytes + len(record.body) + bool(batch.records)
        return batch.weight + record.weight <= self.records and size <= self.payload_bytes

    def has_room_for_all(self, batch: Batch, other: Batch) -> bool:
        """Whether another batch's records still fit into the batch."""
        size = batch.payload_bytes + other.payload_bytes - _FRAME_BYTES + 1
        return batch.weight + other.weight <= self.records and size <= self.payload_bytes

    def deliverable(self, record: Record) -> bool:
        """Whether any invocation could carry the record."""
        return len(record.body) + (0 if record.is_event else _FRAME_BYTES) <= self.single_payload_bytes


class Batcher:
    """Cuts records into batches of one group each, lane by lane, in the order in which they come.

    `limits` are those of each function. `lanes` is how many batches of one can be in flight in order; 0
    keeps no order. Records come in the order of their places.
    """

    def __init__(self, limits: Mapping[str, BatchLimits], lanes: int) -> None:
        self._limits = limits
        self._lanes = lanes
        self._open: dict[tuple[str, int], Batch] = {}
        self._groups: dict[int, set[str]] = {}  # of the open batches, by lane
        # By lane and partition key, while an open batch holds its records.
        self._group_of: dict[tuple[int, str], str] = {}
        self._open_bytes = 0
        self._last_place = -1
        self._given_out = 0

    def add(self, records: Iterable[Record]) -> Iterator[Batch]:
        """Take records in, and give out the batches that are full. Each must be deliverable."""
        for record in records:
            closed = self._put(record)
            if closed:
                yield from closed

    def flush(self) -> Iterator[Batch]:
        """Give out what is left, the rests of a group's lanes in one batch where they fit."""
        for _, places in groupby(sorted(self._open), key=lambda place: place[0]):
            for together in self._together(list(places)):
                yield self._close(together)

    def _together(self, places: list[tuple[str, int]]) -> list[list[tuple[str, int]]]:
        """The open batches of a group in bunches, each of which fits into one batch."""
        bunches: list[list[tuple[str, int]]] = []
        size = Batch(())
        for place in places:
            rest = self._open[place]
            if not bunches or not self._limits[rest.function].has_room_for_all(size, rest):
                bunches.append([])
                size = Batch(())
            size.add_all(rest)
            bunches[-1].append(place)
        return bunches

    def _put(self, record: Record) -> list[Batch]:
        """Take one record in; the batches that are closed for it."""
        lanes = record.lanes(self._lanes)
        if record.is_alone or len(lanes) > 1:
            return self._put_alone(record, lanes)
        closed, limits = [], self._limits[record.function]
        places = self._places_of(record, lanes)
        while len(places) > 1 or (places[0] in self._open and not limits.has_room(self._open[places[0]], record)):
            closed.append(self._close([places[0]]))
            places = self._places_of(record, lanes)
        (place,) = places
        self._add(record, place)
        if self._open[place].weight >= limits.records:
            closed.append(self._close([place]))
        elif self._open_bytes > OPEN_BYTES:
            closed.append(self._close([max(self._open, key=lambda each: self._open[each].payload_bytes)]))
        return closed

    def _put_alone(self, record: Record, lanes: tuple[int, ...]) -> list[Batch]:
        """Give a record a batch of its own, behind all that waits in its lanes."""
        waiting = [(group, lane) for lane in lanes for group in sorted(self._groups.get(lane, ()))]
        closed = [self._close([place]) for place in waiting]
        self._last_place = record.place
        batch = Batch(lanes, record.function)
        batch.add(record)
        return [*closed, self._given_out_as(batch, lanes or (0,))]

    def _places_of(self, record: Record, lanes: tuple[int, ...]) -> list[tuple[str, int]]:
        """Group and lane of the batch that a record goes into; of several, all but the last are to be closed.

        A key that changes its group, as when a stream is resharded, stays with its open batch.
        """
        if not lanes:
            return [(record.group, 0)]
        (lane,) = lanes
        held = {self._group_of[lane, key] for key in record.keys if (lane, key) in self._group_of}
        return [(group, lane) for group in sorted(held or (record.group,))]

    def _add(self, record: Record, place: tuple[str, int]) -> None:
        if place not in self._open:
            self._open[place] = Batch((place[1],) if self._lanes else (), record.function)
            self._groups.setdefault(place[1], set()).add(place[0])
        self._open[place].add(record)
        if self._lanes:
            self._group_of.update(((place[1], key), place[0]) for key in record.keys)
        self._open_bytes += len(record.body)
        self._last_place = record.place

    def _close(self, places: list[tuple[str, int]]) -> Batch:
        """Close open batches as one, marked with how far their lanes are once it is settled."""
        batch = self._take_out(places[0])
        for place in places[1:]:
            batch.add_all(self._take_out(place))
        if len(places) > 1:
            batch.records.sort(key=lambda record: record.place)
        return self._given_out_as(batch, [lane for _, lane in places])

    def _given_out_as(self, batch: Batch, lanes: Iterable[int]) -> Batch:
        batch.marks = {lane: self._mark(lane) for lane in lanes}
        batch.number = self._given_out
        self._given_out += 1
        return batch

    def _take_out(self, place: tuple[str, int]) -> Batch:
        batch = self._open.pop(place)
        self._groups[place[1]].discard(place[0])
        for record in batch.records:
            self._open_bytes -= len(record.body)
            for key in record.keys:
                self._group_of.pop((place[1], key), None)
        return batch

    def _mark(self, lane: int) -> Mark:
        """How far a lane is, once all that was taken out of it is settled."""
        groups = self._groups.get(lane, ())
        return Mark(
            self._last_place, frozenset(record.place for group in groups for record in self._open[group, lane].records)
        )


def part_of(batch: Batch, records: Iterable[Record]) -> Batch:
    """Some of a batch's records as a batch of their own."""
    part = Batch(batch.lanes, batch.function)
    for record in records:
        part.add(record)
    return part


def split(batch: Batch, at: int) -> tuple[Batch, Batch]:
    """The batch cut in two before record number `at` (from 0)."""
    return part_of(batch, batch.records[:at]), part_of(batch, batch.records[at:])
