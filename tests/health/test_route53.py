"""Health checks as Route 53 judges them: by checkers, an alarm, or other health checks; then turned round."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cncbops.health.access import RegionAccess
from cncbops.health.finding import Status
from cncbops.health.route53 import (
    AlarmRef,
    Evaluation,
    evaluate,
    health_check,
    inverted,
    of_alarm,
    of_checkers,
    of_children,
)
from tests.e2e.far_side_health import DENIED, Call, HealthSide, alarm, health_check_of, observations
from tests.e2e.far_side_s3 import tag

ALARM = AlarmRef("Api5xxAlarm", "us-west-2")
OF_ALARM = tag("AlarmIdentifier", tag("Region", "us-west-2") + tag("Name", "Api5xxAlarm"))
HEALTH = st.sampled_from([True, False, None])
SUCCESS, FAILURE = "Success: HTTP Status Code 200, OK", "Failure: Connection timed out."


def with_data(status: str) -> str:
    return OF_ALARM + tag("InsufficientDataHealthStatus", status)


def calculated(threshold: int, *children: str) -> str:
    each = "".join(tag("ChildHealthCheck", child) for child in children)
    return health_check_of("CALCULATED", tag("HealthThreshold", str(threshold)) + tag("ChildHealthChecks", each))


@pytest.mark.parametrize(
    ("successes", "failures", "healthy"),
    [(16, 0, True), (3, 13, True), (2, 9, True), (18, 82, False), (19, 81, True), (0, 5, False), (0, 0, None)],
)
def test_more_than_18_percent_of_the_checkers_make_an_endpoint_healthy(
    successes: int, failures: int, healthy: bool | None
) -> None:
    told = [{"StatusReport": {"Status": SUCCESS}}] * successes + [{"StatusReport": {"Status": FAILURE}}] * failures
    assert of_checkers(told).healthy is healthy


@pytest.mark.parametrize(
    ("state", "without_data", "healthy"),
    [
        ("OK", "Unhealthy", True),
        ("ALARM", "Healthy", False),
        ("INSUFFICIENT_DATA", "Healthy", True),
        ("INSUFFICIENT_DATA", "Unhealthy", False),
        ("INSUFFICIENT_DATA", "LastKnownStatus", None),
        (None, "Healthy", None),
    ],
)
def test_a_check_of_an_alarm_is_as_the_alarm(state: str | None, without_data: str, healthy: bool | None) -> None:
    assert of_alarm(ALARM, state, without_data).healthy is healthy


@given(st.lists(HEALTH, max_size=8), st.integers(0, 9))
def test_unknown_children_leave_open_only_what_they_could_tip(children: list[bool | None], threshold: int) -> None:
    found = of_children(children, threshold).healthy
    possible = {of_children(each, threshold).healthy for each in settled(children)}
    assert possible == ({found} if found is not None else {True, False})


def settled(children: list[bool | None]) -> list[list[bool | None]]:
    """The extremes of what the unknown ones may be."""
    return [[extreme if child is None else child for child in children] for extreme in (True, False)]


@given(st.lists(st.booleans(), max_size=8), st.integers(0, 9))
def test_a_higher_threshold_makes_nothing_healthy(children: list[bool], threshold: int) -> None:
    lower, higher = (of_children(children, each).healthy for each in (threshold, threshold + 1))
    assert lower or not higher
    assert of_children(children, 0).healthy is True
    assert of_children(children, len(children) + 1).healthy is False


@given(HEALTH, st.text(max_size=20))
def test_turned_round_twice_is_as_before(healthy: bool | None, why: str) -> None:
    before = Evaluation(healthy, why, ALARM)
    once = inverted(before)
    assert once.healthy is (None if healthy is None else not healthy)
    assert replace(inverted(once), why=why) == before


@pytest.mark.parametrize(
    ("told", "healthy", "why"),
    [
        (health_check_of("HTTPS"), True, "2 of 3 checkers reach it; Failure: Connection timed out."),
        (health_check_of("TCP", tag("Inverted", "true")), False, "inverted: 2 of 3 checkers reach it"),
        (health_check_of("HTTP", tag("Disabled", "true")), True, "disabled, and so taken for healthy"),
        (health_check_of("HTTP", tag("Disabled", "true") + tag("Inverted", "true")), False, "inverted: disabled"),
        (health_check_of("CLOUDWATCH_METRIC", with_data("Healthy")), False, "alarm Api5xxAlarm in us-west-2 is ALARM"),
        (health_check_of("CLOUDWATCH_METRIC", OF_ALARM + tag("Inverted", "true")), True, "inverted: alarm Api5xxAlarm"),
        (health_check_of("RECOVERY_CONTROL"), None, "of type RECOVERY_CONTROL, which tells nothing from here"),
    ],
)
def test_a_health_check_is_read_as_its_type_wants(
    access: RegionAccess, side: HealthSide, told: str, healthy: bool | None, why: str
) -> None:
    side.on("route53.GetHealthCheck", told)
    side.on("route53.GetHealthCheckStatus", observations(SUCCESS, SUCCESS, FAILURE))
    side.on("monitoring.DescribeAlarms", {"MetricAlarms": [alarm("Api5xxAlarm", "ALARM")]}, "us-west-2")
    found = evaluate(access, "hc")
    assert found.healthy is healthy
    assert found.why.startswith(why)
    (finding,) = health_check(access, "hc")
    assert finding.status is {True: Status.ok, False: Status.fail, None: Status.unknown}[healthy]


def test_the_alarm_is_read_in_its_own_region_and_told(access: RegionAccess, side: HealthSide) -> None:
    side.on("route53.GetHealthCheck", health_check_of("CLOUDWATCH_METRIC", OF_ALARM))
    found = evaluate(access, "hc")
    assert (found.healthy, found.alarm) == (True, ALARM)
    assert found.facts == {
        "type": "CLOUDWATCH_METRIC",
        "disabled": False,
        "inverted": False,
        "alarm": "Api5xxAlarm",
        "alarm_region": "us-west-2",
        "alarm_state": "OK",
    }
    assert [(call.operation, call.region) for call in side.calls] == [
        ("route53.GetHealthCheck", "us-east-1"),
        ("monitoring.DescribeAlarms", "us-west-2"),
    ]


def test_an_alarm_that_is_gone_leaves_it_unknown(access: RegionAccess, side: HealthSide) -> None:
    side.on("route53.GetHealthCheck", health_check_of("CLOUDWATCH_METRIC", with_data("Healthy")))
    side.on("monitoring.DescribeAlarms", {"MetricAlarms": []})
    found = evaluate(access, "hc")
    assert (found.healthy, found.why) == (None, "there is no alarm Api5xxAlarm in us-west-2")


@pytest.mark.parametrize(("threshold", "healthy"), [(0, True), (1, True), (2, None), (3, False), (4, False)])
def test_a_calculated_check_counts_its_children(
    access: RegionAccess, side: HealthSide, threshold: int, healthy: bool | None
) -> None:
    each: dict[str, Any] = {
        "parent": calculated(threshold, "well", "ill", "denied"),
        "well": health_check_of("HTTPS", tag("Disabled", "true")),
        "ill": health_check_of("HTTPS", tag("Disabled", "true") + tag("Inverted", "true")),
        "denied": DENIED,
    }
    side.on("route53.GetHealthCheck", lambda call: each[call.asked["id"]])
    found = evaluate(access, "parent")
    assert found.healthy is healthy
    assert found.why.startswith(f"1 of 3 health checks are healthy, {threshold} must be; 1 are unknown")


def test_a_calculated_check_of_itself_ends(access: RegionAccess, side: HealthSide) -> None:
    def itself(call: Call) -> str:
        return calculated(1, call.asked["id"])

    side.on("route53.GetHealthCheck", itself)
    assert evaluate(access, "hc").healthy is None
    assert side.count("route53.GetHealthCheck") == 4
