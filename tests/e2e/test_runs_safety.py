"""A replay that does harm is stopped: it exits with 5, says why, accounts for every event, and can be resumed."""

from typing import Any

import pytest

from tests.e2e import lakes, servers
from tests.e2e.far_side import FarSide, ok
from tests.e2e.replays import Run
from tests.e2e.runs import Runs, assert_once_each, data_of, ids_of, raising_on
from tests.e2e.servers import Cncbops

EVENTS = lakes.make_events(600, 60, seed=51)
LAKE = lakes.lake_of(EVENTS, 100)
FAST = ("--batch-size", "10", "--concurrency", "2", "--max-attempts", "1")


@pytest.fixture
def runs(cncbops: Cncbops, far_side: FarSide) -> Runs:
    far_side.add_bucket("lake", LAKE)
    far_side.add_function("fn")
    return Runs(cncbops, far_side)


def assert_stopped(run: Run, runs: Runs, reason: str, of: int = len(EVENTS)) -> None:
    """It says why, something is left, and ledger and summary account for every event that was read."""
    assert (run.code, run.status) == (5, "stopped")
    assert reason in run.summary["reason"]
    assert (runs.newest.status, runs.newest.reason) == ("stopped", run.summary["reason"])
    fates = ("matched", "delivered", "failed", "unknown", "not_sent")
    assert {name: run.events[name] for name in fates} == {name: getattr(runs.counts, name) for name in fates}
    assert run.events["delivered"] == len(runs.far_side.delivered())
    assert run.events["delivered"] < of


# Too many failures


def test_so_many_failures_stop_a_run_and_mended_it_delivers_the_rest(runs: Runs, far_side: FarSide) -> None:
    poison = EVENTS[4::20]
    far_side.add_function("fn", raising_on(ids_of(poison)))
    run = runs.execute(*FAST, "--max-failures", "6")
    assert_stopped(run, runs, "more than --max-failures 6")
    assert run.events["failed"] in (7, 8)
    far_side.add_function("fn")
    failed = runs.counts.failed
    assert runs.redrive().events["delivered"] == failed
    assert runs.newest.status == "stopped", "a redrive does not make a run whole that is not through"
    assert runs.resume().summary["run"].items() >= {"delivered": 600, "failed": 0}.items()
    assert_once_each(far_side.delivered_data(), data_of(EVENTS))
    assert runs.newest.status == "succeeded"


def test_without_a_limit_five_percent_of_a_thousand_stop_a_run(runs: Runs, far_side: FarSide) -> None:
    events = lakes.make_events(2000, 60, seed=52)
    far_side.add_bucket("lake", lakes.lake_of(events, 200))
    far_side.add_function("fn", raising_on(ids_of(events[4::10])))
    run = runs.execute(*FAST)
    assert_stopped(run, runs, "%), more than --max-failures 5%", of=2000)
    settled = run.events["delivered"] + run.events["failed"]
    assert 1000 <= settled < 1000 + 4 * 10


def test_failures_within_their_share_do_not_stop_a_run(runs: Runs, far_side: FarSide) -> None:
    events = lakes.make_events(1200, 60, seed=53)
    far_side.add_bucket("lake", lakes.lake_of(events, 200))
    far_side.add_function("fn", raising_on(ids_of(events[4::25])))
    run = runs.execute(*FAST)
    assert (run.code, run.status, run.events["failed"]) == (3, "partial", 48)


# Too long


def test_a_run_does_not_last_longer_than_it_may_and_goes_on_later(runs: Runs, far_side: FarSide) -> None:
    far_side.add_function("fn", lambda _payload, _context: ok().after(0.1))
    run = runs.execute(*FAST, "--max-duration", "1s")
    assert_stopped(run, runs, "it lasted longer than --max-duration, 1 s")
    far_side.add_function("fn")
    assert runs.resume("--max-duration", "1m").status == "succeeded"
    assert_once_each(far_side.delivered_data(), data_of(EVENTS))


# A canary


def test_a_canary_that_succeeds_lets_the_run_go_on(runs: Runs, far_side: FarSide) -> None:
    run = runs.execute(*FAST, "--canary", "25")
    assert (run.code, run.status) == (0, "succeeded")
    canary = [call for call in runs.sent if set(data_of(EVENTS[:25])) & {record.data for record in call.records}]
    others = [call for call in runs.sent if call not in canary]
    assert sum(len(call.records) for call in canary) == 25
    assert max(call.ended or 0 for call in canary) < min(call.started for call in others)
    assert_once_each(far_side.delivered_data(), data_of(EVENTS))


