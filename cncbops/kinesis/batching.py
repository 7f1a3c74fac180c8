"""Batches of records, as an event source mapping would hand them over, and where they are cut."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import msgspec

from cncbops.kinesis.record import Record
from cncbops.native import hot

SYNC_PAYLOAD_BYTES = 6_291_456
"""Lambda's limit for a synchronous invocation (Lambda Developer Guide, "Lambda quotas")."""

ASYNC_PAYLOAD_BYTES = 1_048_576
"""Lambda's limit for an asynchronous invocation since 2025 (same source)."""

_HEAD, _TAIL = b'{"Records":[', b"]}"
FRAME_BYTES = len(_HEAD) + len(_TAIL)


class Mark(msgspec.Struct, frozen=True, gc=False):
    """How far a session is with a lane: of the records that it came to, those up to the place `upto`
    are settled, but for `holes`. See `cncbops.session.entry` for places.
    """

    upto: int
    holes: frozenset[int] = frozenset()

    def covers(self, place: int) -> bool:
        """Whether the lane's record at that place is settled, if the session came to it."""
        return place <= self.upto and place not in self.holes


class Measure(NamedTuple):
    """What some records come to: elements of `Records`, bytes of JSON, and those of the longest."""

    weight: int
    size: int
    longest: int


def measured(records: Sequence[Record]) -> Measure:
    """What records come to."""
    if hot:
        return Measure(*hot.measured(records))
    sizes = [record.size for record in records]
    return Measure(sum([record.weight for record in records]), sum(sizes), max(sizes, default=0))


class Batch(msgspec.Struct):
    """The records of one invocation, and the lanes they are from: none where order does not matter.

    `payload_bytes` counts the body as it is sent, `weight` the elements of `Records`. `upto` and `holes` are those of
    the lanes' marks (see `Mark`) once it is settled, with those before it: places lane by lane, without lanes one, and
    by lane where there are holes. `is_canary`: it goes before the others of its function.
    """

    lanes: tuple[int, ...]
    function: str = ""
    records: list[Record] = []
    payload_bytes: int = FRAME_BYTES
    weight: int = 0
    upto: list[int] = []
    holes: dict[int, frozenset[int]] = {}
    is_canary: bool = False

    def add(self, record: Record) -> None:
        """Append a record; the batch must have room for it."""
        self.payload_bytes += record.size + bool(self.records) - (FRAME_BYTES if record.is_event else 0)
        self.weight += record.weight
        self.records.append(record)

    def payload(self) -> bytes:
        """The invocation's body: `{"Records":[…]}`, or the one record that is a whole event."""
        if self.records and self.records[0].is_event:
            return self.records[0].body
        if hot:
            return hot.payload(_HEAD, self.records, _TAIL)
        return b"".join([_HEAD, b",".join([record.body for record in self.records]), _TAIL])


@dataclass(frozen=True, slots=True)
class BatchLimits:
    """Where a batch is cut: by the weight of its records and by bytes of its payload.

    A record that alone exceeds `payload_bytes` gets a batch of its own, up to
    `single_payload_bytes`; beyond that it cannot be delivered at all.
    """

    records: int
    payload_bytes: int
    single_payload_bytes: int = SYNC_PAYLOAD_BYTES

    @property
    def longest(self) -> int:
        """The bytes of the longest record that some invocation could carry, unless it is an event by itself."""
        return self.single_payload_bytes - FRAME_BYTES

    def deliverable_of(self, records: list[Record], longest: int | None = None) -> list[Record]:
        """Those that some invocation could carry: nearly always all, which is sooner seen of the longest body.

        How long that is in bytes may be known.
        """
        if longest is None:
            longest = measured(records).longest
        if longest <= self.longest:
            return records
        return list(filter(self.deliverable, records))

    def deliverable(self, record: Record) -> bool:
        """Whether any invocation could carry the record."""
        return record.size + (0 if record.is_event else FRAME_BYTES) <= self.single_payload_bytes


def batch_of(records: list[Record], lanes: tuple[int, ...]) -> Batch:
    """A batch of records that fit into one, of one function."""
    weight, size, _ = measured(records)
    return batch_of_known(records, lanes, weight, size)


def batch_of_known(records: list[Record], lanes: tuple[int, ...], weight: int, size: int) -> Batch:
    """The same of records of known weight and bytes of JSON."""
    frame = 0 if records[0].is_event else FRAME_BYTES - 1 + len(records)
    return Batch(lanes, records[0].function, records, frame + size, weight)


def part_of(batch: Batch, records: Iterable[Record]) -> Batch:
    """Some of a batch's records as a batch of their own."""
    part = Batch(batch.lanes, batch.function)
    for record in records:
        part.add(record)
    return part


def split(batch: Batch, at: int) -> tuple[Batch, Batch]:
    """The batch cut in two before record number `at` (from 0)."""
    return part_of(batch, batch.records[:at]), part_of(batch, batch.records[at:])
