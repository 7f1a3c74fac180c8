"""Which events a run sends, where that hangs on others: written down as it is found out, for later sessions."""

import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from cncbops.ledger.database import guarded
from cncbops.session.picks import Picked

_PAGE = 100
"""Rows at a time; each has up to some 50 KB."""


class Choices:
    """Reads them of one run. Every method raises CannotRun where the file fails it."""

    def __init__(self, connection: sqlite3.Connection, path: Path, run: int) -> None:
        self._connection, self._path, self._run = connection, path, run

    def claimed(self) -> Iterator[bytes]:
        """The ids of the events that were chosen (see `session.id_claims`)."""
        query = "SELECT place, claims FROM event_ids WHERE run = ? AND place > ? ORDER BY place LIMIT ?"
        last = -1
        while page := self._rows(query, self._run, last, _PAGE):
            yield from (row["claims"] for row in page)
            last = page[-1]["place"]

    def picked(self, number: int) -> Picked | None:
        """Which events of an object are sent; None where nothing was picked of it."""
        rows = self._rows("SELECT bits, broken FROM picks WHERE run = ? AND object = ?", self._run, number)
        return Picked(rows[0]["bits"], broken=rows[0]["broken"]) if rows else None

    def has_picked(self) -> bool:
        """Whether it was found out which events are sent."""
        return bool(self._rows("SELECT 1 FROM picks WHERE run = ? LIMIT 1", self._run))

    def _rows(self, query: str, *values: Any) -> Sequence[sqlite3.Row]:
        with guarded(self._path):
            return self._connection.execute(query, values).fetchall()
