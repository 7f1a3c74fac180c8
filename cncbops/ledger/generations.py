"""Generations of what was delivered: one for what is sorted in at a time, and one of many that are about as large.

So what is sorted in is written once, and once more each time that all of it has become eight times as much, as long
as that takes no more than seconds.
"""

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from typing import NamedTuple

from cncbops.ledger.digest_table import DigestTable
from cncbops.ledger.sorted_in import sorted_faults, sorted_records
from cncbops.native import hot

_MOST_ALIKE = 8
"""Generations of a size: each that there is has to be asked."""
_MOST_ENTRIES = 1_000_000
"""Of a generation that is made of others, which takes a second, while others wait that write to the ledger."""
_BITS_BYTES = 2
"""For each digest: of those that are not there, one in seventy has its bits from others."""


class Portions(NamedTuple):
    """Sorted entries, of no more than `most_bytes` in all, portion after portion, each behind the one before."""

    entries: Iterable[bytes]
    most_bytes: int


class _Size(NamedTuple):
    """Of a generation, in entries."""

    number: int
    faults: int
    records: int

    @property
    def entries(self) -> int:
        """Of both kinds."""
        return self.faults + self.records

    @property
    def magnitude(self) -> int:
        """The same for those that have about as many: each is eight times the one before."""
        return self.entries.bit_length() // 3


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


def merge_generations(connection: sqlite3.Connection, writing: Callable[[], AbstractContextManager[None]]) -> None:
    """Make one of many that are about as large, each time in a transaction of its own, which `writing` is."""
    is_merged = True
    while is_merged:
        with writing():
            is_merged = _merge_some(connection)


def _merge_some(connection: sqlite3.Connection) -> bool:
    alike = _many_alike(connection)
    if alike:
        _merge(connection, alike)
    return bool(alike)


def _merge(connection: sqlite3.Connection, alike: Sequence[_Size]) -> None:
    numbers = [size.number for size in alike]
    faults, records = sum(size.faults for size in alike), sum(size.records for size in alike)
    add_generation(
        connection,
        _together(sorted_faults(connection), numbers, faults),
        _together(sorted_records(connection), numbers, records),
    )
    for number in numbers:
        _drop(connection, number)


def _together(table: DigestTable, numbers: Sequence[int], n_entries: int) -> Portions:
    return Portions(table.together(numbers, n_entries), n_entries * table.size)


def _put(table: DigestTable, generation: int, portions: Portions) -> tuple[int, bytes]:
    """How many entries are put down, and the bits of their digests."""
    most = max(portions.most_bytes // table.size, 1)
    count, bits = 0, bytearray(_BITS_BYTES * most if hot else 0)
    for entries in portions.entries:
        table.put(generation, entries)
        count += len(entries) // table.size
        if hot:
            hot.mark_digests(bits, entries, table.size)
    return count, bytes(bits)


def _many_alike(connection: sqlite3.Connection) -> Sequence[_Size]:
    """Generations that are about as large, if there are too many, and all of them are not too large."""
    alike: dict[int, list[_Size]] = {}
    for row in connection.execute("SELECT number, faults, records FROM generations ORDER BY faults + records"):
        size = _Size(*row)
        alike.setdefault(size.magnitude, []).append(size)
    many = (sizes[:_MOST_ALIKE] for sizes in alike.values() if len(sizes) >= _MOST_ALIKE)
    return next((sizes for sizes in many if sum(size.entries for size in sizes) <= _MOST_ENTRIES), ())


def _drop(connection: sqlite3.Connection, number: int) -> None:
    for table in (sorted_faults(connection), sorted_records(connection)):
        table.drop(number)
    connection.execute("DELETE FROM generations WHERE number = ?", (number,))
