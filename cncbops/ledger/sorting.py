"""Sorts in what was delivered lately of faults, so that it is found among all that ever was.

What comes at once is a generation of its own (see `ledger.generations`).
"""

import sqlite3
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from cncbops.faults.identity import parted
from cncbops.ledger.generations import Portions, add_generation
from cncbops.ledger.sorted_in import ORIGIN_BYTES
from cncbops.native import hot

_MOST_BYTES = 4 * 1024 * 1024
"""That are sorted at a time."""

_Origin = tuple[int, str | None, str | None]
"""Run, fingerprint and pipeline."""

_Row = tuple[bytes, bytes, bytes]
"""The number of an origin, digests end to end, and others, as many for each of them or some to share one."""


class _Rows(NamedTuple):
    """What was delivered, with the numbers of its origins: faults, and their records with the faults that held them."""

    faults: list[_Row]
    records: list[_Row]


def sort_in(connection: sqlite3.Connection, own: int | None) -> None:
    """Sort in what was delivered lately by `own`, and by runs of which no session is open, within a transaction.

    What a run delivers is to be new to it for as long as its session lasts, that reads again where a place was lost.
    """
    if runs := ",".join(str(run) for run in _to_sort_in(connection, own)):
        lately = f"resubmitted_lately WHERE run IN ({runs})"
        for rows in _portions(connection, lately):
            faults, records = entries_of(rows.faults), entries_of(rows.records, has_others=True)
            add_generation(connection, Portions([faults], len(faults)), Portions([records], len(records)))
        connection.execute(f"DELETE FROM {lately}")  # noqa: S608  numbers


def _to_sort_in(connection: sqlite3.Connection, own: int | None) -> list[int]:
    """The runs that delivered something lately and are `own`, or whose last session has ended."""
    rows = connection.execute(
        "SELECT run FROM (SELECT DISTINCT run FROM resubmitted_lately) lately WHERE run IS ? OR "
        "(SELECT ended_ms FROM sessions WHERE sessions.run = lately.run ORDER BY number DESC LIMIT 1) IS NOT NULL",
        (own,),
    ).fetchall()
    return [run for (run,) in rows]


def _portions(connection: sqlite3.Connection, lately: str) -> Iterator[_Rows]:
    """What was delivered lately, in that order, some at a time."""
    origins, rows, size = _Origins(connection), _Rows([], []), 0
    query = f"SELECT fault, records, run, fingerprint, pipeline FROM {lately} ORDER BY number"  # noqa: S608  numbers
    for faults, records, *origin in connection.execute(query):
        number = origins.number_of(tuple(origin))
        rows.faults.append((number, faults, b""))
        rows.records.append((number, records, faults))
        size += len(faults) + len(records)
        if size >= _MOST_BYTES:
            yield rows
            rows, size = _Rows([], []), 0
    if rows.faults:
        yield rows


class _Origins:
    """Those of deliveries, put down with their numbers. What a run delivers after another has greater numbers."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._numbers: dict[_Origin, bytes] = {}
        self._run: int | None = None

    def number_of(self, origin: _Origin) -> bytes:
        run, *_ = origin
        if run != self._run:
            self._numbers, self._run = {}, run
        if origin not in self._numbers:
            put = "INSERT INTO origins (run, fingerprint, pipeline) VALUES (?, ?, ?)"
            number = self._connection.execute(put, origin).lastrowid or 0
            self._numbers[origin] = number.to_bytes(ORIGIN_BYTES)
        return self._numbers[origin]


def entries_of(rows: Sequence[_Row], *, has_others: bool = False) -> bytes:
    """Of each digest an entry: with its origin and, if there are others, the one of them that is as far in the row.

    By digests; those of the same in the order of their origins, which is that of their delivery.
    """
    if hot:
        return hot.sorted_entries(rows, has_others)
    return b"".join(sorted(entry for row in rows for entry in _entries_of(*row, has_others=has_others)))


def _entries_of(origin: bytes, digests: bytes, others: bytes, *, has_others: bool) -> Iterator[bytes]:
    each, other = parted(digests), parted(others)
    for at, digest in enumerate(each):
        yield digest + origin + (other[at * len(other) // len(each)] if has_others else b"")
