"""`cncbops failover`: what is changed, what is refused, what is followed, and how it goes on."""

import shlex
import signal
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

import pytest

from tests.e2e.far_side_health import DENIED, READS, HealthSide, Refusal
from tests.e2e.far_side_regions import CHECK, EAST, ENVIRONMENT, SECRET, WEST, TwoRegions
from tests.e2e.servers import Cncbops, Process, Result

OUT, BACK = ("failover", "out", EAST), ("failover", "back", EAST)


@pytest.fixture
def regions(health_side: HealthSide, cncbops: Cncbops) -> TwoRegions:
    """Both regions in service, and named in the file of the folder that the command runs in."""
    regions = TwoRegions(health_side)
    regions.write_config(cncbops.home)
    return regions


Run = Callable[..., Result]


@pytest.fixture
def run(cncbops: Cncbops, regions: TwoRegions) -> Run:
    """The command, against both regions."""
    return lambda *arguments: cncbops(*arguments, endpoint=regions.side.url)


def started(cncbops: Cncbops, regions: TwoRegions, until: str, *arguments: str) -> Process:
    """A failover that is under way, and has told of `until`."""
    process = cncbops.start(*arguments, endpoint=regions.side.url)
    assert process.stderr
    for line in process.stderr:
        if until in line.decode():
            return process
    raise AssertionError(f"it ended without {until!r}")


def test_a_plan_shows_the_exact_change_and_who_carries_the_traffic_and_changes_nothing(
    run: Run, regions: TwoRegions, cncbops: Cncbops
) -> None:
    planned = run(*OUT, "-o", "json")
    assert planned.code == 0
    told = planned.json
    assert (told["status"], told["dry_run"], told["carried_by"], told["rule"]) == ("planned", True, [WEST], None)
    assert told["ledger"] is None
    hidden = dict.fromkeys(ENVIRONMENT, "***")
    assert told["change"] == {
        "function": CHECK,
        "variable": "UNHEALTHY",
        "before": None,
        "after": "true",
        "needed": True,
        "environment": {"before": hidden, "after": {**hidden, "UNHEALTHY": "true"}},
    }
    assert [(each["kind"], each["shown"]) for each in told["followed"]] == [
        ("switch", "UNHEALTHY is not set"),
        ("check", "200"),
        ("alarm", "OK"),
        ("health check", "healthy"),
    ]
    text = run(*OUT)
    assert (text.code, SECRET in text.out + text.err) == (0, False)
    assert "UNHEALTHY from not set to true; the other 3 variables stay as they are" in " ".join(text.out.split())
    assert "Add --execute" in text.out
    assert {call.operation for call in regions.side.calls} <= READS
    assert not cncbops.state_dir.exists()


def test_out_and_back_change_one_variable_and_are_followed_to_the_health_check(
    run: Run, regions: TwoRegions, cncbops: Cncbops
) -> None:
    taken = run(*OUT, "--reason", "bad deploy", "--execute", "-o", "json")
    assert (taken.code, taken.json["status"], taken.json["changed"]) == (0, "succeeded", True)
    assert (regions.east.environment, regions.west.environment) == ({**ENVIRONMENT, "UNHEALTHY": "true"}, ENVIRONMENT)
    assert [(each["shown"], each["as_wanted"]) for each in taken.json["followed"]] == [
        ("UNHEALTHY is true", True),
        ("503", True),
        ("ALARM", True),
        ("unhealthy", True),
    ]
    times = taken.json["result"]
    assert 0 <= times["changed_s"] <= times["check_s"] <= times["alarm_s"] <= times["recovery_s"]
    assert taken.json["next_steps"] == [f"cncbops failover back {EAST} --execute"]

    stands = run("failover", "status", "-o", "json")
    assert (stands.code, stands.json["regions"][EAST]["verdict"]) == (4, "unhealthy")
    last = stands.json["last"][EAST]
    assert (last["command"], last["status"], last["why"]) == ("failover out", "succeeded", "bad deploy")
    assert "last failover out" in run("failover", "status").out

    put = run(*BACK, "--execute")
    assert (put.code, f"done: {EAST} is back in service" in put.err) == (0, True)
    assert regions.east.environment == ENVIRONMENT
    assert run("failover", "status").code == 0

    shown = run("runs", "show", taken.json["run_id"], "-o", "json").json
    assert (shown["subject"], shown["arguments"]["why"], shown["who"].endswith("ann")) == (EAST, "bad deploy", True)
    assert shown["sessions"][0]["summary"]["result"] == times
    kept = b"".join(path.read_bytes() for path in cncbops.state_dir.iterdir())
    assert (SECRET.encode() in kept, SECRET in put.err) == (False, False)


