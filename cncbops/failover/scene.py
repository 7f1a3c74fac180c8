"""A region before its switch is changed: the change, what hangs on it, and who would carry its traffic."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from cncbops.errors import BadInput, CannotRun
from cncbops.failover.change import Change, acts_on, change_of, unfinished
from cncbops.failover.following import Sight
from cncbops.failover.probe import SWITCH
from cncbops.failover.rules import Other, Rule, broken_rule, other_of
from cncbops.failover.sights import sights_of
from cncbops.failover.switch import Switch, read_switch, require_changeable
from cncbops.health.access import Accesses
from cncbops.health.registry import probes_for
from cncbops.health.running import Region, Rounds
from cncbops.ledger.ledger import Ledger
from cncbops.ledger.rows import Run
from cncbops.stage import Stage
from cncbops.watched import Watched

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient


ANSWER_S = 5
"""How long Lambda has to answer, four times: the region may be ill."""


@dataclass(frozen=True)
class Scene:
    """What is known of a region and of the others; `rule` is the one that the change would break.

    `rival` is a failover of the region that is under way, `earlier` one that was ended before all had turned.
    """

    region: str
    client: "LambdaClient"
    change: Change
    sights: Sequence[Sight]
    others: Sequence[Other]
    rule: Rule | None
    rival: Run | None
    earlier: Run | None

    @property
    def carriers(self) -> list[str]:
        """The regions that would carry the traffic."""
        return [other.region for other in self.others if other.carries]

    def require_allowed(self, *, force: bool) -> None:
        """Raise CannotRun if the change breaks a rule that is not overridden, or cannot be made as things are."""
        if self.rival:
            what = f"run {self.rival.run_id} (`{self.rival.command} {self.region}`) is under way"
            raise CannotRun(what, f"Wait for it, or end it first: {self.rival.to_type('stop')}")
        if self.rule and not force:
            what = f"{self.region} is not taken out: {self.rule.why} (rule {self.rule.name})"
            raise CannotRun(what, self.rule.next_step)
        if self.change.is_needed:
            require_changeable(self.change.switch)

    def facts(self, *, force: bool) -> dict[str, Any]:
        """All of it as data."""
        rule = self.rule
        return {
            "region": self.region,
            "change": self.change.facts(),
            "others": [{**asdict(other), "carries": other.carries} for other in self.others],
            "carried_by": self.carriers,
            "rule": {"name": rule.name, "why": rule.why} if rule else None,
            "overrides": [rule.name] if rule and force else [],
        }

    def look(self) -> Iterator[Sight]:
        """Each sight as it is before the change."""
        for sight in self.sights:
            sight.take(sight.look(), 0.0)
            yield sight


def scene_of(
    accesses: Accesses, target: Region, others: Sequence[Region], ledger: Ledger | None, timeout_s: float, *, out: bool
) -> Scene:
    """Look at a region's switch, and, if it is to be taken out, at how the others are. Raises CncbopsError."""
    access = accesses.of(target.name)
    watched = _watched(accesses, target, timeout_s)
    client = access.aws.lambda_(read_timeout_s=ANSWER_S)
    change = change_of(read_switch(client, _check_function(target.name, watched)), out=out, ledger=ledger)
    judged = _judged(accesses, others, timeout_s) if out else []
    rule = broken_rule(target.name, judged) if out and change.is_needed else None
    return Scene(
        region=target.name,
        client=client,
        change=change,
        sights=sights_of(access, watched, out=out),
        others=judged,
        rule=rule,
        rival=_under_way(change.switch, ledger),
        earlier=unfinished(change, ledger),
    )


def _under_way(switch: Switch, ledger: Ledger | None) -> Run | None:
    return next((run for run in acts_on(switch, ledger) if ledger and ledger.is_active(run)), None)


def failover_region(region: Region, stage: Stage | None) -> Region:
    """A region of which no more is asked than its switch and what hangs on it: its first check is the switched one."""
    return replace(region, looks=stage.looks_for_failover()) if stage else region


def _watched(accesses: Accesses, target: Region, timeout_s: float) -> Watched:
    """The names of a region, first those that its stacks tell. Raises CannotRun where they do not answer."""
    found = Rounds(accesses, [replace(target, known=Watched())], (), timeout_s).run()
    for row in found.rows:
        what = f"{row.finding.subject} cannot be looked up in {target.name}: {row.finding.why}"
        raise CannotRun(what, "Name what is switched there without it: --check-function, --check, --health-check")
    return found.watched[target.name] | target.known


def _check_function(region: str, watched: Watched) -> str:
    functions = watched.check_functions
    if len(functions) != 1:
        told = (
            f"{len(functions)} check functions of {region} are named"
            if functions
            else f"nothing names the check function of {region}"
        )
        raise BadInput(told, _NAME_IT)
    return functions[0]


_NAME_IT = "Name it with --check-function, as check_functions in cncbops.toml, or by --stage"


def _judged(accesses: Accesses, others: Sequence[Region], timeout_s: float) -> list[Other]:
    found = Rounds(accesses, others, (*probes_for(executes=False), SWITCH), timeout_s).run()
    return [other_of(other.name, found.rows) for other in others]
