"""How records are cut into invocations, and to which function and in which manner they go."""

from typing import Any

import pytest

from tests.e2e import lakes
from tests.e2e.far_side import FarSide, Invocation
from tests.e2e.replays import Replays

MIB = 1024 * 1024
FN_ARN = "arn:aws:lambda:us-east-1:123456789012:function:fn"


def one_key(*sizes: int) -> list[tuple[str, bytes]]:
    """Events of one partition key, of so many bytes each."""
    events = [b'{"id":"e-%d","type":"thing-created","x":""}' % number for number in range(len(sizes))]
    return [
        ("thing-1", event[:-2] + b"x" * (size - len(event)) + b'"}') for event, size in zip(events, sizes, strict=True)
    ]


def delivering(far_side: FarSide) -> list[Invocation]:
    return [call for call in far_side.invocations if call.outcome == "succeeded"]


@pytest.mark.parametrize(
    ("option", "mappings", "sizes", "origin"),
    [
        ([], [], [100, 100, 50], "default"),
        ([], [{"BatchSize": 40}], [40] * 6 + [10], "event source mapping"),
        (["--batch-size", "120"], [{"BatchSize": 40}], [120, 120, 10], "option"),
    ],
    ids=["a hundred", "the mapping's", "the option's"],
)
def test_a_batch_is_as_large_as_asked_for_else_as_the_mapping_says(
    option: list[str], mappings: Any, sizes: list[int], origin: str, far_side: FarSide, replays: Replays
) -> None:
    far_side.add_bucket("lake", lakes.make_lake(250, 1, 90))
    far_side.add_function("fn", mappings=mappings)
    plan = replays.plan(*option)
    assert plan.summary["plan"]["terms"].items() >= {"batch_size": sizes[0], "batch_size_from": origin}.items()
    run = replays.execute(*option)
    assert [len(call.records) for call in delivering(far_side)] == sizes
    assert plan.summary["invocations"]["total"] == run.summary["invocations"]["total"] == len(sizes)
    assert plan.summary["invocations"]["bytes"] == run.summary["invocations"]["bytes"]


def test_an_event_too_large_for_any_invocation_fails_alone(far_side: FarSide, replays: Replays) -> None:
    events = one_key(300, 300, 3_000_000, 300, 5_000_000, 300, 300)
    lake = lakes.lake_of(events, 4)
    far_side.add_bucket("lake", lake)
    far_side.add_function("fn")
    run = replays.execute()
    assert far_side.delivered_data() == [event for _, event in events if len(event) < 5_000_000]
    (failure,) = run.failures
    place = {"object": f"s3://lake/{list(lake)[1]}", "line": 1, "event_id": "e-4", "error": "RecordTooLarge"}
    assert failure.items() >= place.items()
    assert "6,291,456" in failure["message"]
    assert (run.code, run.status, run.events["failed"]) == (3, "partial", 1)


def test_a_batch_is_cut_before_its_payload_is_too_large(far_side: FarSide, replays: Replays) -> None:
    events = one_key(*[250_000] * 40)
    far_side.add_bucket("lake", lakes.lake_of(events, 10))
    far_side.add_function("fn")
    run = replays.execute()
    assert far_side.delivered_data() == [event for _, event in events]
    assert [len(call.records) for call in delivering(far_side)] == [18, 18, 4]
    assert run.summary["invocations"]["failed"] == 0


def test_async_invocations_are_accepted_and_what_is_too_large_for_them_goes_sync(
    far_side: FarSide, replays: Replays
) -> None:
    events = one_key(300, 300, 1_500_000, *[200_000] * 6)
    far_side.add_bucket("lake", lakes.lake_of(events, 4))
    far_side.add_function("fn")
    run = replays.execute("--async")
    far_side.wait_until(lambda: far_side.in_flight == 0)
    assert sorted(far_side.delivered_data()) == sorted(event for _, event in events)
    manner = {len(call.records): call.invocation_type for call in delivering(far_side)}
    assert manner == {2: "Event", 1: "RequestResponse", 3: "Event"}
    assert all(len(call.payload) <= MIB for call in delivering(far_side) if call.invocation_type == "Event")
    assert (run.status, run.events["delivered"], run.summary["invocation"]) == ("succeeded", 9, "async")


@pytest.mark.parametrize(
    ("function", "qualifier", "told"),
    [
        ("fn:live", "live", "fn:live"),
        (FN_ARN, None, "fn"),
        (f"{FN_ARN}:7", "7", "fn:7"),
        ("123456789012:function:fn:$LATEST", "$LATEST", "fn:$LATEST"),
    ],
)
def test_a_function_may_be_named_by_alias_version_and_arn(
    function: str, qualifier: str | None, told: str, far_side: FarSide, replays: Replays
) -> None:
    far_side.add_bucket("lake", lakes.make_lake(3, 1, 3))
    far_side.add_function("fn")
    run = replays.execute("-f", function)
    assert {call.qualifier for call in far_side.invocations} == {qualifier}
    assert (run.events["delivered"], run.summary["function"]) == (3, told)
