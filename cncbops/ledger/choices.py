"""Which events a run sends, where that hangs on others: written down as it is found out, for later sessions."""

import sqlite3
from collections.abc import Iterator, Sequence, Set
from pathlib import Path
from typing import Any

from cncbops.ledger.database import guarded
from cncbops.session.entry import ORDINAL_BITS, RESTARTED, object_number

_PAGE = 100
"""Rows at a time; each has up to some 50 KB."""


class Choices:
    """Reads them of one run. Every method raises CannotRun where the file fails it."""

    def __init__(self, connection: sqlite3.Connection, path: Path, run: int) -> None:
        self._connection, self._path, self._run = connection, path, run

    def claimed(self, without: Set[int] = frozenset()) -> Iterator[bytes]:
        """The ids of the events that were chosen (see `session.event_ids`), but of objects that are sent anew.

        Those are known to be, or about to be: the objects with the numbers in `without`.
        """
        query = (
            "SELECT c.place, c.claims FROM event_ids c JOIN objects o ON o.run = c.run AND o.number = c.place >> ? "
            "WHERE c.run = ? AND c.place > ? AND o.error IS NOT ? ORDER BY c.place LIMIT ?"
        )
        last = -1
        while page := self._rows(query, ORDINAL_BITS, self._run, last, RESTARTED, _PAGE):
            yield from (row["claims"] for row in page if object_number(row["place"]) not in without)
            last = page[-1]["place"]

    def picks(self, number: int) -> bytes | None:
        """Which events of an object are sent (see `session.picks`); None where nothing was picked of it."""
        rows = self._rows("SELECT bits FROM picks WHERE run = ? AND object = ?", self._run, number)
        return rows[0]["bits"] if rows else None

    def has_picked(self) -> bool:
        """Whether it was found out which events are sent."""
        return bool(self._rows("SELECT 1 FROM picks WHERE run = ? LIMIT 1", self._run))

    def _rows(self, query: str, *values: Any) -> Sequence[sqlite3.Row]:
        with guarded(self._path):
            return self._connection.execute(query, values).fetchall()
