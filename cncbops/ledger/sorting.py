"""Sorts in what was delivered lately of faults, so that it is found among all that ever was.

A digest is anywhere among millions: sorted, those that share a page are written at one go. They are sorted here, and
given to SQLite many in one value, which takes half the time that its own sorting of rows does.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from cncbops.faults.identity import DIGEST_BYTES, parted
from cncbops.native import hot
from cncbops.session.packs import ENTRIES, is_in, packs, part, prepare

_MOST_BYTES = 8 * 1024 * 1024
"""That are sorted at a time."""
_CAUSE_BYTES = 4
_FAULT_BYTES = DIGEST_BYTES + _CAUSE_BYTES
_RECORD_BYTES = DIGEST_BYTES + _CAUSE_BYTES + DIGEST_BYTES

_Cause = tuple[int, str | None, str | None]
"""Run, fingerprint and pipeline, as far as they matter."""

_Row = tuple[bytes, bytes, bytes]
"""The number of a cause, digests end to end, and others, as many for each of them or some to share one."""


class _Kind(NamedTuple):
    """What is sorted in of rows, by these `columns`: digests, others where there are, and what their cause is.

    `put` takes its rows from all entries of a pack, with their causes.
    """

    columns: str
    size: int
    put: str
    at_conflict: str = ""

    def statement(self, *, has_one_cause: bool) -> str:
        """What puts a pack down."""
        is_its = "1" if has_one_cause else f"id = {part(DIGEST_BYTES, _CAUSE_BYTES, self.size)}"
        source = f"FROM {ENTRIES} CROSS JOIN temp.causes ON {is_its} WHERE {is_in(self.size)}"
        return f"{self.put} {source} {self.at_conflict}"

    def entries_of(self, rows: Sequence[_Row]) -> bytes:
        """Of each digest an entry: with its cause and the one of the others that is as far in the row.

        By digests; those of the same in the order of their causes, which is that of their delivery.
        """
        has_others = self.size > _FAULT_BYTES
        if hot:
            return hot.sorted_entries(rows, has_others)
        return b"".join(sorted(entry for row in rows for entry in _entries_of(*row, has_others=has_others)))


def _entries_of(cause: bytes, digests: bytes, others: bytes, *, has_others: bool) -> Iterator[bytes]:
    each, other = parted(digests), parted(others)
    for at, digest in enumerate(each):
        yield digest + cause + (other[at * len(other) // len(each)] if has_others else b"")


_FAULTS = _Kind(
    "fault, x'', run, fingerprint, pipeline",
    _FAULT_BYTES,
    "INSERT INTO resubmitted (fault, run, fingerprint, pipeline) "
    f"SELECT {part(size=_FAULT_BYTES)}, run, fingerprint, pipeline",
    "ON CONFLICT DO UPDATE SET run = excluded.run, fingerprint = excluded.fingerprint",
)
_RECORDS = _Kind(
    "records, fault, run, NULL, NULL",
    _RECORD_BYTES,
    "INSERT OR IGNORE INTO resubmitted_records (record, run, fault) "
    f"SELECT {part(size=_RECORD_BYTES)}, run, {part(_FAULT_BYTES, size=_RECORD_BYTES)}",
)


def sort_in(connection: sqlite3.Connection, own: int | None) -> None:
    """Sort in what was delivered lately by `own`, and by runs of which no session is open, within a transaction.

    What a run delivers is to be new to it for as long as its session lasts, that reads again where a place was lost.
    """
    if runs := ",".join(str(run) for run in _to_sort_in(connection, own)):
        lately = f"resubmitted_lately WHERE run IN ({runs})"
        prepare(connection)
        connection.execute(
            "CREATE TEMP TABLE IF NOT EXISTS causes (id BLOB PRIMARY KEY, run, fingerprint, pipeline) WITHOUT ROWID"
        )
        for kind in (_FAULTS, _RECORDS):
            _sort(connection, lately, kind)
        connection.execute(f"DELETE FROM {lately}")  # noqa: S608  numbers


def _to_sort_in(connection: sqlite3.Connection, own: int | None) -> list[int]:
    """The runs that delivered something lately and are `own`, or whose last session has ended."""
    rows = connection.execute(
        "SELECT run FROM (SELECT DISTINCT run FROM resubmitted_lately) lately WHERE run IS ? OR "
        "(SELECT ended_ms FROM sessions WHERE sessions.run = lately.run ORDER BY number DESC LIMIT 1) IS NOT NULL",
        (own,),
    ).fetchall()
    return [run for (run,) in rows]


class _Causes:
    """Those of some rows, by their numbers. What a run delivers after another run has numbers behind that one's."""

    def __init__(self) -> None:
        self.numbered: list[tuple[bytes, int, str | None, str | None]] = []
        self._numbers: dict[_Cause, bytes] = {}
        self._run: int | None = None

    def number_of(self, cause: _Cause) -> bytes:
        run, *_ = cause
        if run != self._run:
            self._numbers, self._run = {}, run
        if cause not in self._numbers:
            self._numbers[cause] = len(self.numbered).to_bytes(_CAUSE_BYTES)
            self.numbered.append((self._numbers[cause], *cause))
        return self._numbers[cause]


def _sort(connection: sqlite3.Connection, lately: str, kind: _Kind) -> None:
    """Put down what was delivered lately, of one kind, some at a time."""
    causes, rows, size = _Causes(), list[_Row](), 0
    query = f"SELECT {kind.columns} FROM {lately} ORDER BY number"  # noqa: S608  numbers
    for digests, others, *cause in connection.execute(query):
        rows.append((causes.number_of(tuple(cause)), digests, others))
        size += len(digests) + len(others)
        if size >= _MOST_BYTES:
            _put(connection, kind, causes, rows)
            causes, rows, size = _Causes(), [], 0
    _put(connection, kind, causes, rows)


def _put(connection: sqlite3.Connection, kind: _Kind, causes: _Causes, rows: Sequence[_Row]) -> None:
    connection.execute("DELETE FROM temp.causes")
    connection.executemany("INSERT INTO temp.causes VALUES (?, ?, ?, ?)", causes.numbered)
    put = kind.statement(has_one_cause=len(causes.numbered) == 1)
    connection.executemany(put, ((pack,) for pack in packs(kind.entries_of(rows), kind.size)))
