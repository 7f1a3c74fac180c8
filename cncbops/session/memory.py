"""What is remembered of faults that were sent: by earlier runs, and in this session."""

import sqlite3
from collections.abc import Sequence
from typing import Protocol

from cncbops.errors import CannotRun


class Memory(Protocol):
    """What the ledger remembers for ever of faults that were delivered."""

    def sent_by(self, fault: bytes) -> int | None:
        """The number of the run that delivered a fault last; None if none did."""

    def last_sent_ms(self, records: Sequence[bytes]) -> int | None:
        """When the last run began that delivered one of these records; None if none did."""

    def sent_for_another(self, records: Sequence[bytes], pipeline: str, since_ms: int) -> bool:
        """Whether runs that began since then delivered all of these records for faults of other pipelines.

        Each pipeline raises a fault of its own for a record, and the function runs all of them again.
        """


class NoMemory:
    """Where there is no ledger yet."""

    def sent_by(self, _fault: bytes) -> int | None:
        """Nothing was sent."""
        return None

    def last_sent_ms(self, _records: Sequence[bytes]) -> int | None:
        """Nothing was sent."""
        return None

    def sent_for_another(self, _records: Sequence[bytes], _pipeline: str, _since_ms: int) -> bool:
        """Nothing was sent."""
        return False


class Seen:
    """The faults, and their records, that a session came to, each told once; on disk beyond SQLite's cache."""

    def __init__(self) -> None:
        self._connection = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._connection.execute("PRAGMA journal_mode = OFF")
        self._connection.execute("PRAGMA synchronous = OFF")
        self._connection.execute("CREATE TABLE seen (digest BLOB PRIMARY KEY, pipeline TEXT) WITHOUT ROWID")

    def for_another(self, record: bytes, pipeline: str) -> bool:
        """Whether a record was met first for another pipeline. Raises CannotRun."""
        self._put(record, pipeline)
        (first,) = self._execute("SELECT pipeline FROM seen WHERE digest = ?", record).fetchone()
        return bool(first != pipeline)

    def add(self, digest: bytes) -> bool:
        """Whether it is met for the first time. Raises CannotRun where that cannot be kept."""
        return self._put(digest, None)

    def _put(self, digest: bytes, pipeline: str | None) -> bool:
        return self._execute("INSERT OR IGNORE INTO seen VALUES (?, ?)", digest, pipeline).rowcount > 0

    def _execute(self, statement: str, *values: object) -> sqlite3.Cursor:
        try:
            return self._connection.execute(statement, values)
        except sqlite3.Error as error:
            what = f"faults that were met cannot be noted in the temporary folder: {error}"
            raise CannotRun(what, "Make room, or set TMPDIR to another folder") from error
