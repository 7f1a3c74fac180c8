"""What is remembered of faults that were sent: by earlier runs, and in this session."""

import sqlite3
from collections.abc import Sequence
from typing import Protocol

from cncbops.errors import CannotRun


class Memory(Protocol):
    """What the ledger remembers for ever of faults that were delivered."""

    def sent_by(self, fault: bytes) -> int | None:
        """The number of the run that delivered a fault last; None if none did."""

    def sent_ms(self, records: Sequence[bytes]) -> list[int | None]:
        """Of each record, when the last run began that delivered it; None if none did."""


class NoMemory:
    """Where there is no ledger yet."""

    def sent_by(self, _fault: bytes) -> int | None:
        """Nothing was sent."""
        return None

    def sent_ms(self, records: Sequence[bytes]) -> list[int | None]:
        """Nothing was sent."""
        return [None] * len(records)


class Seen:
    """The faults, and their records, that a session came to, each told once; on disk beyond SQLite's cache."""

    def __init__(self) -> None:
        self._connection = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._connection.execute("PRAGMA journal_mode = OFF")
        self._connection.execute("PRAGMA synchronous = OFF")
        self._connection.execute("CREATE TABLE seen (digest BLOB PRIMARY KEY) WITHOUT ROWID")

    def add(self, digest: bytes) -> bool:
        """Whether it is met for the first time. Raises CannotRun where that cannot be kept."""
        try:
            return self._connection.execute("INSERT OR IGNORE INTO seen VALUES (?)", (digest,)).rowcount > 0
        except sqlite3.Error as error:
            what = f"faults that were met cannot be noted in the temporary folder: {error}"
            raise CannotRun(what, "Make room, or set TMPDIR to another folder") from error
