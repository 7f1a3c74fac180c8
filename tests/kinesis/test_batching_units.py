"""Batches of units of work: of several functions, of several records and lanes each, some of them sent alone."""

import json
import random
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cncbops.faults.fault import FaultRecord, Payload, Records
from cncbops.faults.unit import Unit
from cncbops.kinesis import batching
from cncbops.kinesis.batching import Batch, Batcher, BatchLimits, Mark
from tests.faults import units
from tests.faults.units import unit, unit_of

Spec = tuple[str, str, tuple[int, ...]]
"""A unit's function, its source, and the numbers of its keys."""

SHARDS = 2
specs = st.tuples(
    st.sampled_from(["f", "g"]),
    st.sampled_from(["kinesis", "kinesis", "kinesis", "table", "queue", "bucket", "bus", "whole"]),
    st.lists(st.integers(0, 5), min_size=1, max_size=4).map(tuple),
)
inputs = st.lists(specs, max_size=30)
limit = st.builds(BatchLimits, st.integers(1, 7), st.integers(300, 2_000) | st.just(100_000), st.just(1_000_000))
limits = st.fixed_dictionaries({"f": limit, "g": limit})


def made(drawn: Sequence[Spec]) -> list[Unit]:
    return [_unit(number, *spec) for number, spec in enumerate(drawn)]


def _unit(number: int, function: str, source: str, keys: tuple[int, ...]) -> Unit:
    """A key is always of the same shard."""
    numbers = [(number * 10 + at, key) for at, key in enumerate(keys)]
    of_stream = [units.kinesis(each, f"k{key}", f"shard-{keys[0] % SHARDS}") for each, key in numbers]
    of = units.fault(id=f"f-{number}")
    work: Records | Payload
    match source:
        case "table":
            work = Records(tuple(units.table(each, f"k{key}") for each, key in numbers))
        case "queue":
            work = Records(tuple(units.queue(each, f"q{key}") for each, key in numbers))
        case "bucket":
            work = Records((units.bucket(number),))
        case "bus":
            work = units.bus(number)
        case "whole":
            work = units.whole(*of_stream)
        case _:
            shard = keys[0] % SHARDS
            work = Records(tuple(each for each, key in zip(of_stream, keys, strict=True) if key % SHARDS == shard))
    return unit(work, number, function, of)


def cut(drawn: Sequence[Unit], limits: Mapping[str, BatchLimits], lanes: int, flush_at: int = -1) -> list[Batch]:
    """The batches; what is open is given out in the midst as well, as at the end of a canary."""
    batcher = Batcher(limits, lanes)
    batches: list[Batch] = []
    for number, each in enumerate(drawn):
        batches += batcher.add([each])
        batches += batcher.flush() if number == flush_at else []
    return [*batches, *batcher.flush()]


def units_of(batch: Batch) -> list[Unit]:
    return [each for each in batch.records if isinstance(each, Unit)]


@given(inputs, limits, st.integers(0, 4), st.integers(-1, 9))
def test_each_unit_is_in_exactly_one_batch_which_is_of_one_function_and_group(
    drawn: list[Spec], limits: dict[str, BatchLimits], lanes: int, flush_at: int
) -> None:
    batches = cut(made(drawn), limits, lanes, flush_at)
    assert sorted(each.place for batch in batches for each in batch.records) == list(range(len(drawn)))
    for batch in batches:
        assert {each.function for each in batch.records} == {batch.function}
        assert len({each.group for each in batch.records}) == 1
        assert set(batch.lanes) == {lane for each in batch.records for lane in each.lanes(lanes)}


@given(inputs, limits, st.integers(0, 4))
def test_a_batch_weighs_no_more_than_its_functions_limit_unless_one_unit_does_alone(
    drawn: list[Spec], limits: dict[str, BatchLimits], lanes: int
) -> None:
    for batch in cut(made(drawn), limits, lanes):
        most = limits[batch.function]
        assert batch.weight == sum(each.weight for each in batch.records)
        assert batch.weight <= most.records or len(batch.records) == 1
        assert batch.payload_bytes <= most.payload_bytes or len(batch.records) == 1


@given(inputs, limits, st.integers(0, 4))
def test_a_payload_is_the_records_of_its_units_or_the_one_event_byte_for_byte_and_its_bytes_are_counted(
    drawn: list[Spec], limits: dict[str, BatchLimits], lanes: int
) -> None:
    for batch in cut(made(drawn), limits, lanes):
        assert batch.payload_bytes == len(batch.payload())
        if any(each.is_event for each in batch.records):
            assert [each.body for each in batch.records] == [batch.payload()]
        else:
            assert len(json.loads(batch.payload())["Records"]) == batch.weight
            assert batch.payload() == b'{"Records":[%b]}' % b",".join(each.body for each in batch.records)


@given(inputs, limits, st.integers(1, 4), st.integers(-1, 9))
def test_of_each_function_and_key_units_keep_their_order_in_batches_that_have_a_lane_in_common(
    drawn: list[Spec], limits: dict[str, BatchLimits], lanes: int, flush_at: int
) -> None:
    assert_ordered(cut(made(drawn), limits, lanes, flush_at))


def assert_ordered(batches: list[Batch]) -> None:
    before: dict[tuple[str, str], tuple[int, Batch]] = {}
    for batch in batches:
        for each in units_of(batch):
            for key in each.keys:
                place, last = before.get((each.function, key), (-1, batch))
                assert place < each.place
                assert set(last.lanes) & set(batch.lanes)
                before[each.function, key] = each.place, batch


