"""A table of entries that begin with digests, sorted, and some dozens of them in a row.

A row for each of them takes SQLite a microsecond and more to put down, and several times as long where it finds its
place among millions. So those that come at once are a generation of rows of their own; of generations that are about
as large one is made when there are many.
"""

import sqlite3
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from functools import reduce
from itertools import pairwise

from cncbops.faults.identity import DIGEST_BYTES
from cncbops.native import hot

_ROW_BYTES = 2000
"""Of a row's entries: two of them fit in a page of 4 KB, and they are soon looked through."""
_PORTION_BYTES = 4 * 1024 * 1024
"""Of entries that are merged at a time."""
_BEGINNING_BYTES, _BEGINNINGS = 5, 1 << 40
"""Of a digest in its row's number, below the generation."""


class DigestTable:
    """Entries of `size` bytes in a `table` of (number INTEGER PRIMARY KEY, entries BLOB).

    Of those that have their first `told_by` bytes in common the greatest counts: of generations together it alone is
    there. A row holds those that begin with its number or a greater one, and with less than that of the generation's
    next row.
    """

    def __init__(self, connection: sqlite3.Connection, table: str, size: int, told_by: int) -> None:
        self._connection, self._table, self.size, self._told_by = connection, table, size, told_by
        self._find = (
            f"SELECT entries FROM {table} WHERE number <= ? AND number >= ? "  # noqa: S608  ours
            "ORDER BY number DESC LIMIT 1"
        )

    def put(self, generation: int, entries: bytes) -> None:
        """Put sorted entries down, behind those of their generation that there are."""
        rows = (
            (generation * _BEGINNINGS + _beginning(entries, start), entries[start:end])
            for start, end in pairwise([*self._starts(entries), len(entries)])
        )
        self._connection.executemany(f"INSERT INTO {self._table} VALUES (?, ?)", rows)  # noqa: S608  ours

    def of(self, generation: int, digests: Iterable[bytes]) -> Iterator[bytes]:
        """The entries of these digests, by digests."""
        entries = last = b""
        for digest in sorted(set(digests)):
            if digest > last:
                entries = self._row_of(generation, digest)
                last = entries[-self.size :][:DIGEST_BYTES]
            yield from self._of(digest, entries)

    def together(self, generations: Sequence[int], n_entries: int) -> Iterator[bytes]:
        """The entries of generations that count, sorted, some megabytes at a time, where they are so many."""
        portions = -(-n_entries * self.size // _PORTION_BYTES)
        bounds = [at * _BEGINNINGS // portions for at in range(portions + 1)] if portions else []
        for start, end in pairwise(bounds):
            yield reduce(self.merged, (self._between(generation, start, end) for generation in generations), b"")

    def drop(self, generation: int) -> None:
        """Take a generation away."""
        span = (generation * _BEGINNINGS, (generation + 1) * _BEGINNINGS)
        self._connection.execute(f"DELETE FROM {self._table} WHERE number >= ? AND number < ?", span)  # noqa: S608  ours

    def merged(self, some: bytes, others: bytes) -> bytes:
        """Sorted entries of both: of those that are told by the same bytes, the greatest."""
        if hot:
            return hot.merged_entries(some, others, self.size, self._told_by)
        both = {entry[: self._told_by]: entry for entry in sorted([*self._apart(some), *self._apart(others)])}
        return b"".join(both.values())

    def _starts(self, entries: bytes) -> list[int]:
        """Where rows of entries begin: about as long as each other, and none amid those that begin alike."""
        n_entries, n_rows = len(entries) // self.size, -(-len(entries) // (_ROW_BYTES // self.size * self.size))
        starts = (self._first_alike(entries, row * n_entries // n_rows) for row in range(n_rows))
        return list(dict.fromkeys(starts))

    def _first_alike(self, entries: bytes, at: int) -> int:
        """Where the first of the entries is that begin as one does, which nearly always is that one."""
        here, beginning = at * self.size, _beginning(entries, at * self.size)
        is_first = not here or _beginning(entries, here - self.size) < beginning
        return here if is_first else self._place(entries, beginning)

    def _place(self, entries: bytes, beginning: int) -> int:
        """Where those entries end that begin before this."""
        places = range(0, len(entries), self.size)
        return bisect_left(places, beginning, key=lambda at: _beginning(entries, at)) * self.size

    def _row_of(self, generation: int, digest: bytes) -> bytes:
        """The row that holds what begins as a digest does, if there is one."""
        base = generation * _BEGINNINGS
        found: tuple[bytes] | None = self._connection.execute(self._find, (base + _beginning(digest), base)).fetchone()
        return found[0] if found else b""

    def _of(self, digest: bytes, entries: bytes) -> Iterator[bytes]:
        at = entries.find(digest)
        while at > 0 and at % self.size:  # amid an entry
            at = entries.find(digest, at + 1)
        while at >= 0 and entries.startswith(digest, at):
            yield entries[at : at + self.size]
            at += self.size

    def _between(self, generation: int, start: int, end: int) -> bytes:
        """The entries of a generation that begin with `start` or behind, and before `end`."""
        base = generation * _BEGINNINGS
        query = (
            f"SELECT entries FROM {self._table} WHERE number >= "  # noqa: S608  ours
            f"(SELECT coalesce(max(number), ?1) FROM {self._table} WHERE number BETWEEN ?2 AND ?1) AND number < ?3"
        )
        rows = self._connection.execute(query, (base + start, base, base + end))
        entries = b"".join(entries for (entries,) in rows)
        return entries[self._place(entries, start) : self._place(entries, end)]

    def _apart(self, entries: bytes) -> Iterator[bytes]:
        return (entries[at : at + self.size] for at in range(0, len(entries), self.size))


def _beginning(entries: bytes, at: int = 0) -> int:
    return int.from_bytes(entries[at : at + _BEGINNING_BYTES])
