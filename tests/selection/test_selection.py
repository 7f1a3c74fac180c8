"""Which events are sent: fields, faults, patterns, the mapping's filters, and what is counted of the rest."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cncbops.errors import CannotRun
from cncbops.formats.event import LakeEvent
from cncbops.formats.timestamp import LATEST_MS
from cncbops.lake.layout import TimeWindow
from cncbops.selection.pattern import FilterCriteria
from cncbops.selection.selection import Selection, Selector, time_of, times_of


def event(number: int = 0, event_type: str | None = "thing-created", **fields: Any) -> LakeEvent:
    """An event as `synthesis.complete` leaves it; its data agrees with its type."""
    kept = {"partition_key": "k", "sequence_number": str(number), "shard_id": "shardId-0", "arrival_ms": 1000}
    data = b'{"type":"%b","n":%d}' % ((event_type or "").encode(), number)
    return LakeEvent(data, number, 0, None, event_type, fields.pop("timestamp", 500), **{**kept, **fields})


def chosen(events: list[LakeEvent], *mapping_filters: str, **selection: Any) -> list[int]:
    return [each.line for each in Selector(Selection(**selection), mapping_filters).select(events)]


def filters(*patterns: str) -> FilterCriteria:
    return FilterCriteria.parse(patterns)


def of_types(*types: str | None) -> list[LakeEvent]:
    return [event(number, event_type) for number, event_type in enumerate(types)]


def test_without_a_selection_all_but_faults_are_chosen() -> None:
    assert chosen(of_types("thing-created", "fault", None, "faults", "Fault")) == [0, 2, 3, 4]


@pytest.mark.parametrize(
    ("types", "expected"),
    [
        (("thing-created",), [0]),
        (("thing-*",), [0, 1]),
        (("thing-created", "order-*"), [0, 2]),
        (("*",), [0, 1, 2, 3, 4]),
        (("fault",), [3]),
        (("f*", "thing-updated"), [1, 3]),
        (("Thing-*",), []),
        (("thing",), []),
        (("thing-[cu]*",), [0, 1]),
        (("?????",), [3]),
        ((".*",), []),
    ],
)
def test_types_are_globs_of_the_whole_type_with_regard_to_case(types: tuple[str, ...], expected: list[int]) -> None:
    events = of_types("thing-created", "thing-updated", "order-placed", "fault", None)
    assert chosen(events, types=types) == expected


def test_ever_new_types_do_not_change_what_is_chosen() -> None:
    events = of_types(*(f"type-{number % 15_000}" for number in range(30_000)))
    assert chosen(events, types=("type-1",)) == [1, 15_001]


def test_keys_and_shards_are_meant_exactly() -> None:
    events = [event(0), event(1, partition_key="K"), event(2, shard_id="shardId-1")]
    assert chosen(events, partition_keys=frozenset({"k"})) == [0, 2]
    assert chosen(events, shards=frozenset({"shardId-1", "shardId-9"})) == [2]
    assert chosen(events, partition_keys=frozenset({"k"}), shards=frozenset({"shardId-0"})) == [0]


@pytest.mark.parametrize(
    ("window", "expected"),
    [
        (TimeWindow(None, None), [0, 1, 2, 3]),
        (TimeWindow(200, None), [1, 2, 3]),
        (TimeWindow(None, 200), [0]),
        (TimeWindow(200, 300), [1]),
        (TimeWindow(201, 301), [2]),
    ],
)
def test_a_window_holds_its_start_but_not_its_end(window: TimeWindow, expected: list[int]) -> None:
    events = [event(number, timestamp=100 * (number + 1)) for number in range(4)]
    assert chosen(events, window=window) == expected


def test_an_event_s_time_is_its_own_else_that_of_its_arrival() -> None:
    assert time_of(event(timestamp="1700611200123")) == 1700611200123
    assert time_of(event(timestamp=0)) == 0
    assert time_of(event(timestamp=None)) == 1000
    assert time_of(event(timestamp="soon", arrival_ms=None)) == 0


@given(st.lists(st.integers(-1, LATEST_MS + 1) | st.sampled_from([None, True, 0, LATEST_MS, 2.5, "7", "soon"])))
def test_times_looked_at_together_are_those_of_each_event(timestamps: list[object]) -> None:
    events = [event(timestamp=timestamp) for timestamp in timestamps]
    assert list(times_of(events)) == [time_of(each) for each in events]


def test_patterns_choose_as_lambda_would_and_any_of_them_will_do() -> None:
    events = of_types("thing-created", "thing-updated", "order-placed")
    prefix = '{"data":{"type":[{"prefix":"thing-"}]}}'
    number = '{"data":{"n":[2]}}'
    assert chosen(events, filters=filters(prefix)) == [0, 1]
    assert chosen(events, filters=filters(prefix, number)) == [0, 1, 2]
    assert chosen(events, types=("*-created",), filters=filters(prefix)) == [0]


def test_a_pattern_sees_the_record_as_it_will_be_sent() -> None:
    events = [event(7, arrival_ms=1500), event(8, partition_key="other")]
    assert chosen(events, filters=filters('{"partitionKey":["k"],"sequenceNumber":["7"]}')) == [7]
    assert chosen(events, filters=filters('{"approximateArrivalTimestamp":[{"numeric":["=",1.5]}]}')) == [7]


def test_the_mapping_s_filters_come_after_the_selection_and_are_counted() -> None:
    selector = Selector(Selection(types=("thing-*",)), ['{"data":{"n":[0]}}', '{"data":{"n":[1]}}'])
    events = of_types("thing-created", "thing-created", "thing-created", "order-placed")
    assert [each.line for each in selector.select(events)] == [0, 1]
    assert (selector.filtered, selector.faults) == (1, 0)


def test_faults_left_out_are_counted_only_where_they_would_have_been_chosen() -> None:
    selector = Selector(Selection(partition_keys=frozenset({"k"})))
    events = [event(0, "fault"), event(1, "fault", partition_key="other"), event(2)]
    assert [each.line for each in selector.select(events)] == [2]
    selector.select([event(3, "fault")])
    assert selector.faults == 2


def test_a_filter_of_the_mapping_that_is_not_understood_ends_the_run_before_anything_is_read() -> None:
    with pytest.raises(CannotRun, match="a filter of the function's event source mapping is not understood"):
        Selector(Selection(), ['{"data":{"type":"thing"}}'])


@given(st.lists(st.sampled_from(["a", "b", "fault", None]), max_size=20), st.sets(st.sampled_from(["a", "b", "fault"])))
def test_nothing_is_chosen_twice_changed_or_moved(types: list[str | None], wanted: set[str]) -> None:
    events = of_types(*types)
    selector = Selector(Selection(types=tuple(wanted)))
    found = selector.select(events)
    assert [each.line for each in found] == sorted(each.line for each in found)
    assert {each.type for each in found} <= (wanted or {"a", "b", None})
    assert len(found) + selector.faults == sum(each.type in wanted if wanted else True for each in events)
