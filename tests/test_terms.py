"""Which of option, function and default applies, and when a function cannot be replayed to."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cncbops.errors import CannotRun
from cncbops.function_name import parse_function
from cncbops.kinesis.batching import ASYNC_PAYLOAD_BYTES, SYNC_PAYLOAD_BYTES, BatchLimits
from cncbops.kinesis.record import RecordSource
from cncbops.lake.sources import LocalSource
from cncbops.request import ReplayRequest
from cncbops.target import Mapping, Target
from cncbops.terms import LANES, Terms, objection, require_able, settle

STREAM_ARN = "arn:aws:kinesis:us-east-1:123456789012:stream/s1"
KINESIS = Mapping("uuid", STREAM_ARN, True, 25, False, False, ('{"data":{"type":["a"]}}',), 0, None)
QUEUE = replace(KINESIS, source_arn="arn:aws:sqs:us-east-1:123456789012:queue", batch_size=10)


def target(**facts: Any) -> Target:
    return Target(parse_function("fn"), **facts)


def terms(found: Target, **asked: Any) -> Terms:
    return settle(
        ReplayRequest(sources=(LocalSource(Path("lake")),), function=found.function, **asked), found, "eu-west-1"
    )


def test_without_option_and_mapping_defaults_apply() -> None:
    found = terms(target())
    assert (found.limits.records, found.batch_size_from) == (100, "default")
    assert (found.concurrency, found.concurrency_from, found.lanes) == (16, "default", LANES)
    assert found.limits == BatchLimits(100, SYNC_PAYLOAD_BYTES, SYNC_PAYLOAD_BYTES)
    assert found.mapping_filters == ()
    assert found.policy.partial_responses == "lenient"
    assert found.policy.async_payload_bytes is None


def test_the_mapping_gives_batch_size_filters_and_response_type() -> None:
    found = terms(target(mappings=[QUEUE, KINESIS]))
    assert (found.limits.records, found.batch_size_from) == (25, "event source mapping")
    assert found.mapping_filters == KINESIS.filters
    assert found.policy.partial_responses == "ignored"
    strict = terms(target(mappings=[replace(KINESIS, partial_responses=True)]))
    assert strict.policy.partial_responses == "strict"


def test_an_option_comes_before_the_mapping() -> None:
    found = terms(target(mappings=[KINESIS], reserved_concurrency=50), batch_size=7, concurrency=3)
    assert (found.limits.records, found.batch_size_from) == (7, "option")
    assert (found.concurrency, found.concurrency_from) == (3, "option")


@pytest.mark.parametrize(("reserved", "expected"), [(50, 25), (5, 2), (1, 1)])
def test_live_traffic_keeps_half_of_the_reserved_concurrency(reserved: int, expected: int) -> None:
    found = terms(target(reserved_concurrency=reserved))
    assert (found.concurrency, found.concurrency_from) == (expected, "half of the reserved concurrency")


def test_lanes_are_many_more_than_batches_are_sent_at_a_time() -> None:
    assert terms(target(), concurrency=1).lanes == LANES
    assert terms(target(), concurrency=1000).lanes == 8000


@pytest.mark.parametrize("asked", [{"ordered": False}, {"asynchronous": True}])
def test_a_replay_that_keeps_no_order_has_no_lanes(asked: dict[str, bool]) -> None:
    assert terms(target(), **asked).lanes == 0


def test_asynchronous_batches_stay_within_their_own_limit() -> None:
    found = terms(target(), asynchronous=True)
    assert found.limits == BatchLimits(100, ASYNC_PAYLOAD_BYTES, SYNC_PAYLOAD_BYTES)
    assert found.policy.async_payload_bytes == ASYNC_PAYLOAD_BYTES


@pytest.mark.parametrize(("timeout_s", "expected"), [(6, 21), (900, 915), (None, 915)])
def test_an_answer_is_waited_for_longer_than_the_function_may_run(timeout_s: int | None, expected: float) -> None:
    assert terms(target(timeout_s=timeout_s)).read_timeout_s == expected


def test_failures_are_met_as_asked() -> None:
    policy = terms(target(), max_attempts=9, bisect=False, on_unknown="fail").policy
    assert (policy.max_attempts, policy.bisect, policy.on_unknown) == (9, False, "fail")


def test_records_name_the_mapping_s_stream_unless_another_is_asked_for() -> None:
    assert terms(target(mappings=[KINESIS])).record_source.stream_arn == STREAM_ARN
    assert terms(target(mappings=[KINESIS]), stream_arn="arn:other").record_source.stream_arn == "arn:other"
    assert terms(target(mappings=[QUEUE])).record_source.stream_arn is None


def test_records_come_through_the_function_s_role_and_account() -> None:
    arn = "arn:aws:lambda:us-east-1:123456789012:function:fn"
    known = terms(target(arn=arn, role_arn="arn:aws:iam::123456789012:role/r")).record_source
    assert known == RecordSource(None, "arn:aws:iam::123456789012:role/r", "eu-west-1", "123456789012")
    assert terms(target()).record_source.role_arn == "arn:aws:iam::000000000000:role/unknown"


@pytest.mark.parametrize(
    ("facts", "asynchronous", "reason"),
    [
        ({"may_invoke": False}, False, "may not be invoked by you"),
        ({"reserved_concurrency": 0}, False, "has reserved concurrency 0: every call would be throttled"),
        ({"reserved_concurrency": 0}, True, "has reserved concurrency 0: asynchronous events would be lost"),
        ({"state": "Failed"}, False, "is in state Failed"),
        ({"mappings": [replace(KINESIS, tumbling_window_s=60)]}, False, "aggregates in tumbling windows"),
    ],
)
def test_a_function_that_could_not_take_records_is_refused(
    facts: dict[str, Any], asynchronous: bool, reason: str
) -> None:
    with pytest.raises(CannotRun, match=f"function fn {reason}"):
        require_able(target(**facts), asynchronous=asynchronous)


@pytest.mark.parametrize(
    "facts",
    [
        {},
        {"may_invoke": True, "reserved_concurrency": 1, "state": "Active"},
        {"state": "Inactive"},
        {"mappings": [replace(KINESIS, tumbling_window_s=60), replace(KINESIS, enabled=True)][::-1]},
    ],
)
def test_what_is_not_known_is_no_objection(facts: dict[str, Any]) -> None:
    assert objection(target(**facts), asynchronous=False) is None


def test_an_enabled_kinesis_mapping_comes_before_others() -> None:
    disabled = replace(KINESIS, enabled=False, batch_size=1)
    assert target(mappings=[QUEUE, disabled, KINESIS]).mapping == KINESIS
    assert target(mappings=[QUEUE, disabled]).mapping == disabled
    assert target(mappings=[QUEUE]).mapping is None