@given(inputs, limits, st.integers(0, 4))
def test_what_is_in_several_lanes_or_to_be_sent_alone_has_a_batch_of_its_own_behind_all_before_it(
    drawn: list[Spec], limits: dict[str, BatchLimits], lanes: int
) -> None:
    batches = cut(made(drawn), limits, lanes)
    number_of = {each.place: batch.number for batch in batches for each in batch.records}
    assert [batch.number for batch in batches] == list(range(len(batches)))
    for batch in batches:
        alone = [each for each in batch.records if each.is_alone or len(each.lanes(lanes)) > 1]
        assert not alone or alone == batch.records
        for each in alone:
            mine = set(each.lanes(lanes))
            earlier = [
                other.place
                for one in batches
                for other in one.records
                if other.place < each.place and mine & set(other.lanes(lanes))
            ]
            assert all(number_of[place] < batch.number for place in earlier)


@given(inputs, limits, st.integers(1, 4), st.integers(-1, 9), st.randoms(use_true_random=False))
def test_marks_say_exactly_what_is_settled_in_whatever_order_the_lanes_allow(
    drawn: list[Spec], limits: dict[str, BatchLimits], lanes: int, flush_at: int, chance: random.Random
) -> None:
    waiting = cut(made(drawn), limits, lanes, flush_at)
    everything = [each for batch in waiting for each in batch.records]
    marks: dict[int, Mark] = {}
    settled: set[int] = set()
    while waiting:
        batch = chance.choice([one for one in waiting if not _is_behind(one, waiting)])
        waiting.remove(batch)
        assert set(batch.marks) == set(batch.lanes)
        marks.update(batch.marks)
        settled.update(each.place for each in batch.records)
        for each in everything:
            for lane in each.lanes(lanes):
                assert (lane in marks and marks[lane].covers(each.place)) == (each.place in settled)


def _is_behind(batch: Batch, waiting: Sequence[Batch]) -> bool:
    return any(other.number < batch.number and set(other.lanes) & set(batch.lanes) for other in waiting)


@given(inputs, limits, st.integers(0, 4))
def test_units_are_cut_alike_however_they_arrive(drawn: list[Spec], limits: dict[str, BatchLimits], lanes: int) -> None:
    batcher, found = Batcher(limits, lanes), made(drawn)
    at_once = [*batcher.add(found), *batcher.flush()]
    assert [batch.records for batch in cut(found, limits, lanes)] == [batch.records for batch in at_once]


def test_each_function_has_its_own_limit_and_its_own_lanes() -> None:
    found = [unit_of(units.kinesis(number), number=number, function="fg"[number % 2]) for number in range(8)]
    batches = cut(found, {"f": BatchLimits(4, 10_000), "g": BatchLimits(2, 10_000)}, 4)
    assert sorted((batch.function, len(batch.records)) for batch in batches) == [("f", 4), ("g", 2), ("g", 2)]
    assert set(found[0].lanes(4)).isdisjoint(found[1].lanes(4))


def test_a_unit_heavier_than_the_limit_goes_by_itself() -> None:
    heavy = unit_of(*(units.kinesis(number) for number in range(5)), number=1)
    light = [unit_of(units.kinesis(number), number=number) for number in (0, 2, 3)]
    batches = cut([light[0], heavy, *light[1:]], {"fn": BatchLimits(3, 10_000)}, 1)
    assert [(len(batch.records), batch.weight) for batch in batches] == [(1, 1), (1, 5), (2, 2)]


def test_a_unit_that_is_a_whole_event_may_be_larger_by_the_frame_that_it_does_not_need() -> None:
    event, records = unit(units.bus(1)), unit_of(units.bucket(1))
    limits = BatchLimits(1, 10, len(event.body))
    assert limits.deliverable(event)
    assert not BatchLimits(1, 10, len(event.body) - 1).deliverable(event)
    assert not BatchLimits(1, 10, len(records.body)).deliverable(records)
    assert BatchLimits(1, 10, len(records.body) + len(b'{"Records":[]}')).deliverable(records)


def test_open_units_of_many_functions_hold_no_more_than_their_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batching, "OPEN_BYTES", 3_000)
    names = [f"fn-{number}" for number in range(20)]
    batcher, waiting = Batcher(dict.fromkeys(names, BatchLimits(1_000, 100_000)), 4), 0
    for number in range(200):
        each = unit_of(units.kinesis(number, f"k{number % 7}"), number=number, function=names[number % 20])
        waiting += len(each.body) - sum(len(one.body) for batch in batcher.add([each]) for one in batch.records)
        assert waiting <= 3_000


@pytest.mark.parametrize(
    "records",
    [
        [units.kinesis(1), units.kinesis(2, stream=f"{units.STREAM}-b")],
        [units.kinesis(1), units.queue(2, "key")],
        [units.queue(1, "key"), units.kinesis(2)],
    ],
    ids=["two streams", "a stream and a queue", "a queue and a stream"],
)
def test_no_batch_holds_records_of_two_sources_though_their_keys_be_the_same(records: list[FaultRecord]) -> None:
    found = [unit_of(record, number=number) for number, record in enumerate(records)]
    batches = cut(found, {"fn": BatchLimits(10, 100_000)}, 4)
    assert [len(batch.records) for batch in batches] == [1, 1]


def _resharded(number: int, keys: str, shard: str) -> Unit:
    records = [units.kinesis(number * 10 + at, key, shard) for at, key in enumerate(keys)]
    return unit_of(*records, number=number, of=units.fault(id=f"f-{number}"))


@given(st.lists(st.tuples(st.text("abcd", min_size=1, max_size=3), st.sampled_from("xy")), max_size=20), limit)
def test_keys_that_change_their_shard_keep_their_order_also_in_units_of_several_keys(
    drawn: list[tuple[str, str]], limit: BatchLimits
) -> None:
    found = [_resharded(number, keys, shard) for number, (keys, shard) in enumerate(drawn)]
    assert_ordered(cut(found, {"fn": limit}, 2))
