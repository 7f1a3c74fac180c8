"""What a resubmit is told of other runs that may send the same faults, or had some under way when they were killed."""

from collections.abc import Iterator
from typing import NamedTuple

from cncbops.errors import CannotRun
from cncbops.ledger.ledger import Ledger
from cncbops.ledger.rows import Run
from cncbops.reports.going_on import taken_up_again
from cncbops.session.in_doubt import most_in_flight
from cncbops.session.means import Means
from cncbops.session.of_report import redriven_in_doubt, redriven_now
from cncbops.session.resubmitting import beside, killed, likeness_here, under_way


class OtherRuns(NamedTuple):
    """Those over the same sources that were `killed`, and those whose reports are read and whose redrives were.

    The latter are `redriven`. Those `beside` are sending from other sources right now.
    """

    killed: list[Run]
    redriven: list[Run]
    beside: list[Run]

    @classmethod
    def of(cls, ledger: Ledger, means: Means) -> "OtherRuns":
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
            resume = taken_up_again(run, None, None)
            yield f"Run {run.run_id} over these sources {_was_killed(run)}; `{resume}` goes on with it."
        for run in self.redriven:
            redrive = taken_up_again(run, ("failed",), None)
            of = f"A redrive of run {run.run_id}, whose report is read,"
            yield f"{of} {_was_killed(run)}; `{redrive}` goes over them."
        for run in self.beside:
            yield f"Run {run.run_id} is sending faults of other sources: one that is in both may be sent by both."


def _was_killed(run: Run) -> str:
    most = most_in_flight(run)
    return f"was killed, or left at once: up to {most:,} records that were under way may arrive twice"


def require_alone(ledger: Ledger, means: Means) -> None:
    """Raise CannotRun if another run is sending what is in the same sources: both would send the same."""
    for run in redriven_now(ledger, means.request):
        what = f"run {run.run_id}, whose report is read, is being redriven"
        raise CannotRun(what, f"Wait for it, or stop it by `{run.to_type('stop')}`")
    for run in under_way(ledger, likeness_here(means.request, means.aws)):
        what = f"run {run.run_id} is sending faults of the same sources"
        raise CannotRun(what, f"Wait for it, or stop it by `{run.to_type('stop')}`")
