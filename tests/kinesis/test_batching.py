"""Batches: what they count, what has room in them, and how they are split."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cncbops.faults.unit import Unit
from cncbops.kinesis import batching
from cncbops.kinesis.batching import Batch, BatchLimits, Mark, part_of, split
from tests.delivery.batches import batch_of, record
from tests.faults import units
from tests.faults.units import unit, unit_of

FRAME = len(b'{"Records":[]}')


def test_a_record_is_deliverable_up_to_the_byte_of_a_synchronous_payload() -> None:
    fits = record(0, "k", batching.SYNC_PAYLOAD_BYTES - FRAME - len(record(0, "k").body))
    assert len(batch_of(fits).payload()) == 6_291_456
    assert BatchLimits(1, 100).deliverable(fits)
    assert not BatchLimits(1, 100).deliverable(record(0, "k", len(fits.body) - len(record(0, "k").body) + 1))


def test_a_unit_that_is_a_whole_event_may_be_larger_by_the_frame_that_it_does_not_need() -> None:
    event, records = unit(units.bus(1)), unit_of(units.bucket(1))
    limits = BatchLimits(1, 10, len(event.body))
    assert limits.deliverable(event)
    assert not BatchLimits(1, 10, len(event.body) - 1).deliverable(event)
    assert not BatchLimits(1, 10, len(records.body)).deliverable(records)
    assert BatchLimits(1, 10, len(records.body) + FRAME).deliverable(records)


@given(st.integers(2, 9).flatmap(lambda size: st.tuples(st.just(size), st.integers(0, size))))
def test_a_split_keeps_lane_order_and_bytes(sizes: tuple[int, int]) -> None:
    size, at = sizes
    whole = batch_of(*(record(number, "k") for number in range(size)), lanes=(3, 5))
    first, second = split(whole, at)
    assert (first.lanes, second.lanes, len(first.records)) == ((3, 5), (3, 5), at)
    assert first.records + second.records == whole.records
    assert all(len(part.payload()) == part.payload_bytes for part in (first, second))


def test_a_part_is_of_its_batchs_function_and_counts_its_own_weight() -> None:
    heavy: list[Unit] = [unit_of(units.kinesis(0), units.kinesis(1)), unit_of(units.kinesis(2), number=1)]
    whole = Batch((7,), "fn")
    for each in heavy:
        whole.add(each)
    part = part_of(whole, heavy[:1])
    assert (part.function, part.lanes, part.weight, whole.weight) == ("fn", (7,), 2, 3)


@pytest.mark.parametrize(("place", "covered"), [(0, True), (2, False), (3, True), (5, True), (6, False)])
def test_a_mark_covers_what_is_at_or_below_it_but_for_its_holes(place: int, covered: bool) -> None:
    assert Mark(5, frozenset({2})).covers(place) is covered
