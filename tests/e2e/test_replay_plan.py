"""A dry-run: it tells what would happen, and changes nothing anywhere."""

import base64
import json
import shlex
from pathlib import Path
from types import NoneType
from typing import Any

import pytest

from tests.e2e import lakes
from tests.e2e.far_side import FarSide, service_error
from tests.e2e.replays import Replays
from tests.e2e.servers import Cncbops

SECRET = b'{"id":"e-1","type":"thing-created","timestamp":1523159608000,"card":"4111-1111"}'
NUMBER = (int, float)

# The JSON summary is a contract, see the README.
SUMMARY: dict[str, Any] = {
    "command": str,
    "run_id": str,
    "dry_run": bool,
    "status": str,
    "reason": (str, NoneType),
    "function": str,
    "invocation": str,
    "source": list,
    "stage": (dict, NoneType),
    "objects": {"listed": int, "read": int, "skipped": int, "failed": int, "bytes": int},
    "events": {
        "read": int,
        "matched": int,
        "delivered": int,
        "failed": int,
        "unknown": int,
        "malformed": int,
        "by_type": dict,
    },
    "invocations": {"total": int, "succeeded": int, "failed": int, "retried": int, "throttled": int, "bytes": int},
    "first_event": str,
    "last_event": str,
    "duration_s": NUMBER,
    "events_per_s": NUMBER,
    "failures": list,
    "run": (dict, NoneType),
    "ledger": (str, NoneType),
}
PLAN: dict[str, Any] = {
    "target": {
        "arn": str,
        "state": str,
        "timeout_s": int,
        "version": str,
        "reserved_concurrency": (int, NoneType),
        "may_invoke": bool,
        "mapping": dict,
        "unchecked": list,
    },
    "terms": {"batch_size": int, "concurrency": int, "ordered": bool, "rate": (*NUMBER, NoneType), "max_attempts": int},
    "estimate": {"duration_s": (*NUMBER, NoneType), "rounds": int, "lambda_requests_usd": NUMBER},
    "first_record": dict,
    "warnings": list,
}


def assert_shape(found: Any, shape: Any, path: str = "") -> None:
    if not isinstance(shape, dict):
        assert isinstance(found, shape), f"{path} is {found!r}"
        return
    for name, inner in shape.items():
        assert name in found, f"{path}.{name} is missing"
        assert_shape(found[name], inner, f"{path}.{name}")


def test_a_dry_run_changes_nothing_and_tells_all_that_the_contract_says(
    far_side: FarSide, replays: Replays, tmp_path: Path
) -> None:
    events = lakes.make_events(7200, 40)
    far_side.add_bucket("lake", lakes.lake_of(events, 1000))
    far_side.add_function("fn", mappings=[{}])
    plan = replays.plan("--rate", "100")
    assert_shape(plan.summary, SUMMARY)
    assert_shape(plan.summary["plan"], PLAN)
    assert {call.invocation_type for call in far_side.invocations} == {"DryRun"}
    asked = {request for request in far_side.requests if not request.startswith(("GET ", "HEAD "))}
    assert asked == {"POST /2015-03-31/functions/fn/invocations"}
    assert list(tmp_path.iterdir()) == []
    expected = {"dry_run": True, "status": "planned", "reason": None, "function": "fn", "run": None, "ledger": None}
    assert plan.summary.items() >= expected.items()
    assert plan.events.items() >= {"matched": 7200, "delivered": 0}.items()
    assert plan.summary["by_hour"] == {"2018-04-08T03:00Z": 392, "2018-04-08T04:00Z": 3600, "2018-04-08T05:00Z": 3208}
    assert (plan.summary["first_event"], plan.summary["last_event"]) == (
        "2018-04-08T03:53:28.000Z",
        "2018-04-08T05:53:27.000Z",
    )
    types = [json.loads(event)["type"] for _, event in events]
    assert plan.summary["events"]["by_type"] == {each: types.count(each) for each in lakes.TYPES}
    assert plan.summary["plan"]["estimate"]["duration_s"] == 72.0


def test_a_payload_is_shown_only_if_asked_for(far_side: FarSide, replays: Replays) -> None:
    far_side.add_bucket("lake", {"x": lakes.envelope(SECRET, "thing-1", 18)})
    far_side.add_function("fn")
    hidden, shown = replays.plan(), replays.plan("--show-payload")
    assert "4111" not in json.dumps(hidden.summary)
    assert base64.b64encode(SECRET)[:24].decode() not in json.dumps(hidden.summary)
    assert str(len(SECRET)) in hidden.summary["plan"]["first_record"]["kinesis"]["data"]
    data = shown.summary["plan"]["first_record"]["kinesis"].pop("data")
    assert base64.b64decode(data) == SECRET
    del hidden.summary["plan"]["first_record"]["kinesis"]["data"]
    assert hidden.summary["plan"]["first_record"] == shown.summary["plan"]["first_record"]
    text = replays.text().out
    assert "4111" not in text
    assert base64.b64encode(SECRET)[:24].decode() not in text


