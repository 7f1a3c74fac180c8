"""What must hold before a region is taken out: somebody else must be there to carry its traffic."""

from collections.abc import Sequence
from dataclasses import dataclass

from cncbops.health.finding import Row, Status
from cncbops.health.verdict import Verdict, verdict_of


@dataclass(frozen=True, slots=True)
class Other:
    """Another region, its verdict, and why where it is not healthy."""

    region: str
    verdict: Verdict
    why: str

    @property
    def carries(self) -> bool:
        """Whether it can be relied on to carry traffic."""
        return self.verdict is Verdict.healthy


def other_of(region: str, rows: Sequence[Row]) -> Other:
    """A region by what its probes found."""
    own = [row for row in rows if row.region == region]
    verdict = verdict_of(own)
    poor = {Verdict.healthy: None, Verdict.unhealthy: Status.fail, Verdict.unknown: Status.unknown}[verdict]
    told = (f"{row.probe}: {row.finding.why}" for row in own if row.finding.status is poor)
    return Other(region, verdict, next(told, "" if own else "nothing of it is watched"))


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule that taking the region out would break, and why; `next_step` is what to do instead."""

    name: str
    why: str
    next_step: str


LAST_HEALTHY, OTHERS_UNKNOWN = "last-healthy-region", "others-unknown"


def broken_rule(region: str, others: Sequence[Other]) -> Rule | None:
    """The rule that taking `region` out would break; None if another region carries its traffic."""
    if any(other.carries for other in others):
        return None
    if not others:
        why = f"no other region is named, so nobody knows who would carry the traffic of {region}"
        return Rule(OTHERS_UNKNOWN, why, "Name the others in cncbops.toml or with --other, or override with --force")
    told = "; ".join(f"{other.region} is {_state(other)}" for other in others)
    if any(other.verdict is Verdict.unknown for other in others):
        why = f"no other region is known to be healthy: {told}"
        return Rule(OTHERS_UNKNOWN, why, "Find out with `cncbops health`, or override with --force")
    return Rule(LAST_HEALTHY, f"{region} would be the last to go: {told}", "Mend one first, or override with --force")


def _state(other: Other) -> str:
    return f"{other.verdict} ({other.why})" if other.why else other.verdict
