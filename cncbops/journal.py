"""Where a run's counts and problems go as they happen: the tally, the ledger, and the first few."""

from collections.abc import Iterable

from cncbops.delivery.outcome import Outcome
from cncbops.ledger import Ledger
from cncbops.tally import Problem, Tally, problems_of

PROBLEMS_SHOWN = 20


class Journal:
    """One run's tally, and its problems: all to the ledger, the first few kept for the summary."""

    def __init__(self, ledger: Ledger) -> None:
        self.tally = Tally()
        self.first_problems: list[Problem] = []
        self._ledger = ledger

    def take(self, outcome: Outcome) -> None:
        """Take down what became of a batch."""
        self.tally.count_outcome(outcome)
        self.note(problems_of(outcome))

    def note(self, problems: Iterable[Problem]) -> None:
        """Take down problems; their counts are the caller's."""
        for problem in problems:
            if len(self.first_problems) < PROBLEMS_SHOWN:
                self.first_problems.append(problem)
            self._ledger.note(problem)
