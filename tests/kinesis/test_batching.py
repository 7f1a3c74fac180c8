"""Batches: every record in exactly one, in order within its key, within the limits, always cut alike."""

import json
from collections.abc import Iterable

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cncbops.kinesis import batching
from cncbops.kinesis.batching import Batch, Batcher, BatchLimits, split
from cncbops.kinesis.record import Record, lane_of
from tests.delivery.batches import batch_of, record

FRAME = len(b'{"Records":[]}')

limits = st.builds(BatchLimits, st.integers(1, 7), st.integers(40, 400) | st.just(2_000), st.just(100_000))
inputs = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 300)), max_size=60).map(
    lambda drawn: [record(number, f"key-{key}", size) for number, (key, size) in enumerate(drawn)]
)


def cut(records: Iterable[Record], limits: BatchLimits, lanes: int, chunk: int = 1_000_000) -> list[Batch]:
    batcher, whole = Batcher({"": limits}, lanes), list(records)
    batches = [batch for at in range(0, len(whole), chunk) for batch in batcher.add(whole[at : at + chunk])]
    return batches + list(batcher.flush())


def shape(batches: list[Batch]) -> list[tuple[tuple[int, ...], list[str]]]:
    return [(batch.lanes, [each.sequence_number for each in batch.records]) for batch in batches]


@given(inputs, limits, st.integers(1, 5))
def test_each_record_is_in_exactly_one_batch_and_no_batch_is_empty(
    records: list[Record], limits: BatchLimits, lanes: int
) -> None:
    batches = cut(records, limits, lanes)
    assert all(batch.records for batch in batches)
    assert sorted(int(each.sequence_number) for batch in batches for each in batch.records) == list(range(len(records)))


@given(inputs, limits, st.integers(1, 5))
def test_a_key_has_a_lane_in_common_to_all_its_batches_and_its_records_keep_their_order(
    records: list[Record], limits: BatchLimits, lanes: int
) -> None:
    lanes_of: dict[str, set[int]] = {}
    order: dict[str, list[int]] = {}
    for batch in cut(records, limits, lanes):
        assert len(batch.lanes) == len(set(batch.lanes)) > 0
        assert set(batch.lanes) <= set(range(lanes))
        for each in batch.records:
            assert lane_of(each.partition_key, lanes) in batch.lanes
            lanes_of[each.partition_key] = lanes_of.get(each.partition_key, set(batch.lanes)) & set(batch.lanes)
            order.setdefault(each.partition_key, []).append(int(each.sequence_number))
    assert all(lanes_of.values())
    assert all(numbers == sorted(numbers) for numbers in order.values())


@given(inputs, limits, st.integers(1, 5))
def test_only_the_last_batch_of_a_lane_is_shared_with_others(
    records: list[Record], limits: BatchLimits, lanes: int
) -> None:
    ended: set[int] = set()
    for batch in cut(records, limits, lanes):
        assert ended.isdisjoint(batch.lanes)
        ended.update(batch.lanes if len(batch.lanes) > 1 else ())


def test_the_rests_of_lanes_are_put_together_as_far_as_they_fit() -> None:
    records = [record(number, f"key-{number}") for number in range(40)]
    assert [len(batch.records) for batch in cut(records, BatchLimits(100, 100_000), 16)] == [40]
    shared = cut(records, BatchLimits(15, 100_000), 16)
    assert len(shared) < 6
    named = [lane for batch in shared for lane in batch.lanes]
    assert len(named) == len(set(named))
    assert all(len(batch.records) <= 15 and len(batch.payload()) == batch.payload_bytes for batch in shared)


@given(inputs, limits, st.integers(1, 5))
def test_batches_stay_within_their_limits_and_count_their_bytes(
    records: list[Record], limits: BatchLimits, lanes: int
) -> None:
    for batch in cut(records, limits, lanes):
        assert len(batch.payload()) == batch.payload_bytes
        assert len(json.loads(batch.payload())["Records"]) == len(batch.records) <= limits.records
        assert batch.payload_bytes <= limits.payload_bytes or len(batch.records) == 1