def test_a_canary_that_fails_is_all_that_is_sent(runs: Runs, far_side: FarSide) -> None:
    far_side.add_function("fn", raising_on(ids_of(EVENTS[7:8])))
    run = runs.execute(*FAST, "--canary", "25")
    assert_stopped(run, runs, "1 of the canary's 25 records failed")
    assert run.events.items() >= {"delivered": 24, "failed": 1}.items()
    sent = {record.data for call in runs.sent for record in call.records}
    assert sent == set(data_of(EVENTS[:25]))
    far_side.add_function("fn")
    assert runs.resume().summary["run"].items() >= {"delivered": 599, "failed": 1}.items()
    assert_once_each(far_side.delivered_data(), data_of(EVENTS[:7] + EVENTS[8:]))


# An alarm


@pytest.fixture
def cloudwatch(ministack: str) -> Any:
    return servers.client("cloudwatch", ministack)


def set_alarm(cloudwatch: Any, name: str, state: str) -> None:
    rule = {"Threshold": 1, "ComparisonOperator": "GreaterThanThreshold", "EvaluationPeriods": 1}
    metric = {"Namespace": "AWS/Lambda", "MetricName": "Errors", "Statistic": "Sum", "Period": 60}
    cloudwatch.put_metric_alarm(AlarmName=name, **rule, **metric)
    cloudwatch.set_alarm_state(AlarmName=name, StateValue=state, StateReason=f"set to {state}")


def test_an_alarm_that_goes_off_stops_a_run(
    runs: Runs, far_side: FarSide, ministack: str, cloudwatch: Any, unique: str
) -> None:
    far_side.add_function("fn", lambda _payload, _context: ok().after(0.02))
    set_alarm(cloudwatch, unique, "OK")
    aside = {"AWS_ENDPOINT_URL_CLOUDWATCH": ministack}
    process = runs.start("--batch-size", "10", "--rate", "20", "--stop-on-alarm", unique, env=aside)
    runs.await_sent(1)
    set_alarm(cloudwatch, unique, "ALARM")
    run = runs.finish(process)
    assert_stopped(run, runs, f"alarm {unique} is in ALARM: set to ALARM")


def test_an_alarm_that_is_on_lets_nothing_be_sent(runs: Runs, ministack: str, cloudwatch: Any, unique: str) -> None:
    set_alarm(cloudwatch, unique, "ALARM")
    run = runs.execute("--stop-on-alarm", unique, env={"AWS_ENDPOINT_URL_CLOUDWATCH": ministack})
    assert (run.code, run.status) == (5, "stopped")
    assert runs.sent == []
    planned = runs.plan("--again", "--stop-on-alarm", unique, env={"AWS_ENDPOINT_URL_CLOUDWATCH": ministack})
    assert f"A run would be stopped at once: alarm {unique} is in ALARM" in planned.summary["plan"]["warnings"][-1]


def test_an_alarm_that_does_not_exist_is_an_error(runs: Runs, ministack: str, unique: str) -> None:
    run = runs.execute("--stop-on-alarm", unique, env={"AWS_ENDPOINT_URL_CLOUDWATCH": ministack})
    assert (run.code, run.status) == (1, "failed")
    assert f"there is no CloudWatch alarm {unique}" in run.err
    assert runs.sent == []
    assert not runs.file.exists()


# The same once more


def test_the_same_events_go_to_the_same_function_only_when_that_is_said(runs: Runs, far_side: FarSide) -> None:
    first = runs.execute(*FAST, "--to", "2018-04-09")
    refused = runs.execute("--to", "2018-04-08T03:55Z", sources=[f"s3://lake/{min(LAKE)}"])
    assert (refused.code, refused.status) == (1, "failed")
    assert f"{first.summary['run_id']} (succeeded) has sent" in refused.err
    assert "--again" in refused.err
    assert len(runs.all) == 1
    assert len(far_side.delivered()) == 600

    assert warnings(runs) == 1
    assert warnings(runs, "--from", "2018-04-09") == 0, "no event lies in both windows"
    assert warnings(runs, "--type", "thing-created") == 0, "another selection"
    assert warnings(runs, "-f", "fn:live") == 0, "another function"
    assert warnings(runs, "--to", "2018-04-08T03:00Z") == 0, "a plan without events: none of them was sent"
    assert runs.execute(*FAST, "--again").events["delivered"] == 600
    assert len(far_side.delivered()) == 1200


def warnings(runs: Runs, *arguments: str) -> int:
    """How many warnings of an earlier run a plan gives."""
    planned = runs.plan(*arguments)
    assert planned.status in ("planned", "nothing")
    return sum("has sent" in warning for warning in planned.summary["plan"]["warnings"])
