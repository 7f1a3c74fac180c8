"""Route 53's health checks, read as Route 53 judges them.

GetHealthCheckStatus tells of endpoints only. A check of an alarm is read from the alarm, in the alarm's region; a
calculated one from its children. Then `Disabled` makes it healthy, and `Inverted` turns it round.
Source: Route 53 Developer Guide, "How Amazon Route 53 determines whether a health check is healthy"; API
Reference, `HealthCheckConfig`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from cncbops.health.access import RegionAccess
from cncbops.health.alarms import find_alarm
from cncbops.health.finding import Finding, Status
from cncbops.health.refusal import REFUSALS

HEALTHY_SHARE = 0.18
"""An endpoint is healthy when more than this share of Route 53's checkers reach it."""

DEEPEST = 3
"""How many levels of calculated checks are followed."""

_ENDPOINTS = {"HTTP", "HTTPS", "HTTP_STR_MATCH", "HTTPS_STR_MATCH", "TCP"}
_STATUSES = {True: Status.ok, False: Status.fail, None: Status.unknown}


@dataclass(frozen=True, slots=True)
class AlarmRef:
    """The alarm that a health check follows."""

    name: str
    region: str


@dataclass(frozen=True, slots=True)
class Evaluation:
    """How Route 53 takes a health check; None if that cannot be known from here.

    `alarm` is the one that it follows, for a check of type CLOUDWATCH_METRIC. `facts` are JSON's.
    """

    healthy: bool | None
    why: str
    alarm: AlarmRef | None = None
    facts: dict[str, Any] = field(default_factory=dict)


def health_check(access: RegionAccess, subject: str) -> list[Finding]:
    """How a health check is. botocore's errors pass."""
    found = evaluate(access, subject)
    return [Finding(subject, _STATUSES[found.healthy], found.why, found.facts)]


def evaluate(access: RegionAccess, health_check_id: str, depth: int = 0) -> Evaluation:
    """A health check as Route 53 judges it. Raises what asking AWS raises (`refusal.REFUSALS`)."""
    config = access.client("route53").get_health_check(HealthCheckId=health_check_id)["HealthCheck"][
        "HealthCheckConfig"
    ]
    kind = config["Type"]
    if config.get("Disabled"):
        found = Evaluation(True, "disabled, and so taken for healthy", _alarm_of(config))
    elif kind in _ENDPOINTS:
        found = _by_checkers(access, health_check_id)
    elif kind == "CLOUDWATCH_METRIC":
        found = _by_alarm(access, config)
    elif kind == "CALCULATED":
        found = _by_children(access, config, depth)
    else:
        found = Evaluation(None, f"of type {kind}, which tells nothing from here")
    flags = {name.lower(): bool(config.get(name)) for name in ("Disabled", "Inverted")}
    found = replace(found, facts={"type": kind, **flags, **found.facts})
    return inverted(found) if config.get("Inverted") else found


def inverted(found: Evaluation) -> Evaluation:
    """A check that is turned round."""
    if found.healthy is None:
        return found
    return replace(found, healthy=not found.healthy, why=f"inverted: {found.why}")


def of_checkers(observations: Sequence[Any]) -> Evaluation:
    """An endpoint, by what Route 53's checkers report: a text that begins with Success, or not."""
    if not observations:
        return Evaluation(None, "no checker has reported yet")
    texts = [each.get("StatusReport", {}).get("Status", "") for each in observations]
    healthy = sum(text.startswith("Success") for text in texts)
    why = f"{healthy} of {len(texts)} checkers reach it"
    if failure := next((text for text in texts if not text.startswith("Success")), None):
        why += f"; {' '.join(failure.split())[:200]}"
    facts = {"checkers": len(texts), "checkers_healthy": healthy}
    return Evaluation(healthy / len(texts) > HEALTHY_SHARE, why, facts=facts)


def of_alarm(alarm: AlarmRef, state: str | None, without_data: str) -> Evaluation:
    """A check of an alarm, by the alarm's state; `without_data` is what holds where that has no data."""
    healthy = {"OK": True, "ALARM": False}.get(state or "")
    why = f"alarm {alarm.name} in {alarm.region} is {state}"
    if state is None:
        why = f"there is no alarm {alarm.name} in {alarm.region}"
    elif state == "INSUFFICIENT_DATA":
        healthy = {"Healthy": True, "Unhealthy": False}.get(without_data)
        why += f", for which {without_data} holds"
    facts = {"alarm": alarm.name, "alarm_region": alarm.region, "alarm_state": state}
    return Evaluation(healthy, why, alarm, facts)


def of_children(children: Sequence[bool | None], threshold: int) -> Evaluation:
    """A calculated check, by its children: so many of them must be healthy. What is unknown may tip it."""
    healthy, unknown = children.count(True), children.count(None)
    known = healthy >= threshold or None if healthy + unknown >= threshold else False
    why = f"{healthy} of {len(children)} health checks are healthy, {threshold} must be"
    if unknown:
        why += f"; {unknown} are unknown"
    facts = {"children": len(children), "children_healthy": healthy, "threshold": threshold}
    return Evaluation(known, why, facts=facts)


def _by_checkers(access: RegionAccess, health_check_id: str) -> Evaluation:
    told = access.client("route53").get_health_check_status(HealthCheckId=health_check_id)
    return of_checkers(told["HealthCheckObservations"])


def _by_alarm(access: RegionAccess, config: Any) -> Evaluation:
    alarm = _alarm_of(config)
    if alarm is None:
        return Evaluation(None, "it names no alarm")
    without_data = config.get("InsufficientDataHealthStatus", "LastKnownStatus")
    found = find_alarm(access.all.of(alarm.region), alarm.name)
    return of_alarm(alarm, found.state if found else None, without_data)


def _alarm_of(config: Any) -> AlarmRef | None:
    alarm = config.get("AlarmIdentifier")
    return AlarmRef(alarm["Name"], alarm["Region"]) if alarm else None


def _by_children(access: RegionAccess, config: Any, depth: int) -> Evaluation:
    if depth >= DEEPEST:
        return Evaluation(None, "calculated from too many levels of health checks")
    children = [_child(access, each, depth + 1) for each in config.get("ChildHealthChecks", [])]
    return of_children(children, config.get("HealthThreshold", 0))


def _child(access: RegionAccess, health_check_id: str, depth: int) -> bool | None:
    try:
        return evaluate(access, health_check_id, depth).healthy
    except REFUSALS:
        return None
