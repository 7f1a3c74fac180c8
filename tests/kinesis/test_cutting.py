"""Cutting: every record in exactly one batch, in order within its key, within the limits, always cut alike."""

import json
from collections import Counter
from collections.abc import Sequence

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cncbops.kinesis import cutting
from cncbops.kinesis.batching import Batch, BatchLimits
from cncbops.kinesis.cutting import Cutter, Stock
from cncbops.kinesis.record import Record, lane_of
from tests.delivery.batches import record
from tests.kinesis.cuts import ALL, all_places, cut, cuts, places, portions, told

FRAME = len(b'{"Records":[]}')

limits = st.builds(BatchLimits, st.integers(1, 7), st.integers(40, 400) | st.just(2_000), st.just(100_000))
sizes = st.integers(1, 9) | st.just(ALL)


def of_shards(drawn: Sequence[tuple[int, int]], padding: int = 0) -> list[Record]:
    """Records from pairs of key and shard."""
    return [
        msgspec.structs.replace(record(number, f"key-{key}", padding), group=f"shardId-{shard}")
        for number, (key, shard) in enumerate(drawn)
    ]


inputs = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 300)), max_size=60).map(
    lambda drawn: [record(number, f"key-{key}", size) for number, (key, size) in enumerate(drawn)]
)
of_any_shards = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 2)), max_size=60).map(of_shards)
"""Keys change their shards all the time."""


@given(of_any_shards, limits, st.integers(0, 5), sizes)
def test_each_record_is_in_exactly_one_batch_or_carried_and_no_batch_is_empty(
    records: list[Record], limits: BatchLimits, lanes: int, size: int
) -> None:
    cutter, stock, batches = Cutter({"": limits}, lanes), Stock(), list[Batch]()
    for portion in portions(records, size):
        found, stock = cutter.cut(portion, stock, flush=False)
        batches += found
        come = range(portion[-1].place + 1)
        carried = [each.place for each in stock.carried]
        assert sorted([*all_places(batches), *carried]) == list(come)
        assert carried == sorted(carried)
    found, stock = cutter.cut((), stock, flush=True)
    assert not stock.carried
    assert sorted(all_places([*batches, *found])) == list(range(len(records)))
    assert all(batch.records for batch in [*batches, *found])


@given(of_any_shards, limits, st.integers(1, 5), sizes)
def test_a_batch_has_the_lanes_of_its_records_and_of_each_key_they_keep_their_order(
    records: list[Record], limits: BatchLimits, lanes: int, size: int
) -> None:
    order: dict[str, list[int]] = {}
    for batch in cut(records, limits, lanes, size):
        assert len(batch.lanes) == len(set(batch.lanes))
        assert set(batch.lanes) == {lane_of(each.partition_key, lanes) for each in batch.records}
        for each in batch.records:
            order.setdefault(each.partition_key, []).append(each.place)
    assert all(found == sorted(found) for found in order.values())


@given(inputs, limits, st.integers(1, 5), sizes)
def test_batches_of_one_cut_share_no_lane_but_one_that_fills_several(
    records: list[Record], limits: BatchLimits, lanes: int, size: int
) -> None:
    """So that none of them waits for another, as long as there are lanes enough."""
    stock, cutter = Stock(), Cutter({"": limits}, lanes)
    for portion in portions(records, size):
        there = [*stock.carried, *portion]
        batches, stock = cutter.cut(portion, stock, flush=False)
        for lane in _shared(batches):
            of_lane = [each for each in there if lane_of(each.partition_key, lanes) == lane]
            assert len(of_lane) > limits.records or FRAME - 1 + _size(of_lane) > limits.payload_bytes


def _shared(batches: Sequence[Batch]) -> list[int]:
    return [lane for lane, count in Counter(lane for batch in batches for lane in batch.lanes).items() if count > 1]


def _size(records: Sequence[Record]) -> int:
    return sum(len(each.body) + 1 for each in records)


@given(of_any_shards, limits, st.integers(0, 5), sizes)
def test_batches_stay_within_their_limits_and_count_their_bytes(
    records: list[Record], limits: BatchLimits, lanes: int, size: int
) -> None:
    for batch in cut(records, limits, lanes, size):
        assert len(batch.payload()) == batch.payload_bytes
        assert len(json.loads(batch.payload())["Records"]) == len(batch.records) == batch.weight <= limits.records
        assert batch.payload_bytes <= limits.payload_bytes or len(batch.records) == 1


@given(of_any_shards, limits, st.integers(0, 5), sizes)
def test_a_batch_is_in_lake_order(records: list[Record], limits: BatchLimits, lanes: int, size: int) -> None:
    assert all(found == sorted(found) for found in places(cut(records, limits, lanes, size)))


