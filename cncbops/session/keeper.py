"""What a run writes down as it goes, and for whom: the ledger, a plan's file, or nobody."""

from collections.abc import Collection, Iterable, Sequence
from typing import Protocol

from cncbops.delivery.outcome import Settled
from cncbops.session.entry import Entry
from cncbops.tally import Failure


class Keeper(Protocol):
    """Writes down what a session comes to. All of one call is kept, or nothing of it."""

    def write(
        self,
        entries: Collection[Entry],
        failures: Sequence[tuple[int, Failure]],
        settled: Sequence[Settled],
        claimed: Sequence[bytes],
    ) -> None:
        """Keep the objects that are new or changed, failures by their object's number, batches, and the ids of events.

        An object of which more was delivered, and nothing else is new, is not among the objects.
        Raises CannotRun if it cannot be kept.
        """

    def mend(self, failures: Sequence[tuple[int, int, int]]) -> None:
        """Keep that failures of earlier sessions, by object, line and part, came right otherwise. Raises CannotRun."""


class RunKeeper(Keeper, Protocol):
    """Writes a run down, which may pick what it sends before it sends anything."""

    def pick(self, picked: Iterable[tuple[Entry, bytes]], failures: Iterable[tuple[int, Failure]]) -> None:
        """Keep all objects that the run has, each with what is to be sent of it, before any of it is.

        That is a bit for each event that the selection chooses; no bytes where there is nothing. Raises CannotRun.
        """


class NoKeeper:
    """A dry-run's: keeps nothing."""

    def write(
        self,
        entries: Collection[Entry],
        failures: Sequence[tuple[int, Failure]],
        settled: Sequence[Settled],
        claimed: Sequence[bytes],
    ) -> None:
        """Do nothing."""

    def mend(self, failures: Sequence[tuple[int, int, int]]) -> None:
        """Do nothing."""

    def pick(self, picked: Iterable[tuple[Entry, bytes]], failures: Iterable[tuple[int, Failure]]) -> None:
        """Do nothing."""
