"""What is known of one run's objects, and of the records in them that failed."""

import os
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from cncbops.kinesis.batching import Mark
from cncbops.lake.objects import LakeObject
from cncbops.lake.sources import printable
from cncbops.ledger.database import guarded
from cncbops.ledger.rows import Counts, KeptFailure, unpack
from cncbops.session.entry import LEFT_OUT, RESTARTED, Entry
from cncbops.session.progress import Progress
from cncbops.tally import Failure

_PAGE = 500
# An object that is in the run once more, as what it has become, counts as that alone.
_COUNTS = f"error IS NOT '{RESTARTED}'"
_IS_LEFT_OUT = f"(error IS '{LEFT_OUT}')"
_OPEN = f"({_COUNTS} AND NOT (ended AND delivered + failed + unknown = matched))"


class Known:
    """Reads it. Every method raises CannotRun where the file fails it."""

    def __init__(self, connection: sqlite3.Connection, path: Path, run: int) -> None:
        self._connection, self._path, self._run = connection, path, run

    def counts(self) -> Counts:
        """What a run's objects add up to."""
        totals = ", ".join(
            f"total({name})" for name in ("read", "matched", "malformed", "delivered", "failed", "unknown")
        )
        objects = f"count(*), total(NOT {_OPEN} AND error IS NULL), total(error IS NOT NULL), total({_IS_LEFT_OUT})"
        in_those = ("failed", "unknown", "(matched - delivered - failed - unknown)")
        left_out = ", ".join(f"total({fate} * {_IS_LEFT_OUT})" for fate in in_those)
        query = f"SELECT {objects}, {totals}, {left_out} FROM objects WHERE run = ? AND {_COUNTS}"  # noqa: S608
        (row,) = self._rows(query, self._run)
        return Counts(*map(int, row))

    def open_errors(self) -> dict[str | None, int]:
        """How many of a run's objects that are not done have which error; None: they have none."""
        query = f"SELECT error, count(*) FROM objects WHERE run = ? AND {_OPEN} GROUP BY error"  # noqa: S608
        return {row[0]: row[1] for row in self._rows(query, self._run)}

    def bytes_done(self) -> int:
        """The size as stored of a run's objects that are done."""
        (row,) = self._rows(f"SELECT total(size) FROM objects WHERE run = ? AND NOT {_OPEN}", self._run)  # noqa: S608
        return int(row[0])

    def entries(self, *, unfinished: bool = False) -> Iterator[Entry]:
        """A run's objects by number, or those that are not done; a page at a time."""
        where = f"AND {_OPEN}" if unfinished else ""
        query = f"SELECT * FROM objects WHERE run = ? AND number > ? {where} ORDER BY number LIMIT {_PAGE}"  # noqa: S608
        last = -1
        while page := self._rows(query, self._run, last):
            yield from map(_entry, page)
            last = page[-1]["number"]

    def keys(self) -> Iterator[tuple[int, bytes]]:
        """Source number and key of each object of the run, in listing order.

        Read from a copy, sorted, in SQLite's temporary store: no reader is open meanwhile that
        would keep the write-ahead log from being cut.
        """
        with guarded(self._path):
            self._connection.execute("DROP TABLE IF EXISTS temp.known")
            self._connection.execute(
                "CREATE TEMP TABLE known AS SELECT source, key FROM objects WHERE run = ? ORDER BY source, key",
                (self._run,),
            )
        last = 0
        while page := self._rows(f"SELECT rowid, * FROM known WHERE rowid > ? ORDER BY rowid LIMIT {_PAGE}", last):  # noqa: S608
            yield from ((row["source"], row["key"]) for row in page)
            last = page[-1]["rowid"]

    def failures(self, *, unmended: bool = False) -> Iterator[KeptFailure]:
        """A run's failures in lake order, or those that are not mended; a page at a time."""
        where = "AND mended_in IS NULL" if unmended else ""
        query = (
            "SELECT f.*, o.bucket, o.key FROM failures f JOIN objects o ON o.run = f.run AND o.number = f.object "  # noqa: S608
            f"WHERE f.run = ? AND (f.object, f.line, f.part) > (?, ?, ?) {where} "
            f"ORDER BY f.object, f.line, f.part LIMIT {_PAGE}"
        )
        last = (-1, 0, 0)
        while page := self._rows(query, self._run, *last):
            yield from map(_failure, page)
            last = (page[-1]["object"], page[-1]["line"], page[-1]["part"])

    def failures_of(self, number: int) -> list[Failure]:
        """The failures of one object of a run."""
        query = (
            "SELECT f.*, o.bucket, o.key FROM failures f JOIN objects o ON o.run = f.run AND o.number = f.object "
            "WHERE f.run = ? AND f.object = ? AND mended_in IS NULL ORDER BY f.line, f.part"
        )
        return [_failure(row).failure for row in self._rows(query, self._run, number)]

    def entry(self, number: int) -> Entry:
        """One object of a run."""
        (row,) = self._rows("SELECT * FROM objects WHERE run = ? AND number = ?", self._run, number)
        return _entry(row)

    def progress(self, lanes: int) -> Progress:
        """How far a run came."""
        marks = self._rows("SELECT * FROM lanes WHERE run = ?", self._run)
        beyond = self._rows("SELECT places FROM settled WHERE run = ?", self._run)
        (known,) = self._rows("SELECT coalesce(max(number), -1) FROM objects WHERE run = ?", self._run)
        (chosen,) = self._rows(f"SELECT total(matched) FROM objects WHERE run = ? AND {_COUNTS}", self._run)  # noqa: S608
        return Progress(
            lanes=lanes,
            marks={(row["session"], row["lane"]): Mark(row["upto"], frozenset(unpack(row["holes"]))) for row in marks},
            beyond=frozenset(place for row in beyond for place in unpack(row["places"])),
            next_number=known[0] + 1,
            chosen=int(chosen[0]),
        )

    def _rows(self, query: str, *values: Any) -> list[Any]:
        with guarded(self._path):
            return self._connection.execute(query, values).fetchall()


def _entry(row: sqlite3.Row) -> Entry:
    bucket, key = row["bucket"], os.fsdecode(row["key"])
    lake_object = LakeObject(
        uri=f"s3://{bucket}/{key}" if bucket else printable(key),
        bucket=bucket,
        key=key,
        size=row["size"],
        etag=row["etag"],
        last_modified=datetime.fromtimestamp(row["modified_ms"] / 1000, UTC),
        storage_class=row["storage_class"],
    )
    counts = ("read", "matched", "malformed", "delivered", "failed", "unknown", "error")
    told = {name: row[name] for name in counts}
    pulled = dict(orjson.loads(row["pulled"]))
    return Entry(row["number"], row["source"], lake_object, **told, ended=bool(row["ended"]), pulled_before=pulled)


def _failure(row: sqlite3.Row) -> KeptFailure:
    bucket, key = row["bucket"], os.fsdecode(row["key"])
    told = {name: row[name] for name in Failure.__struct_fields__ if name != "object"}
    failure = Failure(object=f"s3://{bucket}/{key}" if bucket else printable(key), **told)
    told_ms = row["told_ms"] if "told_ms" in row.keys() else None  # noqa: SIM118  a Row holds values
    return KeptFailure(row["object"], failure, row["session"], row["mended_in"], told_ms)
