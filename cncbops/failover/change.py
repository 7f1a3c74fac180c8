"""The change that takes a region out of service, or puts it back; and what it was before, as the ledger knows it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from cncbops.failover.switch import IN_SERVICE, OUT, VARIABLE, Switch
from cncbops.ledger.ledger import Ledger
from cncbops.ledger.rows import Run

TAKE_OUT, PUT_BACK = "failover out", "failover back"
"""The commands, as the ledger names them."""

_HIDDEN = "***"


@dataclass(frozen=True, slots=True)
class Change:
    """A switch and what it shall hold; `value` None takes the variable out."""

    switch: Switch
    out: bool
    value: str | None

    @property
    def is_needed(self) -> bool:
        """Whether the switch is not yet as it shall be: any value but `true` leaves the region in service."""
        return self.switch.is_out is not self.out

    def facts(self) -> dict[str, Any]:
        """The change as data; of the other variables names alone, as their values may be secrets."""
        before, after = self.switch.variables, self.switch.with_value(self.value)
        return {
            "function": self.switch.function,
            "variable": VARIABLE,
            "before": self.switch.value,
            "after": self.value if self.is_needed else self.switch.value,
            "needed": self.is_needed,
            "environment": {"before": _masked(before), "after": _masked(after if self.is_needed else before)},
        }


def change_of(switch: Switch, *, out: bool, ledger: Ledger | None) -> Change:
    """The change in a direction: out is `true`, back is what it was when it was taken out."""
    return Change(switch, out, OUT if out else value_before(switch, ledger))


def value_before(switch: Switch, ledger: Ledger | None) -> str | None:
    """What the variable held when the region was last taken out, None if it was not there.

    Where no ledger tells, it is what the book's template gives it.
    """
    for run in acts_on(switch, ledger):
        if run.command == TAKE_OUT and run.target.get("before", OUT) != OUT:
            before: str | None = run.target["before"]
            return before
    return IN_SERVICE


def acts_on(switch: Switch, ledger: Ledger | None) -> Iterator[Run]:
    """The failovers by a switch that the ledger knows of, the newest first."""
    for run in ledger.runs() if ledger else ():
        if run.command in (TAKE_OUT, PUT_BACK) and run.target.get("arn") == switch.arn:
            yield run


def unfinished(change: Change, ledger: Ledger | None) -> Run | None:
    """The failover that asked for what is so already, and was ended before all had turned; None if there is none."""
    newest = next(acts_on(change.switch, ledger), None)
    same = newest is not None and newest.command == (TAKE_OUT if change.out else PUT_BACK)
    return newest if newest and same and not change.is_needed and newest.status != "succeeded" else None


def _masked(variables: Mapping[str, str]) -> dict[str, str]:
    return {name: value if name == VARIABLE else _HIDDEN for name, value in sorted(variables.items())}
