"""CloudWatch alarms: one by name, or all whose names begin alike."""

from collections.abc import Iterator

from cncbops.alarms import Alarm, describe_alarms
from cncbops.health.access import RegionAccess
from cncbops.health.finding import Finding, Status, stamp

_STATUSES = {"OK": Status.ok, "ALARM": Status.fail, "INSUFFICIENT_DATA": Status.warn}


def alarms(access: RegionAccess, subject: str) -> list[Finding]:
    """How the alarms of a name, or of `prefix*`, are. botocore's errors pass."""
    found = [judge(alarm) for alarm in _found(access, subject)]
    return found or [Finding(subject, Status.unknown, "there is no such alarm")]


def find_alarm(access: RegionAccess, name: str) -> Alarm | None:
    """The alarm of a name in a region; None if there is none. botocore's errors pass."""
    return next(describe_alarms(access.client("cloudwatch"), AlarmNames=[name]), None)


def _found(access: RegionAccess, subject: str) -> Iterator[Alarm]:
    client = access.client("cloudwatch")
    if not subject.endswith("*"):
        return describe_alarms(client, AlarmNames=[subject])
    prefix = subject.removesuffix("*")
    return describe_alarms(client, **({"AlarmNamePrefix": prefix} if prefix else {}))


def judge(alarm: Alarm) -> Finding:
    """How an alarm is, by its state; whether it acts is no matter."""
    since = stamp(alarm.since) if alarm.since else None
    facts = {"state": alarm.state, "reason": alarm.reason, "since": since}
    told = alarm.state if alarm.state == "OK" else f"{alarm.state}: {alarm.reason}"
    why = f"{told} (since {since})" if since else told
    return Finding(alarm.name, _STATUSES.get(alarm.state, Status.unknown), why, facts)