def test_back_restores_what_the_variable_held(run: Run, regions: TwoRegions) -> None:
    regions.east.environment["UNHEALTHY"] = "no"
    assert run(*OUT, "--execute").code == 0
    assert regions.east.environment["UNHEALTHY"] == "true"
    assert run(*BACK, "--execute").code == 0
    assert regions.east.environment == {**ENVIRONMENT, "UNHEALTHY": "no"}


def test_back_without_a_ledger_gives_the_variable_the_books_value(run: Run, regions: TwoRegions) -> None:
    regions.east.environment["UNHEALTHY"] = "true"
    assert run(*BACK, "-o", "json").json["change"]["after"] == "false"
    assert run(*BACK, "--execute").code == 0
    assert regions.east.environment == {**ENVIRONMENT, "UNHEALTHY": "false"}


def test_what_is_so_already_is_nothing_to_do(run: Run, regions: TwoRegions) -> None:
    planned = run(*BACK, "-o", "json")
    assert (planned.code, planned.json["status"], planned.json["change"]["needed"]) == (0, "nothing", False)
    assert run(*BACK, "--execute").code == 0
    assert regions.writes == 0


REFUSALS = [
    pytest.param(("--other", "eu-west-1", "--table", "eu-west-1=t1"), "others-unknown", id="the-other-does-not-tell"),
    pytest.param(("--other", WEST), "last-healthy-region", id="the-other-is-out"),
]


@pytest.mark.parametrize(("others", "rule"), REFUSALS)
def test_the_last_region_known_to_be_healthy_stays(
    run: Run, regions: TwoRegions, others: Sequence[str], rule: str
) -> None:
    regions.side.on("dynamodb", DENIED, "eu-west-1")
    regions.west.environment["UNHEALTHY"] = "true"
    planned = run(*OUT, *others, "-o", "json")
    assert (planned.code, planned.json["status"], planned.json["rule"]["name"]) == (1, "failed", rule)
    refused = run(*OUT, *others, "--execute")
    assert (refused.code, refused.out) == (1, "")
    assert f"(rule {rule})" in refused.err
    assert "--force" in refused.err
    assert regions.writes == 0


def test_an_override_names_the_rule_that_it_overrides(run: Run, regions: TwoRegions, cncbops: Cncbops) -> None:
    Path(cncbops.home, "cncbops.toml").unlink()
    named = ("--check-function", CHECK, "--check", regions.side.check(EAST))
    assert "(rule others-unknown)" in run(*OUT, *named, "--execute").err
    forced = run(*OUT, *named, "--force", "--execute")
    assert forced.code == 0
    assert "--force overrides the rule others-unknown: no other region is named" in forced.err
    (row,) = run("runs", "ls", "-o", "json").json["runs"]
    assert "overrides others-unknown" in run("runs", "show", row["run_id"]).out
    assert regions.east.environment["UNHEALTHY"] == "true"


