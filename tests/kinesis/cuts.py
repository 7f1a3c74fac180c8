"""Records cut into batches, portion after portion, as an intake does."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeVar

from cncbops.delivery.outcome import waybill_of
from cncbops.kinesis.batching import Batch, BatchLimits, Mark
from cncbops.kinesis.cutting import Cutter, Stock
from cncbops.kinesis.record import Record

ALL = 1_000_000
"""More records than any test has: all of them are one portion."""

R = TypeVar("R")


def portions(records: Sequence[R], size: int) -> Iterator[Sequence[R]]:
    return (records[at : at + size] for at in range(0, len(records), size))


def cuts(cutter: Cutter, records: Sequence[Record], size: int, *, flush_at: int = -1) -> Iterator[list[Batch]]:
    """The batches of each portion, and of what is carried over to the end; portion `flush_at` leaves nothing over."""
    stock = Stock()
    for number, portion in enumerate(portions(records, size)):
        batches, stock = cutter.cut(portion, stock, flush=number == flush_at)
        yield batches
    batches, stock = cutter.cut((), stock, flush=True)
    assert not stock.carried
    yield batches


def cut(records: Sequence[Record], limits: BatchLimits, lanes: int, size: int = ALL) -> list[Batch]:
    """All batches of records that go to the one function of their run."""
    return cut_for({"": limits}, records, lanes, size)


def cut_for(
    limits: Mapping[str, BatchLimits], records: Sequence[Record], lanes: int, size: int = ALL, flush_at: int = -1
) -> list[Batch]:
    """All batches."""
    return [batch for found in cuts(Cutter(limits, lanes), records, size, flush_at=flush_at) for batch in found]


def places(batches: Sequence[Batch]) -> list[list[int]]:
    return [[record.place for record in batch.records] for batch in batches]


def all_places(batches: Sequence[Batch]) -> list[int]:
    return [record.place for batch in batches for record in batch.records]


def marks(batch: Batch) -> Mapping[int, Mark]:
    return waybill_of(batch).marks


def told(batches: Sequence[Batch]) -> list[tuple[object, ...]]:
    """All there is to say of batches."""
    return [(each.lanes, each.function, each.records, marks(each), each.is_canary) for each in batches]
