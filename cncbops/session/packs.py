"""How SQLite is given many digests in one value, and takes them apart: it takes less time than as many values do."""

import sqlite3
from collections.abc import Iterator

from cncbops.faults.identity import DIGEST_BYTES

_AT_ONCE = 256

ENTRIES = "temp.entries"
"""The table of the numbers of those in a pack, to be joined by CROSS JOIN: SQLite would else begin at another."""
EACH = f"substr(?1, number * {DIGEST_BYTES} + 1, {DIGEST_BYTES})"
"""Each digest of the pack that is a statement's first value, in SQL."""
IS_IN = f"number < length(?1) / {DIGEST_BYTES}"
"""Which numbers there are in that pack, in SQL."""


def prepare(connection: sqlite3.Connection) -> None:
    """Make what packs are unpacked by, if it is not there."""
    connection.execute("CREATE TEMP TABLE IF NOT EXISTS entries (number INTEGER PRIMARY KEY)")
    connection.executemany(f"INSERT OR IGNORE INTO {ENTRIES} VALUES (?)", ((at,) for at in range(_AT_ONCE)))  # noqa: S608


def packs(digests: bytes) -> Iterator[bytes]:
    """Digests that are end to end, some at a time."""
    step = _AT_ONCE * DIGEST_BYTES
    return (digests[start : start + step] for start in range(0, len(digests), step))
