"""What a run writes down as it goes, and for whom: the ledger, a plan's file, or nobody."""

from collections.abc import Collection, Sequence
from typing import Protocol

from cncbops.delivery.outcome import Settled
from cncbops.session.entry import Entry
from cncbops.tally import Failure


class Keeper(Protocol):
    """Writes a run down. All of one call is kept, or nothing of it."""

    def write(
        self, entries: Collection[Entry], failures: Sequence[tuple[int, Failure]], settled: Sequence[Settled]
    ) -> None:
        """Keep the objects that are new or changed, failures by their object's number, and batches.

        Raises CannotRun if it cannot be kept.
        """


class NoKeeper:
    """A dry-run's: keeps nothing."""

    def write(
        self, entries: Collection[Entry], failures: Sequence[tuple[int, Failure]], settled: Sequence[Settled]
    ) -> None:
        """Do nothing."""