def test_the_text_of_a_plan_tells_the_facts_and_how_to_go_on(far_side: FarSide, replays: Replays) -> None:
    far_side.add_bucket("lake", lakes.make_lake(1234, 5, 500))
    dead_letters = "arn:aws:sqs:us-east-1:123456789012:dead-letters"
    far_side.add_function(
        "fn",
        configuration={"Timeout": 33, "DeadLetterConfig": {"TargetArn": dead_letters}},
        mappings=[{"BatchSize": 50, "State": "Disabled"}],
        reserved_concurrency=10,
    )
    result = replays.text("--rate", "100")
    assert (result.code, result.err) == (0, "")
    for fact in (
        "s3://lake/",
        "1,234 matched of 1,234 read",
        "2018-04-08T03:53:28.000Z",
        "3 read",
        "batches of 50",
        "5 at a time",
        "in order per partition key",
        "12 s at 100 events/s",
        "USD",
        "thing-created",
        "2018-04-08T04:00Z",
        "33 s",
        "10 reserved",
        "DISABLED",
        dead_letters,
        "may be invoked",
        "This was a dry-run and nothing was sent. Add --execute to do it.",
    ):
        assert fact in result.out
    assert replays.text("--quiet").out == ""


@pytest.mark.parametrize(
    ("function", "options", "warning"),
    [
        ({"configuration": {"State": "Pending"}}, [], "state Pending"),
        ({"configuration": {"LastUpdateStatus": "InProgress"}}, [], "last update is InProgress"),
        ({}, ["--async"], "no dead-letter queue"),
    ],
    ids=["pending", "being updated", "no dead letters"],
)
def test_a_plan_warns_of_what_would_go_wrong(
    function: Any, options: list[str], warning: str, far_side: FarSide, replays: Replays
) -> None:
    far_side.add_bucket("lake", {"x": lakes.envelope(SECRET, "thing-1", 18)})
    far_side.add_function("fn", **function)
    result = replays.text(*options)
    warnings = [line for line in result.out.splitlines() if line.startswith("warning: ")]
    assert any(warning in line for line in warnings), result


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        ({"reserved_concurrency": 0}, "reserved concurrency 0"),
        ({"mappings": [{"TumblingWindowInSeconds": 60}]}, "tumbling windows"),
        ({"refuse": service_error("AccessDeniedException", 403)}, "lambda:InvokeFunction"),
    ],
    ids=["no concurrency", "tumbling windows", "not allowed"],
)
def test_a_plan_that_could_not_be_done_fails_as_its_run_would_and_is_shown(
    function: Any, reason: str, far_side: FarSide, replays: Replays
) -> None:
    far_side.add_bucket("lake", {"x": lakes.envelope(SECRET, "thing-1", 18)})
    far_side.add_function("fn", **function)
    planned, executed = replays.text(), replays.text("--execute")
    assert planned.code == executed.code == 1
    assert planned.err == executed.err
    assert reason in planned.err
    assert "1 matched of 1 read" in planned.out
    assert "--execute" not in planned.out


def test_a_plan_names_the_facts_that_it_may_not_read(far_side: FarSide, replays: Replays) -> None:
    far_side.add_bucket("lake", lakes.make_lake(3, 1, 3))
    far_side.add_function("fn")
    denied = service_error("AccessDeniedException", 403)
    far_side.refuse("GET /2015-03-31/functions/fn/configuration", denied)
    far_side.refuse("GET /2015-03-31/event-source-mappings", denied)
    plan = replays.plan()
    target = plan.summary["plan"]["target"]
    assert target["unchecked"] == ["its configuration", "its event source mappings"]
    assert (target["state"], target["timeout_s"], target["may_invoke"]) == (None, None, True)
    assert plan.events["matched"] == 3


def test_a_plan_of_nothing_says_so(far_side: FarSide, cncbops: Cncbops) -> None:
    far_side.add_bucket("lake", {})
    far_side.add_function("fn")
    result = cncbops("replay", "s3://lake/none/", "-f", "fn", endpoint=far_side.url)
    assert (result.code, result.err) == (0, "")
    assert "Nothing to do: no object was found under s3://lake/none/." in result.out


def test_a_plan_that_finds_nothing_but_flaws_says_the_same_in_both_voices(far_side: FarSide, cncbops: Cncbops) -> None:
    far_side.add_bucket("lake", {"2018/04/08/00/o": b"no event\n"})
    far_side.add_function("fn")
    asked = ("replay", "s3://lake/", "-f", "fn")
    text = cncbops(*asked, endpoint=far_side.url)
    told = cncbops(*asked, "-o", "json", endpoint=far_side.url)
    assert (text.code, "Nothing to do: no event matches." in text.out) == (3, True)
    assert (told.code, told.json["status"], told.json["events"]["malformed"]) == (3, "nothing", 1)


def test_a_saved_plan_says_how_it_is_executed(far_side: FarSide, cncbops: Cncbops, tmp_path: Path) -> None:
    far_side.add_bucket("lake", lakes.make_lake(3, 1, 3))
    far_side.add_function("fn")
    file = tmp_path / "of tonight"
    file.write_text("what is there is overwritten")
    asked = ("replay", "s3://lake/", "-f", "fn", "--save-plan", str(file))
    planned = cncbops(*asked, endpoint=far_side.url)
    assert "Add --execute" not in planned.out
    line = planned.out.splitlines()[-1].removeprefix("Execute it: cncbops ")
    assert cncbops(*shlex.split(line), endpoint=far_side.url).code == 0
    assert cncbops(*asked, "-o", "json", endpoint=far_side.url).json["plan"]["file"] == str(file)
