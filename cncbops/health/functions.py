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
    """How a function has been of late. botocore's errors pass."""
    now = access.all.now()
    told = access.client("cloudwatch").get_metric_data(
        MetricDataQueries=[_query(key, name, *metric) for key, metric in _METRICS.items()],
        StartTime=now - LOOKS_BACK,
        EndTime=now,
    )
    values = {each["Id"]: each["Values"] for each in told["MetricDataResults"] if each["Values"]}
    return [judge(name, {key: _GATHERED[_METRICS[key][1]](found) for key, found in values.items()})]


def judge(name: str, values: Mapping[str, float]) -> Finding:
    """By iterator_age_ms, errors and throttles; what has no data is left out of `values`."""
    facts = {key: values.get(key) for key in _METRICS}
    if not values:
        return Finding(name, Status.ok, f"nothing processed in the last {_minutes()} minutes", facts)
    age_ms = values.get("iterator_age_ms", 0)
    counts = [f"{values[key]:,.0f} {key}" for key in ("errors", "throttles") if values.get(key)]
    late = [f"{_hours(age_ms)} behind"] if age_ms >= LATE_MS else []
    if age_ms >= TOO_LATE_MS:
        return Finding(name, Status.fail, ", ".join(late + counts), facts)
    if late or counts:
        return Finding(name, Status.warn, ", ".join(late + counts), facts)
    return Finding(name, Status.ok, "no errors, no throttles", facts)


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