@given(inputs, limits, st.integers(1, 5), st.integers(1, 9))
def test_the_cut_depends_on_the_records_alone_not_on_how_they_arrive(
    records: list[Record], limits: BatchLimits, lanes: int, chunk: int
) -> None:
    assert shape(cut(records, limits, lanes, chunk)) == shape(cut(records, limits, lanes))


@pytest.mark.parametrize("lanes", [0, 1])
@given(inputs, limits)
def test_without_lanes_or_with_one_the_lake_is_cut_as_it_comes(
    lanes: int, records: list[Record], limits: BatchLimits
) -> None:
    batches = cut(records, limits, lanes)
    assert [each.sequence_number for batch in batches for each in batch.records] == [
        each.sequence_number for each in records
    ]
    assert {batch.lanes for batch in batches} <= {(0,) if lanes else ()}


@given(inputs, limits, st.integers(0, 5), st.integers(1, 9))
def test_batches_are_numbered_as_they_are_given_out_and_marked_for_each_of_their_lanes(
    records: list[Record], limits: BatchLimits, lanes: int, chunk: int
) -> None:
    batches = cut(records, limits, lanes, chunk)
    assert [batch.number for batch in batches] == list(range(len(batches)))
    assert all(tuple(batch.marks) == (batch.lanes or (0,)) for batch in batches)


@given(st.text(), st.integers(1, 100))
def test_any_key_has_a_lane_and_without_order_the_only_one(key: str, lanes: int) -> None:
    assert lane_of(key, lanes) in range(lanes)
    assert lane_of(key, 0) == 0


def test_a_lane_is_the_same_in_another_process_and_version() -> None:
    """Marks in a ledger speak of lanes: how a key falls into one must never change."""
    assert [lane_of(key, 16) for key in ("thing-1", "thing-2", "r\u00e4ksm\u00f6rg\u00e5s")] == [13, 7, 2]


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
    batcher = Batcher({"": BatchLimits(2, 10_000)}, 1)
    assert [len(batch.records) for batch in batcher.add([record(0, "k"), record(1, "k"), record(2, "k")])] == [2]


def test_open_batches_hold_no_more_than_their_bound_and_the_largest_goes_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(batching, "OPEN_BYTES", 2_000)
    batcher, waiting, given_out = Batcher({"": BatchLimits(1_000, 10_000)}, 50), 0, []
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
    whole = batch_of(*(record(number, "k") for number in range(size)), lanes=(3, 5))
    first, second = split(whole, at)
    assert (first.lanes, second.lanes, len(first.records)) == ((3, 5), (3, 5), at)
    assert first.records + second.records == whole.records
    assert all(len(part.payload()) == part.payload_bytes for part in (first, second))


def of_shards(drawn: list[tuple[int, int]]) -> list[Record]:
    """Records from pairs of key and shard."""
    return [
        msgspec.structs.replace(record(number, f"key-{key}"), group=f"shardId-{shard}")
        for number, (key, shard) in enumerate(drawn)
    ]


@given(st.lists(st.integers(0, 9), max_size=60), limits, st.integers(0, 5))
def test_a_batch_is_of_one_shard_and_in_lake_order(keys: list[int], limits: BatchLimits, lanes: int) -> None:
    for batch in cut(of_shards([(key, key % 3) for key in keys]), limits, lanes):
        assert len({each.group for each in batch.records}) == 1
        numbers = [int(each.sequence_number) for each in batch.records]
        assert numbers == sorted(numbers)


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 2)), max_size=60), limits, st.integers(1, 5))
def test_a_key_that_changes_its_shard_keeps_its_order(
    drawn: list[tuple[int, int]], limits: BatchLimits, lanes: int
) -> None:
    order: dict[str, list[int]] = {}
    for batch in cut(of_shards(drawn), limits, lanes):
        for each in batch.records:
            order.setdefault(each.partition_key, []).append(int(each.sequence_number))
    assert sum(map(len, order.values())) == len(drawn)
    assert all(numbers == sorted(numbers) for numbers in order.values())


def test_keys_that_change_their_shards_all_the_time_still_fill_batches() -> None:
    drawn = [(number % 7, number % 3) for number in range(600)]
    assert len(cut(of_shards(drawn), BatchLimits(50, 100_000), 4)) <= 2 * 600 / 50
