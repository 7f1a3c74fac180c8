"""The names that the stacks of the cookbook's recipes give to what they make. Source: their serverless.yml files.

A stack is `{service}-{stage}`, its functions are `{service}-{stage}-{key}`; streams and tables begin with the stage.
"""

from collections.abc import Callable, Sequence
from functools import partial

from cncbops.errors import CannotRun
from cncbops.stacks import Stacks
from cncbops.watched import Watched

CDN = "cncb-cdn-invalidate"
EVENT_STREAM = "cncb-event-stream"
FAILOVER_CHECK = "cncb-regional-failover-check"
HEALTH_CHECK = "cncb-regional-health-check"
FAULT_MONITOR = "cncb-resubmitting-faults-monitor"
_DISTRIBUTIONS = (CDN, "cncb-cdn-json", "cncb-cdn-lambda", "cncb-cdn-service", "cncb-cache-control")
_CONSUMERS = {"cncb-replaying-events": "listener", FAULT_MONITOR: "listener"}
"""Services that read the event stream, each with the key of its function."""

Look = Callable[[Stacks], Watched]


def distribution_of_stage(stacks: Stacks, stage: str) -> str:
    """The id of a stage's distribution. Raises CannotRun if no stack of the stage has one."""
    for service in _DISTRIBUTIONS:
        found = (stacks.outputs(f"{service}-{stage}") or {}).get("ApiDistributionId")
        if found:
            return found
    what = f"no stack of stage {stage} in {stacks.region} has a distribution"
    raise CannotRun(what, f"Name the distribution, or the region of the stack {CDN}-{stage} with --region")


def looks_for_stage(stage: str) -> Sequence[Look]:
    """What asks the stacks of a stage for what to watch, a part each: in an incident each may take a second.

    A look finds nothing where there is no such stack, and raises CncbopsError where CloudFormation does not tell.
    """
    return (
        *looks_for_failover(stage),
        lambda stacks: _health_check(stacks, stage),
        lambda stacks: _event_stream(stacks, stage),
        lambda stacks: _faults(stacks, stage),
        *(partial(_consumer, stage=stage, service=service, key=key) for service, key in _CONSUMERS.items()),
    )


def looks_for_failover(stage: str) -> Sequence[Look]:
    """What asks the stacks of a stage for the switch of a region, and for what hangs on it."""
    return (lambda stacks: _failover_check(stacks, stage), lambda stacks: _alarm(stacks, stage))


def _failover_check(stacks: Stacks, stage: str) -> Watched:
    outputs = stacks.outputs(f"{FAILOVER_CHECK}-{stage}")
    if outputs is None:
        return Watched()
    return Watched(
        checks=_checks(outputs.get("ServiceEndpoint")),
        health_checks=tuple(filter(None, [outputs.get("ApiHealthCheckId")])),
        check_functions=(f"{FAILOVER_CHECK}-{stage}-check",),
    )


def _alarm(stacks: Stacks, stage: str) -> Watched:
    alarm = stacks.resource(f"{FAILOVER_CHECK}-{stage}", "Api5xxAlarm")
    return Watched(alarms=(alarm,)) if alarm else Watched()


def _health_check(stacks: Stacks, stage: str) -> Watched:
    outputs = stacks.outputs(f"{HEALTH_CHECK}-{stage}")
    if outputs is None:
        return Watched()
    table = f"{stage}-{HEALTH_CHECK}-t1"
    return Watched(checks=_checks(outputs.get("ServiceEndpoint")), tables=(table,))


def _event_stream(stacks: Stacks, stage: str) -> Watched:
    name = (stacks.outputs(f"{EVENT_STREAM}-{stage}") or {}).get("streamName")
    return Watched(streams=(name,)) if name else Watched()


def _faults(stacks: Stacks, stage: str) -> Watched:
    bucket = (stacks.outputs(f"{FAULT_MONITOR}-{stage}") or {}).get("BucketName")
    return Watched(faults=(f"s3://{bucket}/",)) if bucket else Watched()


def _consumer(stacks: Stacks, stage: str, service: str, key: str) -> Watched:
    if stacks.outputs(f"{service}-{stage}") is None:
        return Watched()
    return Watched(functions=(f"{service}-{stage}-{key}",))


def _checks(endpoint: str | None) -> tuple[str, ...]:
    return (f"{endpoint.rstrip('/')}/check",) if endpoint else ()