@given(st.lists(st.integers(0, 9), max_size=60), limits, st.integers(0, 5), sizes)
def test_a_batch_is_of_one_shard(keys: list[int], limits: BatchLimits, lanes: int, size: int) -> None:
    for batch in cut(of_shards([(key, key % 3) for key in keys]), limits, lanes, size):
        assert len({each.group for each in batch.records}) == 1


def test_a_key_that_changes_its_shard_stays_in_the_batch_where_it_was() -> None:
    records = of_shards([(1, 1), (2, 2), (1, 2), (2, 2)])
    assert sorted(places(cut(records, BatchLimits(9, 10_000), 4))) == [[0, 2], [1, 3]]


def test_a_key_whose_records_are_all_sent_goes_with_its_new_shard() -> None:
    first, *later = of_shards([(1, 1), (1, 2), (2, 2)])
    cutter = Cutter({"": BatchLimits(9, 10_000)}, 4)
    sent, stock = cutter.cut([first], Stock(), flush=True)
    batches, _ = cutter.cut(later, stock, flush=True)
    assert (places(sent), places(batches)) == ([[0]], [[1, 2]])


def test_keys_that_change_their_shards_all_the_time_still_fill_batches() -> None:
    drawn = [(number % 7, number % 3) for number in range(600)]
    assert len(cut(of_shards(drawn), BatchLimits(50, 100_000), 4)) <= 2 * 600 / 50


# Cut alike


@given(of_any_shards, limits, st.integers(0, 5), sizes, st.none() | st.integers(0, 20))
def test_the_same_records_are_cut_alike_by_whoever_cuts_them(
    records: list[Record], limits: BatchLimits, lanes: int, size: int, canary: int | None
) -> None:
    """Each cut may be made elsewhere: a cutter knows nothing but what it is given."""
    stock, batches = Stock(), list[Batch]()
    for portion in portions(records, size):
        found, stock = Cutter({"": limits}, lanes, canary).cut(portion, stock, flush=False)
        batches += found
    found, _ = Cutter({"": limits}, lanes, canary).cut((), stock, flush=True)
    by_one = [batch for found in cuts(Cutter({"": limits}, lanes, canary), records, size) for batch in found]
    assert told([*batches, *found]) == told(by_one)


@given(of_any_shards, limits, st.integers(0, 5), st.none() | st.integers(0, 20))
@example(  # a key that moves while what is carried over makes more than one batch
    of_shards([(0, 0)] * 6 + [(0, 1)] + [(0, 0)] * 6 + [(1, 0), (0, 0), (1, 1)]), BatchLimits(3, 183, 100_000), 1, None
)
def test_that_nothing_follows_may_be_known_with_the_last_records_or_after_them(
    records: list[Record], limits: BatchLimits, lanes: int, canary: int | None
) -> None:
    """When the end of a listing is seen is a matter of time: no batch may depend on it."""
    cutter, half = Cutter({"": limits}, lanes, canary), len(records) // 2
    _, stock = cutter.cut(records[:half], Stock(), flush=False)
    at_once, _ = cutter.cut(records[half:], stock, flush=True)
    batches, stock = cutter.cut(records[half:], stock, flush=False)
    later, _ = cutter.cut((), stock, flush=True)
    assert told(at_once) == told([*batches, *later])


def test_so_it_is_where_a_key_has_changed_its_shard() -> None:
    records = of_shards([(1, 1), (1, 1), (1, 2), (2, 2)])
    assert places(Cutter({"": BatchLimits(2, 10_000)}, 4).cut(records, Stock(), flush=True)[0]) == [[0, 1], [2, 3]]


@pytest.mark.parametrize("lanes", [0, 1])
@given(inputs, limits, sizes)
def test_without_lanes_or_with_one_the_lake_is_cut_as_it_comes(
    lanes: int, records: list[Record], limits: BatchLimits, size: int
) -> None:
    batches = cut(records, limits, lanes, size)
    assert all_places(batches) == list(range(len(records)))
    assert {batch.lanes for batch in batches} <= {(0,) if lanes else ()}
    assert places(batches) == places(cut(records, limits, lanes))


@given(of_any_shards, limits)
def test_without_lanes_full_batches_go_in_the_order_of_their_last_records_whatever_their_shards(
    records: list[Record], limits: BatchLimits
) -> None:
    batches, _ = Cutter({"": limits}, 0).cut(records, Stock(), flush=False)
    last = [found[-1] for found in places(batches)]
    assert last == sorted(last)


# How full


def test_a_batch_is_filled_to_the_byte() -> None:
    first, second = record(0, "k"), record(1, "k")
    exact = FRAME + len(first.body) + 1 + len(second.body)
    assert places(cut([first, second], BatchLimits(9, exact), 1)) == [[0, 1]]
    assert places(cut([first, second], BatchLimits(9, exact - 1), 1)) == [[0], [1]]