def test_an_interrupt_leaves_the_region_out_and_the_same_command_goes_on(
    run: Run, regions: TwoRegions, cncbops: Cncbops
) -> None:
    regions.east.deaf = True
    process = started(cncbops, regions, "the change is made", *OUT, "--reason", "bad deploy", "--execute")
    process.send_signal(signal.SIGINT)
    interrupted = cncbops.finish(process)
    assert interrupted.code == 130
    assert f"next: cncbops failover out {EAST} --execute" in interrupted.err
    assert f"next: cncbops failover back {EAST} --execute" in interrupted.err
    assert regions.east.environment == {**ENVIRONMENT, "UNHEALTHY": "true"}
    (row,) = run("runs", "ls", "-o", "json").json["runs"]
    assert (row["command"], row["status"]) == ("failover out", "interrupted")

    regions.east.deaf = False
    went_on = run(*OUT, "--execute", "-o", "json")
    assert (went_on.code, went_on.json["status"], went_on.json["changed"]) == (0, "succeeded", False)
    assert went_on.json["why"] == "bad deploy"
    began = [datetime.fromisoformat(each["started"]) for each in run("runs", "ls", "-o", "json").json["runs"]]
    assert went_on.json["result"]["recovery_s"] >= round((began[0] - began[1]).total_seconds(), 1) > 0
    assert regions.writes == 1
    assert "recovery_s" not in run(*OUT, "--execute", "-o", "json").json["result"]
    assert run(*BACK, "--execute").code == 0
    assert regions.east.environment == ENVIRONMENT


def test_a_killed_failover_is_known_to_the_ledger_and_goes_back_to_what_was(
    run: Run, regions: TwoRegions, cncbops: Cncbops
) -> None:
    regions.east.deaf = True
    process = started(cncbops, regions, "the change is made", *OUT, "--execute")
    process.kill()
    assert cncbops.finish(process).code == -signal.SIGKILL
    (row,) = run("runs", "ls", "-o", "json").json["runs"]
    assert row["status"] == "crashed"
    again = f"cncbops failover out {EAST} --execute"
    shown = run("runs", "show", row["run_id"]).out
    assert f"Go on with it: {again}" in shown
    assert f"Or undo it: {again.replace(' out ', ' back ')}" in shown
    resumed = run("runs", "resume", row["run_id"])
    assert (resumed.code, again in resumed.err) == (2, True)
    assert run(*BACK, "--execute").code == 0
    assert regions.east.environment == ENVIRONMENT


def test_what_does_not_turn_in_time_is_told_and_can_be_gone_on_with(run: Run, regions: TwoRegions) -> None:
    regions.east.deaf = True
    stopped = run(*OUT, "--timeout", "1s", "--execute", "-o", "json")
    assert (stopped.code, stopped.json["status"]) == (5, "stopped")
    assert "alarm api-5xx: OK" in stopped.json["reason"]
    assert regions.east.environment["UNHEALTHY"] == "true"
    assert [step.split()[2] for step in stopped.json["next_steps"]] == ["out", "back"]


def test_it_can_be_stopped_from_another_terminal(run: Run, regions: TwoRegions, cncbops: Cncbops) -> None:
    regions.east.deaf = True
    process = started(cncbops, regions, "the change is made", *OUT, "--execute")
    (row,) = run("runs", "ls", "-o", "json").json["runs"]
    for rival in (OUT, BACK):
        refused = run(*rival, "--execute")
        assert (refused.code, f"cncbops runs stop {row['run_id']}" in refused.err) == (1, True)
    stopped = run("runs", "stop", row["run_id"])
    assert (stopped.code, f"cncbops failover out {EAST}" in stopped.err) == (0, True)
    ended = cncbops.finish(process)
    assert (ended.code, "stopped by" in ended.err) == (5, True)


def test_a_switch_that_somebody_else_sets_back_ends_the_failover(
    run: Run, regions: TwoRegions, cncbops: Cncbops
) -> None:
    regions.east.deaf = True
    process = started(cncbops, regions, "the change is made", *OUT, "--execute")
    regions.side.wait_until(lambda: regions.side.count("monitoring.DescribeAlarms", EAST) > 3)
    regions.east.environment = dict(ENVIRONMENT)
    ended = cncbops.finish(process)
    assert (ended.code, "somebody else has changed the switch" in ended.err) == (5, True)
    assert f"{CHECK}: UNHEALTHY is not set" in ended.err


@pytest.mark.parametrize(
    ("refusal", "why"),
    [
        (Refusal("PreconditionFailedException", status=412), "changed by somebody else"),
        (Refusal("ResourceConflictException", status=409), "being updated by somebody else"),
        (DENIED, "lambda:UpdateFunctionConfiguration"),
    ],
)
def test_a_change_that_lambda_refuses_leaves_all_as_it_was(
    run: Run, regions: TwoRegions, refusal: Refusal, why: str
) -> None:
    regions.east.refusal = refusal
    refused = run(*OUT, "--execute")
    assert (refused.code, why in refused.err) == (1, True)
    assert regions.east.environment == ENVIRONMENT
    (row,) = run("runs", "ls", "-o", "json").json["runs"]
    assert row["status"] == "failed"


