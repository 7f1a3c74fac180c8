"""Generations of what was delivered: one for what is sorted in at a time, and one of many that are about as large.

So what is sorted in is written once, and once more each time that all of it has become eight times as much.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from cncbops.ledger.digest_table import DigestTable
from cncbops.ledger.sorted_in import sorted_faults, sorted_records
from cncbops.native import hot

_MOST_ALIKE = 8
"""Generations of a size: each that there is has to be asked."""
_BITS_BYTES = 2
"""For each digest: of those that are not there, one in seventy has its bits from others."""


class Portions(NamedTuple):
    """Sorted entries, no more than `most` in all, portion after portion, each behind the one before."""

    entries: Iterable[bytes]
    most: int


class _Size(NamedTuple):
    """Of a generation, in entries."""

    number: int
    faults: int
    records: int

    @property
    def magnitude(self) -> int:
        """The same for those that have about as many: each is eight times the one before."""
        return (self.faults + self.records).bit_length() // 3


def add_generation(connection: sqlite3.Connection, faults: Portions, records: Portions) -> None:
    """Put a generation down, within a transaction."""
    begin = "INSERT INTO generations (faults, records, fault_bits, record_bits) VALUES (0, 0, x'', x'')"
    number = connection.execute(begin).lastrowid or 0
    n_faults, fault_bits = _put(sorted_faults(connection), number, faults)
    n_records, record_bits = _put(sorted_records(connection), number, records)
    connection.execute(
        "UPDATE generations SET faults = ?, records = ?, fault_bits = ?, record_bits = ? WHERE number = ?",
        (n_faults, n_records, fault_bits, record_bits, number),
    )


def merge_generations(connection: sqlite3.Connection) -> None:
    """Make one of those that are about as large, where they are many, within a transaction."""
    while alike := _many_alike(connection):
        numbers = [size.number for size in alike]
        faults, records = sum(size.faults for size in alike), sum(size.records for size in alike)
        add_generation(
            connection,
            Portions(sorted_faults(connection).together(numbers, faults), faults),
            Portions(sorted_records(connection).together(numbers, records), records),
        )
        for number in numbers:
            _drop(connection, number)


def _put(table: DigestTable, generation: int, portions: Portions) -> tuple[int, bytes]:
    """How many entries are put down, and the bits of their digests."""
    count, bits = 0, bytearray(_BITS_BYTES * max(portions.most, 1) if hot else 0)
    for portion in portions.entries:
        entries = table.merged(b"", portion)
        table.put(generation, entries)
        count += len(entries) // table.size
        if hot:
            hot.mark_digests(bits, entries, table.size)
    return count, bytes(bits)


def _many_alike(connection: sqlite3.Connection) -> Sequence[_Size]:
    """Generations that are about as large, if any are too many."""
    alike: dict[int, list[_Size]] = {}
    for row in connection.execute("SELECT number, faults, records FROM generations ORDER BY number").fetchall():
        size = _Size(*row)
        alike.setdefault(size.magnitude, []).append(size)
    return next((sizes for sizes in alike.values() if len(sizes) >= _MOST_ALIKE), ())


def _drop(connection: sqlite3.Connection, number: int) -> None:
    for table in (sorted_faults(connection), sorted_records(connection)):
        table.drop(number)
    connection.execute("DELETE FROM generations WHERE number = ?", (number,))