def test_lanes_are_put_together_to_the_byte() -> None:
    records = [record(0, "a"), record(1, "b")]
    exact = FRAME + len(records[0].body) + 1 + len(records[1].body)
    assert len(cut(records, BatchLimits(9, exact), 256)) == 1
    assert len(cut(records, BatchLimits(9, exact - 1), 256)) == 2


def test_a_record_too_large_for_a_batch_goes_alone() -> None:
    records = [record(0, "k"), record(1, "k", 1000), record(2, "k"), record(3, "k")]
    assert places(cut(records, BatchLimits(9, 500), 1)) == [[0], [1], [2, 3]]


def test_a_full_batch_is_given_out_at_once_and_what_fills_none_is_carried() -> None:
    batches, stock = Cutter({"": BatchLimits(2, 10_000)}, 1).cut(
        [record(n, "k") for n in range(3)], Stock(), flush=False
    )
    assert (places(batches), [each.place for each in stock.carried]) == ([[0, 1]], [2])


def test_batches_take_lanes_that_are_neighbours() -> None:
    records = [record(number, f"key-{number}") for number in range(400)]
    lanes = [batch.lanes for batch in cut(records, BatchLimits(30, 100_000), 256)]
    assert lanes == [tuple(sorted(each)) for each in lanes]
    # A lane that fits behind others goes there: but for such, each batch takes up where the one before ends.
    starts = [each[0] for each in lanes]
    assert all(each[len(each) * 3 // 4] < following for each, following in zip(lanes, starts[2:], strict=False))


MANY = [record(number, f"key-{number % 3_000}") for number in range(12_000)]


@pytest.mark.parametrize("shards", [1, 4])
def test_with_many_keys_batches_are_nearly_full(shards: int) -> None:
    records = [
        msgspec.structs.replace(each, group=str(lane_of(each.partition_key, 256) * shards // 256)) for each in MANY
    ]
    *found, last = cuts(Cutter({"": BatchLimits(100, 100_000)}, 256), records, 3_000)
    batches = [batch for batches in found for batch in batches]
    assert sum(batch.weight for batch in batches) > 0.9 * 100 * len(batches)
    assert len(last) <= shards


@pytest.mark.parametrize("lanes", [0, 256])
def test_few_matches_in_each_portion_make_as_many_batches_as_if_they_came_at_once(lanes: int) -> None:
    records = [record(number, f"key-{number % 300}") for number in range(1_000)]
    limits = BatchLimits(100, 100_000)
    apart, at_once = cut(records, limits, lanes, 7), cut(records, limits, lanes)
    assert len(apart) <= len(at_once) + 1
    assert len(apart) <= 1_000 / 100 + 1


def test_a_key_that_changed_its_shard_while_another_did_keeps_its_order() -> None:
    keys = [("k1", "a"), ("k1", "b"), ("k2", "a"), ("k2", "b"), *[(f"k{number}", "b") for number in range(3, 7)]]
    records = [msgspec.structs.replace(record(n, key), group=group) for n, (key, group) in enumerate(keys)]
    cutter, stock = Cutter({"": BatchLimits(5, 10_000)}, 1), Stock()
    batches, stock = cutter.cut(records, stock, flush=False)
    last, _ = cutter.cut((), stock, flush=True)
    sent = [each.place for batch in (*batches, *last) for each in batch.records]
    assert sent.index(2) < sent.index(3)


def test_what_is_carried_has_a_bound_and_the_fullest_of_what_waits_goes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cutting, "CARRIED_BYTES", 2_000)
    cutter, stock, sent = Cutter({"": BatchLimits(1_000, 10_000)}, 256), Stock(), list[Batch]()
    for number in range(400):
        each = msgspec.structs.replace(record(number, f"key-{number % 9}", 10 * (number % 7)), group=str(number % 9))
        batches, stock = cutter.cut([each], stock, flush=False)
        left = Counter[str]()
        for one in stock.carried:
            left[one.group] += len(one.body) + 1
        assert left.total() <= 2_000
        assert all(batch.payload_bytes >= FRAME - 1 + max(left.values()) for batch in batches)
        sent += batches
    batches, _ = cutter.cut((), stock, flush=True)
    assert sorted(all_places([*sent, *batches])) == list(range(400))
    assert len(sent) < 100


@pytest.mark.parametrize("lanes", [0, 256])
@pytest.mark.parametrize("most", [100, 1_000])
def test_what_is_carried_goes_out_with_the_next_cut_that_fills_batches(lanes: int, most: int) -> None:
    of_a_cut = 5 * most // 2
    records = [record(number, f"key-{number * 7 % 997}") for number in range(10 * of_a_cut)]
    cutter, stock, carried = Cutter({"": BatchLimits(most, 100_000_000)}, lanes), Stock(), 0
    for portion in portions(records, of_a_cut):
        _, stock = cutter.cut(portion, stock, flush=False)
        assert {each.place for each in stock.carried} <= {each.place for each in portion}
        carried += len(stock.carried)
    assert carried
