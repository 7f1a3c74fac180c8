"""Cutting units of work: of several functions, of several records and lanes each, some of them sent alone."""

import json
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cncbops.faults.fault import FaultRecord
from cncbops.faults.unit import Unit
from cncbops.kinesis import cutting
from cncbops.kinesis.batching import Batch, BatchLimits
from cncbops.kinesis.cutting import Cutter, Stock
from tests.faults import units
from tests.faults.units import unit, unit_of
from tests.kinesis.cuts import ALL, all_places, cut_for
from tests.kinesis.work import inputs, limit, limits, units_of

sizes = st.integers(1, 9) | st.just(ALL)
flushes = st.integers(-1, 9)
"""The portion that leaves nothing over: what a queue gave has to be settled before it gives more."""


@given(inputs, limits, st.integers(0, 4), sizes, flushes)
def test_each_unit_is_in_exactly_one_batch_which_is_of_one_function(
    found: list[Unit], limits: dict[str, BatchLimits], lanes: int, size: int, flush_at: int
) -> None:
    batches = cut_for(limits, found, lanes, size, flush_at)
    assert sorted(all_places(batches)) == list(range(len(found)))
    for batch in batches:
        assert {each.function for each in batch.records} == {batch.function}
        assert set(batch.lanes) == {lane for each in batch.records for lane in each.lanes(lanes)}


@given(inputs, limits, st.integers(0, 4), sizes, flushes)
def test_a_batch_is_of_one_group_but_for_keys_that_changed_theirs(
    found: list[Unit], limits: dict[str, BatchLimits], lanes: int, size: int, flush_at: int
) -> None:
    groups: dict[tuple[str, str], set[str]] = {}
    for each in found:
        groups.setdefault((each.function, each.partition_key), set()).add(each.group)
    for batch in cut_for(limits, found, lanes, size, flush_at):
        stable = {each.group for each in units_of(batch) if len(groups[each.function, each.partition_key]) == 1}
        assert len(stable) <= 1
        assert lanes or len({each.group for each in batch.records}) == 1


@given(inputs, limits, st.integers(0, 4), sizes)
def test_a_batch_weighs_no_more_than_its_functions_limit_unless_one_unit_does_alone(
    found: list[Unit], limits: dict[str, BatchLimits], lanes: int, size: int
) -> None:
    for batch in cut_for(limits, found, lanes, size):
        most = limits[batch.function]
        assert batch.weight == sum(each.weight for each in batch.records)
        assert batch.weight <= most.records or len(batch.records) == 1
        assert batch.payload_bytes <= most.payload_bytes or len(batch.records) == 1


@given(inputs, limits, st.integers(0, 4), sizes)
def test_a_payload_is_the_records_of_its_units_or_the_one_event_byte_for_byte_and_its_bytes_are_counted(
    found: list[Unit], limits: dict[str, BatchLimits], lanes: int, size: int
) -> None:
    for batch in cut_for(limits, found, lanes, size):
        assert batch.payload_bytes == len(batch.payload())
        if any(each.is_event for each in batch.records):
            assert [each.body for each in batch.records] == [batch.payload()]
        else:
            assert len(json.loads(batch.payload())["Records"]) == batch.weight
            assert batch.payload() == b'{"Records":[%b]}' % b",".join(each.body for each in batch.records)


@given(inputs, limits, st.integers(1, 4), sizes, flushes)
def test_of_each_function_and_key_units_keep_their_order_in_batches_that_have_a_lane_in_common(
    found: list[Unit], limits: dict[str, BatchLimits], lanes: int, size: int, flush_at: int
) -> None:
    assert_ordered(cut_for(limits, found, lanes, size, flush_at))


def assert_ordered(batches: Sequence[Batch]) -> None:
    before: dict[tuple[str, str], tuple[int, Batch]] = {}
    for batch in batches:
        for each in units_of(batch):
            for key in each.keys:
                place, last = before.get((each.function, key), (-1, batch))
                assert place < each.place
                assert set(last.lanes) & set(batch.lanes)
                before[each.function, key] = each.place, batch