def test_what_lambda_says_of_the_environment_is_not_passed_on(run: Run, regions: TwoRegions, cncbops: Cncbops) -> None:
    quoted = f'exceeded the 4KB limit. String measured: {{"API_KEY":"{SECRET}"}}'
    regions.east.refusal = Refusal("InvalidParameterValueException", quoted)
    refused = run(*OUT, "--execute", "-v", "-o", "json")
    assert (refused.code, "4 KB" in refused.json["error"]["next_step"]) == (1, True)
    kept = b"".join(path.read_bytes() for path in cncbops.state_dir.iterdir())
    assert (SECRET in refused.out + refused.err, SECRET.encode() in kept) == (False, False)


def test_a_change_whose_answers_are_lost_is_found_to_be_made(run: Run, regions: TwoRegions) -> None:
    regions.east.loses_answers = True
    taken = run(*OUT, "--execute", "-o", "json")
    assert (taken.code, taken.json["status"], taken.json["changed"]) == (0, "succeeded", True)
    assert regions.east.revision == 2


def test_where_nobody_can_tell_whether_it_is_made_that_is_said(run: Run, regions: TwoRegions) -> None:
    regions.east.loses_answers = regions.east.hides = True
    lost = run(*OUT, "--execute")
    assert (lost.code, "nobody can tell" in lost.err, "cncbops failover status" in lost.err) == (1, True, True)


def test_an_error_after_the_change_says_that_the_region_is_out_and_how_to_put_it_back(
    run: Run, regions: TwoRegions
) -> None:
    regions.east.hides = True
    failed = run(*OUT, "--execute", "-o", "json")
    assert (failed.code, failed.json["status"], failed.json["changed"]) == (1, "failed", True)
    assert [step.split()[2] for step in failed.json["next_steps"]] == ["out", "back"]
    (row,) = run("runs", "ls", "-o", "json").json["runs"]
    assert row["status"] == "failed"


def test_the_wait_for_lambda_ends_in_time(run: Run, regions: TwoRegions) -> None:
    regions.east.busy = True
    stopped = run(*OUT, "--timeout", "1s", "--execute", "-o", "json")
    assert (stopped.code, stopped.json["status"]) == (5, "stopped")
    assert "Lambda has not made the change yet" in stopped.json["reason"]


def test_what_is_to_be_typed_next_can_be_typed(run: Run, regions: TwoRegions, cncbops: Cncbops) -> None:
    Path(cncbops.home, "cncbops.toml").unlink()
    named = ("--check-function", CHECK, "--check", regions.side.check(EAST), "--alarm", "api-5xx", "--table", "t 1")
    regions.east.deaf = True
    stopped = run(*OUT, *named, "--other", WEST, "--force", "--timeout", "1s", "--execute", "-o", "json")
    assert stopped.code == 5
    regions.east.deaf = False
    for step in stopped.json["next_steps"]:
        done = run(*shlex.split(step)[1:])
        assert done.code == 0, (step, done.err)
    assert regions.east.environment == ENVIRONMENT


def test_only_the_alarm_that_the_health_check_goes_by_has_to_turn(run: Run, regions: TwoRegions) -> None:
    taken = run(*OUT, "--alarm", f"{EAST}=orders-latency", "--alarm", f"{EAST}=other-*", "--execute", "-o", "json")
    assert (taken.code, [each["subject"] for each in taken.json["followed"]]) == (
        0,
        [CHECK, regions.side.check(EAST), "api-5xx", f"hc-{EAST}"],
    )


def test_without_a_check_function_it_says_how_to_name_one(run: Run, cncbops: Cncbops) -> None:
    Path(cncbops.home, "cncbops.toml").unlink()
    nameless = run(*OUT, "--alarm", "a")
    assert (nameless.code, nameless.out) == (2, "")
    assert "--check-function" in nameless.err
