"""Where a run's counts and failures go as they happen: the tally, the ledger, and the first few."""

from collections.abc import Iterable

from cncbops.delivery.outcome import Outcome
from cncbops.ledger import Ledger
from cncbops.tally import Failure, Tally, failures_of

FAILURES_SHOWN = 20


class Journal:
    """One run's tally, and its failures: all to the ledger, the first few kept for the summary."""

    def __init__(self, ledger: Ledger) -> None:
        self.tally = Tally()
        self.first_failures: list[Failure] = []
        self._ledger = ledger

    def take(self, outcome: Outcome) -> None:
        """Take down what became of a batch."""
        self.tally.count_outcome(outcome)
        self.note(failures_of(outcome))

    def note(self, failures: Iterable[Failure]) -> None:
        """Take down failures; their counts are the caller's."""
        for failure in failures:
            if len(self.first_failures) < FAILURES_SHOWN:
                self.first_failures.append(failure)
            self._ledger.note(failure)