@given(inputs, limits, st.integers(1, 4), sizes, flushes)
def test_what_has_several_keys_or_is_to_be_sent_alone_has_a_batch_of_its_own_behind_all_before_it(
    found: list[Unit], limits: dict[str, BatchLimits], lanes: int, size: int, flush_at: int
) -> None:
    batches = cut_for(limits, found, lanes, size, flush_at)
    number_of = {each.place: number for number, batch in enumerate(batches) for each in batch.records}
    for number, batch in enumerate(batches):
        alone = [each for each in batch.records if each.is_alone or each.has_many_keys]
        assert not alone or alone == batch.records
        for each in alone:
            mine = set(each.lanes(lanes))
            before = [other.place for other in found[: each.place] if mine & set(other.lanes(lanes))]
            assert all(number_of[place] < number for place in before)


@given(inputs, limits, sizes)
def test_where_order_does_not_matter_only_what_is_to_be_sent_alone_is(
    found: list[Unit], limits: dict[str, BatchLimits], size: int
) -> None:
    for batch in cut_for(limits, found, 0, size):
        assert not any(each.is_alone for each in batch.records) or len(batch.records) == 1
    shared = [unit_of(units.kinesis(number, "a"), units.kinesis(number + 9, "b"), number=number) for number in range(3)]
    assert len(cut_for({"fn": BatchLimits(6, 10_000)}, shared, 0)) == 1


def test_each_function_has_its_own_limit_and_its_own_lanes() -> None:
    found = [unit_of(units.kinesis(number), number=number, function="fg"[number % 2]) for number in range(8)]
    batches = cut_for({"f": BatchLimits(4, 10_000), "g": BatchLimits(2, 10_000)}, found, 4)
    assert sorted((batch.function, len(batch.records)) for batch in batches) == [("f", 4), ("g", 2), ("g", 2)]
    assert set(found[0].lanes(4)).isdisjoint(found[1].lanes(4))


def test_a_unit_heavier_than_the_limit_goes_by_itself() -> None:
    heavy = unit_of(*(units.kinesis(number) for number in range(5)), number=1)
    light = [unit_of(units.kinesis(number), number=number) for number in (0, 2, 3)]
    batches = cut_for({"fn": BatchLimits(3, 10_000)}, [light[0], heavy, *light[1:]], 1)
    assert [(len(batch.records), batch.weight) for batch in batches] == [(1, 1), (1, 5), (2, 2)]


def test_what_is_carried_of_many_functions_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cutting, "CARRIED_BYTES", 3_000)
    names = [f"fn-{number}" for number in range(20)]
    cutter, stock = Cutter(dict.fromkeys(names, BatchLimits(1_000, 100_000)), 4), Stock()
    for number in range(200):
        each = unit_of(units.kinesis(number, f"k{number % 7}"), number=number, function=names[number % 20])
        _, stock = cutter.cut([each], stock, flush=False)
        assert sum(len(one.body) for one in stock.carried) <= 3_000


@pytest.mark.parametrize(
    "records",
    [
        [units.kinesis(1), units.kinesis(2, stream=f"{units.STREAM}-b")],
        [units.kinesis(1), units.queue(2, "key")],
        [units.queue(1, "key"), units.kinesis(2)],
    ],
    ids=["two streams", "a stream and a queue", "a queue and a stream"],
)
@pytest.mark.parametrize("lanes", [0, 4])
def test_no_batch_holds_records_of_two_sources_though_their_keys_be_the_same(
    lanes: int, records: list[FaultRecord]
) -> None:
    found = [unit_of(record, number=number) for number, record in enumerate(records)]
    batches = cut_for({"fn": BatchLimits(10, 100_000)}, found, lanes)
    assert [len(batch.records) for batch in batches] == [1, 1]


def _resharded(number: int, keys: str, shard: str) -> Unit:
    records = [units.kinesis(number * 10 + at, key, shard) for at, key in enumerate(keys)]
    return unit_of(*records, number=number, of=units.fault(id=f"f-{number}"))


@given(st.lists(st.tuples(st.text("abcd", min_size=1, max_size=3), st.sampled_from("xy")), max_size=20), limit, sizes)
def test_keys_that_change_their_shard_keep_their_order_also_in_units_of_several_keys(
    drawn: list[tuple[str, str]], limit: BatchLimits, size: int
) -> None:
    found = [_resharded(number, keys, shard) for number, (keys, shard) in enumerate(drawn)]
    assert_ordered(cut_for({"fn": limit}, found, 2, size))


def test_a_whole_event_of_a_function_that_waits_for_nothing_goes_at_once() -> None:
    batches, stock = Cutter({"fn": BatchLimits(9, 10_000)}, 4).cut([unit(units.bus(1))], Stock(), flush=False)
    assert (len(batches), stock.carried) == (1, [])
