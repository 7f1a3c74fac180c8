"""A function by its own metrics of the last minutes: how far it is behind, its errors, its throttles.

Thresholds of the age of what it reads: the book, "Creating alerts". Metrics: AWS Lambda Developer Guide.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from typing import Any

from cncbops.health.access import RegionAccess
from cncbops.health.finding import Finding, Status

LOOKS_BACK = timedelta(minutes=5)
LATE_MS, TOO_LATE_MS = 1_800_000, 7_200_000

_METRICS = {
    "iterator_age_ms": ("IteratorAge", "Maximum"),
    "errors": ("Errors", "Sum"),
    "throttles": ("Throttles", "Sum"),
}
_PERIOD_S = 60
_GATHERED: Mapping[str, Callable[[Iterable[float]], float]] = {"Maximum": max, "Sum": sum}


def function(access: RegionAccess, name: str) -> list[Finding]:
    """How a function has been of late. botocore's errors pass, also those of looking whether there is one."""
    now = access.all.now()
    told = access.client("cloudwatch").get_metric_data(
        MetricDataQueries=[_query(key, name, *metric) for key, metric in _METRICS.items()],
        StartTime=now - LOOKS_BACK,
        EndTime=now,
    )["MetricDataResults"]
    found = {each["Id"]: each["Values"] for each in told if each["Values"]}
    untold = {each["Id"]: _reason(each) for each in told if each["Id"] not in found and _is_withheld(each)}
    if not (found or untold):
        # A function that rests and a name that was mistyped have the same metrics: none.
        access.client("lambda").get_function_configuration(FunctionName=name)
    return [judge(name, {key: _GATHERED[_METRICS[key][1]](values) for key, values in found.items()}, untold)]


def judge(name: str, values: Mapping[str, float], untold: Mapping[str, str]) -> Finding:
    """By iterator_age_ms, errors and throttles; without data they are in neither, `untold` has why others are not."""
    facts = {key: values.get(key) for key in _METRICS}
    if not (values or untold):
        return Finding(name, Status.ok, f"nothing processed in the last {_minutes()} minutes", facts)
    age_ms = values.get("iterator_age_ms", 0)
    late = [f"{_hours(age_ms)} behind"] if age_ms >= LATE_MS else []
    wrong = late + [f"{values[key]:,.0f} {key}" for key in ("errors", "throttles") if values.get(key)]
    if age_ms >= TOO_LATE_MS:
        return Finding(name, Status.fail, ", ".join(wrong), facts)
    if untold:
        hidden = ", ".join(f"{key} ({reason})" for key, reason in untold.items())
        return Finding(name, Status.unknown, "; ".join([f"CloudWatch does not tell {hidden}", *wrong]), facts)
    if wrong:
        return Finding(name, Status.warn, ", ".join(wrong), facts)
    return Finding(name, Status.ok, "no errors, no throttles", facts)


def _is_withheld(told: Any) -> bool:
    """Whether there may be data that CloudWatch does not give."""
    return bool(told.get("StatusCode", "Complete") != "Complete")


def _reason(told: Any) -> str:
    messages = [" ".join(each.get("Value", "").split())[:200] for each in told.get("Messages", [])]
    return ": ".join([told.get("StatusCode", ""), *messages[:1]])


def _minutes() -> int:
    return int(LOOKS_BACK.total_seconds() // 60)


def _hours(ms: float) -> str:
    return f"{ms / 3_600_000:.1f} h"


def _query(key: str, function_name: str, metric: str, statistic: str) -> dict[str, Any]:
    return {
        "Id": key,
        "MetricStat": {
            "Metric": {
                "Namespace": "AWS/Lambda",
                "MetricName": metric,
                "Dimensions": [{"Name": "FunctionName", "Value": function_name}],
            },
            "Period": _PERIOD_S,
            "Stat": statistic,
        },
    }
