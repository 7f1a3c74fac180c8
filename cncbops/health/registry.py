"""The probes. One more is one function and one line here.

A probe is given the access to a region and one subject, a value of its field of `Watched`, and tells what it
found. It may raise what asking AWS raises (`refusal.REFUSALS`); what else it raises is a defect.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cncbops.health import alarms, check_endpoint, faults, functions, queues, route53, streams, tables
from cncbops.health.access import RegionAccess
from cncbops.health.finding import Finding
from cncbops.watched import Watched

Ask = Callable[[RegionAccess, str], Sequence[Finding]]


@dataclass(frozen=True, slots=True)
class Probe:
    """What is asked about the subjects in one field of `Watched`.

    `require` raises BadInput for what cannot be a subject. `calls` is how many calls may have to follow one another:
    what takes the longest is begun first. `writes` is for probes that change something, be it
    only a check item. `is_elsewhere` says that whoever is asked is not of the region: that it is away says nothing
    of the region.
    """

    name: str
    field: str
    ask: Ask
    require: Callable[[str], None] | None = None
    calls: int = 1
    writes: bool = False
    is_elsewhere: bool = False


PROBES: Sequence[Probe] = (
    Probe("check", "checks", check_endpoint.check, check_endpoint.require_url),
    Probe("alarm", "alarms", alarms.alarms),
    Probe("health check", "health_checks", route53.health_check, calls=2, is_elsewhere=True),
    Probe("table read", "tables", tables.read),
    Probe("table write", "tables", tables.write, writes=True),
    Probe("replicas", "tables", tables.replicas, calls=2),
    Probe("stream", "streams", streams.stream),
    Probe("function", "functions", functions.function, calls=2),
    Probe("queue", "queues", queues.queue, queues.require_queue, calls=2),
    Probe("faults", "faults", faults.faults, faults.require_place, calls=2),
)


def probes_for(*, executes: bool) -> Sequence[Probe]:
    """The probes that may be run: those that write only where that was asked for."""
    return tuple(probe for probe in PROBES if executes or not probe.writes)


def require_subjects(watched: Watched) -> None:
    """Raises BadInput for a name of what is watched that cannot be one."""
    for probe in PROBES:
        for subject in getattr(watched, probe.field) if probe.require else ():
            probe.require(subject)  # type: ignore[misc]
