"""Other runs that send the same as a resubmit, or a redrive, or may have sent it when they were killed."""

from collections.abc import Iterator
from typing import NamedTuple

from cncbops.errors import CannotRun
from cncbops.ledger.ledger import Ledger
from cncbops.ledger.rows import Run
from cncbops.reports.going_on import taken_up_again
from cncbops.session.in_doubt import most_in_flight
from cncbops.session.means import Means
from cncbops.session.of_report import redriven_in_doubt, redriven_now, resubmits_of
from cncbops.session.resubmitting import beside, killed, killed_among, likeness_here, under_way


class BesideResubmit(NamedTuple):
    """Those over the same sources that were `killed`, and those whose reports are read and whose redrives were.

    The latter are `redriven`. Those `beside` are sending from other sources right now.
    """

    killed: list[Run]
    redriven: list[Run]
    beside: list[Run]

    @classmethod
    def of(cls, ledger: Ledger, means: Means) -> "BesideResubmit":
        """Those of a resubmit from here."""
        alike = likeness_here(means.request, means.aws)
        return cls(killed(ledger, alike), redriven_in_doubt(ledger, means.request), beside(ledger, alike))

    @property
    def in_flight(self) -> int:
        """How many records may have arrived of which nothing is written down."""
        return sum(map(most_in_flight, [*self.killed, *self.redriven]))

    def warnings(self) -> Iterator[str]:
        """What is said of them."""
        for run in self.killed:
            yield _goes_on(f"Run {run.run_id} over these sources", run)
        for run in self.redriven:
            redrive = taken_up_again(run, ("failed",), None)
            of = f"A redrive of run {run.run_id}, whose report is read,"
            yield f"{of} {_was_killed(run)}; `{redrive}` goes over them."
        for run in self.beside:
            yield f"Run {run.run_id} is sending faults of other sources: one that is in both may be sent by both."


class BesideRedrive(NamedTuple):
    """The resubmits of a run's report: those that were `killed`, and those that are sending (`under_way`)."""

    killed: list[Run]
    under_way: list[Run]

    @classmethod
    def of(cls, ledger: Ledger, run: Run) -> "BesideRedrive":
        """Those of a run that is redriven."""
        resubmits = resubmits_of(ledger, run)
        return cls(killed_among(resubmits, ledger), [each for each in resubmits if ledger.is_active(each)])

    @property
    def in_flight(self) -> int:
        """How many records may have arrived of which nothing is written down."""
        return sum(map(most_in_flight, self.killed))

    def warnings(self) -> Iterator[str]:
        """What is said of them."""
        for run in self.killed:
            yield _goes_on(f"Run {run.run_id}, a resubmit of this run's report,", run)

    def require_none(self) -> None:
        """Raise CannotRun if one is under way: both would send the same."""
        for run in self.under_way:
            raise _rival(run, f"run {run.run_id} is sending what failed, from the run's report")


def require_alone(ledger: Ledger, means: Means) -> None:
    """Raise CannotRun if another run is sending what is in the same sources: both would send the same."""
    for run in redriven_now(ledger, means.request):
        raise _rival(run, f"run {run.run_id}, whose report is read, is being redriven")
    for run in under_way(ledger, likeness_here(means.request, means.aws)):
        raise _rival(run, f"run {run.run_id} is sending faults of the same sources")


def _rival(run: Run, what: str) -> CannotRun:
    return CannotRun(what, f"Wait for it, or stop it by `{run.to_type('stop')}`")


def _goes_on(named: str, run: Run) -> str:
    return f"{named} {_was_killed(run)}; `{taken_up_again(run, None, None)}` goes on with it."


def _was_killed(run: Run) -> str:
    most = most_in_flight(run)
    return f"was killed, or left at once: up to {most:,} records that were under way may arrive twice"
