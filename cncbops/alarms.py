"""CloudWatch alarms as they are now. Source: CloudWatch API Reference, `DescribeAlarms`."""

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

from msgspec import Struct

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient

NAMES_PER_CALL = 100
"""What one DescribeAlarms takes."""

REASON_CHARS = 200


class Alarm(Struct, frozen=True):
    """An alarm: its state is OK, ALARM or INSUFFICIENT_DATA, for the reason given, since the time given."""

    name: str
    state: str
    reason: str
    since: datetime | None


def describe_alarms(client: "CloudWatchClient", **choice: Any) -> Iterator[Alarm]:
    """The alarms chosen by `AlarmNames` or `AlarmNamePrefix`; unknown ones are left out. botocore's errors pass.

    Both kinds must be asked for: by default composite alarms are left out.
    """
    pages = client.get_paginator("describe_alarms").paginate(AlarmTypes=["MetricAlarm", "CompositeAlarm"], **choice)
    return (_alarm(found) for page in pages for found in _both_kinds(page))


def _both_kinds(page: Any) -> list[Any]:
    return [*page.get("MetricAlarms", []), *page.get("CompositeAlarms", [])]


def _alarm(found: Any) -> Alarm:
    since = found.get("StateTransitionedTimestamp") or found.get("StateUpdatedTimestamp")
    return Alarm(found["AlarmName"], found.get("StateValue", ""), _one_line(found.get("StateReason", "")), since)


def _one_line(reason: str) -> str:
    return " ".join(reason.split())[:REASON_CHARS] or "no reason given"
