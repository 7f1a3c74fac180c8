"""Batches: every record in exactly one, in order within its key, within the limits, always cut alike."""

import json
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cncbops.kinesis import batching
from cncbops.kinesis.batching import Batch, Batcher, BatchLimits, split
from tests.delivery.batches import batch_of, record

FRAME = len(b'{"Records":[]}')

limits = st.builds(BatchLimits, st.integers(1, 7), st.integers(40, 400), st.just(100_000))
inputs = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 300)), max_size=60).map(
    lambda drawn: [record(number, f"key-{key}", size) for number, (key, size) in enumerate(drawn)]
)


def cut(records: Iterable[batching.Record], limits: BatchLimits, lanes: int, chunk: int = 1_000_000) -> list[Batch]:
    batcher, whole = Batcher(limits, lanes), list(records)
    batches = [batch for at in range(0, len(whole), chunk) for batch in batcher.add(whole[at : at + chunk])]
    return batches + list(batcher.flush())


def shape(batches: list[Batch]) -> list[tuple[int, list[str]]]:
    return [(batch.lane, [each.sequence_number for each in batch.records]) for batch in batches]


@given(inputs, limits, st.integers(1, 5))
def test_each_record_is_in_exactly_one_batch_and_no_batch_is_empty(
    records: list[batching.Record], limits: BatchLimits, lanes: int
) -> None:
    batches = cut(records, limits, lanes)
    assert all(batch.records for batch in batches)
    assert sorted(int(each.sequence_number) for batch in batches for each in batch.records) == list(range(len(records)))


@given(inputs, limits, st.integers(1, 5))
def test_a_key_has_one_lane_and_its_records_keep_their_order(
    records: list[batching.Record], limits: BatchLimits, lanes: int
) -> None:
    batches = cut(records, limits, lanes)
    lane_of: dict[str, set[int]] = {}
    order: dict[str, list[int]] = {}
    for batch in batches:
        assert 0 <= batch.lane < lanes
        for each in batch.records:
            lane_of.setdefault(each.partition_key, set()).add(batch.lane)
            order.setdefault(each.partition_key, []).append(int(each.sequence_number))
    assert all(len(found) == 1 for found in lane_of.values())
    assert all(numbers == sorted(numbers) for numbers in order.values())


@given(inputs, limits, st.integers(1, 5))
def test_batches_stay_within_their_limits_and_count_their_bytes(
    records: list[batching.Record], limits: BatchLimits, lanes: int
) -> None:
    for batch in cut(records, limits, lanes):
        assert len(batch.payload()) == batch.payload_bytes
        assert len(json.loads(batch.payload())["Records"]) == len(batch.records) <= limits.records
        assert batch.payload_bytes <= limits.payload_bytes or len(batch.records) == 1


@given(inputs, limits, st.integers(1, 5), st.integers(1, 9))
def test_the_cut_depends_on_the_records_alone_not_on_how_they_arrive(
    records: list[batching.Record], limits: BatchLimits, lanes: int, chunk: int
) -> None:
    assert shape(cut(records, limits, lanes, chunk)) == shape(cut(records, limits, lanes))


@given(inputs, limits)
def test_one_lane_cuts_the_lake_as_it_comes(records: list[batching.Record], limits: BatchLimits) -> None:
    numbers = [each.sequence_number for batch in cut(records, limits, 1) for each in batch.records]
    assert numbers == [each.sequence_number for each in records]


def test_a_batch_is_filled_to_the_byte() -> None:
    first, second = record(0, "k"), record(1, "k")
    exact = FRAME + len(first.body) + 1 + len(second.body)
    assert [len(batch.records) for batch in cut([first, second], BatchLimits(9, exact), 1)] == [2]
    assert [len(batch.records) for batch in cut([first, second], BatchLimits(9, exact - 1), 1)] == [1, 1]


def test_a_record_too_large_for_a_batch_goes_alone() -> None:
    records = [record(0, "k"), record(1, "k", 1000), record(2, "k"), record(3, "k")]
    assert [len(batch.records) for batch in cut(records, BatchLimits(9, 500), 1)] == [1, 1, 2]


def test_a_record_is_deliverable_up_to_the_byte_of_a_synchronous_payload() -> None:
    fits = record(0, "k", batching.SYNC_PAYLOAD_BYTES - FRAME - len(record(0, "k").body))
    assert len(batch_of(fits).payload()) == 6_291_456
    assert BatchLimits(1, 100).deliverable(fits)
    assert not BatchLimits(1, 100).deliverable(record(0, "k", len(fits.body) - len(record(0, "k").body) + 1))


def test_a_full_batch_is_given_out_with_its_last_record() -> None:
    batcher = Batcher(BatchLimits(2, 10_000), 1)
    assert [len(batch.records) for batch in batcher.add([record(0, "k"), record(1, "k"), record(2, "k")])] == [2]


def test_open_batches_hold_no_more_than_their_bound_and_the_largest_goes_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(batching, "OPEN_BYTES", 2_000)
    batcher, waiting, given_out = Batcher(BatchLimits(1_000, 10_000), 50), 0, []
    for number in range(400):
        each = record(number, f"key-{number % 40}", 10 * (number % 7))
        batches = list(batcher.add([each]))
        waiting += len(each.body) - sum(len(one.body) for batch in batches for one in batch.records)
        given_out += batches
        assert waiting <= 2_000
    given_out += batcher.flush()
    assert sorted(int(each.sequence_number) for batch in given_out for each in batch.records) == list(range(400))


@given(st.integers(2, 9).flatmap(lambda size: st.tuples(st.just(size), st.integers(0, size))))
def test_a_split_keeps_lane_order_and_bytes(sizes: tuple[int, int]) -> None:
    size, at = sizes
    whole = batch_of(*(record(number, "k") for number in range(size)), lane=3)
    first, second = split(whole, at)
    assert (first.lane, second.lane, len(first.records)) == (3, 3, at)
    assert first.records + second.records == whole.records
    assert all(len(part.payload()) == part.payload_bytes for part in (first, second))
