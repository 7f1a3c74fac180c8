"""Batches of records, as an event source mapping would cut them, in lanes by partition key.

All records of one key fall into one lane, and a lane is delivered batch after batch, so the order
within a key holds while lanes go in parallel. What is left in the lanes at the end is put together:
such a batch waits for the turn of each of its lanes. Which batch a record falls into depends on the lake
and the options alone, never on timing: a plan and its run, or two runs, cut alike.
"""

import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from cncbops.kinesis.record import Record

SYNC_PAYLOAD_BYTES = 6_291_456
"""Lambda's limit for a synchronous invocation (Lambda Developer Guide, "Lambda quotas")."""

ASYNC_PAYLOAD_BYTES = 1_048_576
"""Lambda's limit for an asynchronous invocation since 2025 (same source)."""

OPEN_BYTES = 32 * 1024 * 1024
"""How much may wait in open batches, all lanes together, before the largest is closed early."""

_HEAD, _TAIL = b'{"Records":[', b"]}"
_FRAME_BYTES = len(_HEAD) + len(_TAIL)


@dataclass(slots=True)
class Batch:
    """The records of one invocation, and the lanes they are from: none where order does not matter.

    `payload_bytes` counts the body as it is sent.
    """

    lanes: tuple[int, ...]
    records: list[Record] = field(default_factory=list)
    payload_bytes: int = _FRAME_BYTES

    def add(self, record: Record) -> None:
        """Append a record; the batch must have room for it."""
        self.payload_bytes += len(record.body) + bool(self.records)
        self.records.append(record)

    def add_all(self, other: "Batch") -> None:
        """Append another batch's records; there must be room for them."""
        self.lanes += other.lanes
        self.payload_bytes += other.payload_bytes - _FRAME_BYTES + 1
        self.records += other.records

    def payload(self) -> bytes:
        """The invocation's body: `{"Records":[…]}`."""
        return _HEAD + b",".join([record.body for record in self.records]) + _TAIL


@dataclass(frozen=True, slots=True)
class BatchLimits:
    """Where a batch is cut: by number of records and by bytes of its payload.

    A record that alone exceeds `payload_bytes` gets a batch of its own, up to
    `single_payload_bytes`; beyond that it cannot be delivered at all.
    """

    records: int
    payload_bytes: int
    single_payload_bytes: int = SYNC_PAYLOAD_BYTES

    def has_room(self, batch: Batch, record: Record) -> bool:
        """Whether the record still fits into the batch."""
        size = batch.payload_bytes + len(record.body) + bool(batch.records)
        return len(batch.records) < self.records and size <= self.payload_bytes

    def has_room_for_all(self, batch: Batch, other: Batch) -> bool:
        """Whether another batch's records still fit into the batch."""
        size = batch.payload_bytes + other.payload_bytes - _FRAME_BYTES + 1
        return len(batch.records) + len(other.records) <= self.records and size <= self.payload_bytes

    def deliverable(self, record: Record) -> bool:
        """Whether any invocation could carry the record."""
        return len(record.body) + _FRAME_BYTES <= self.single_payload_bytes


class Batcher:
    """Cuts records into batches, lane by lane, in the order in which they come.

    `lanes` is how many batches can be in flight in order; 0 keeps no order.
    """

    def __init__(self, limits: BatchLimits, lanes: int) -> None:
        self._limits = limits
        self._lanes = lanes
        self._open: dict[int, Batch] = {}
        self._open_bytes = 0

    def add(self, records: Iterable[Record]) -> Iterator[Batch]:
        """Take records in, and give out the batches that are full. Each must be deliverable."""
        limits, lanes = self._limits, self._lanes
        for record in records:
            lane = zlib.crc32(record.partition_key.encode()) % lanes if lanes else 0
            batch = self._open.get(lane)
            if batch is not None and not limits.has_room(batch, record):
                yield self._close(lane)
                batch = None
            if batch is None:
                batch = self._open[lane] = Batch((lane,) if lanes else ())
            batch.add(record)
            self._open_bytes += len(record.body)
            if len(batch.records) >= limits.records:
                yield self._close(lane)
            elif self._open_bytes > OPEN_BYTES:
                yield self._close(max(self._open, key=lambda lane: self._open[lane].payload_bytes))

    def flush(self) -> Iterator[Batch]:
        """Give out what is left, the rests of several lanes in one batch where they fit."""
        together: Batch | None = None
        for lane in sorted(self._open):
            rest = self._close(lane)
            if together is None:
                together = rest
            elif self._limits.has_room_for_all(together, rest):
                together.add_all(rest)
            else:
                yield together
                together = rest
        if together is not None:
            yield together

    def _close(self, lane: int) -> Batch:
        batch = self._open.pop(lane)
        self._open_bytes -= sum(len(record.body) for record in batch.records)
        return batch


def split(batch: Batch, at: int) -> tuple[Batch, Batch]:
    """The batch cut in two before record number `at` (from 0)."""
    first, second = Batch(batch.lanes), Batch(batch.lanes)
    for index, record in enumerate(batch.records):
        (first if index < at else second).add(record)
    return first, second
