"""The objects that runs have listed, to be asked about by the million."""

import os
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from cncbops.lake.objects import LakeObject
from cncbops.ledger.database import guarded

Known = Literal["same", "changed"]


class Listed:
    """What some runs of a ledger have listed when this is made. Every method raises CannotRun where the file fails it.

    Copied to SQLite's temporary store: no reader is open meanwhile that would keep the write-ahead log from being cut.
    """

    def __init__(self, connection: sqlite3.Connection, path: Path, runs: Sequence[int]) -> None:
        self._connection, self._path = connection, path
        with guarded(path):
            connection.execute("DROP TABLE IF EXISTS temp.listed")
            connection.execute(
                "CREATE TEMP TABLE listed (bucket TEXT, key BLOB, etag TEXT, PRIMARY KEY (bucket, key, etag)) "
                "WITHOUT ROWID"
            )
            for run in runs:
                connection.execute(
                    "INSERT OR IGNORE INTO listed SELECT bucket, key, etag FROM objects WHERE run = ? ORDER BY 1, 2",
                    (run,),
                )

    def has_all_of(self, run: int) -> bool:
        """Whether every object was listed, as it is, of which another run chose something."""
        query = (
            "SELECT NOT EXISTS (SELECT 1 FROM objects o WHERE run = ? AND matched AND NOT EXISTS "
            "(SELECT 1 FROM temp.listed l WHERE l.bucket = o.bucket AND l.key = o.key AND l.etag = o.etag))"
        )
        with guarded(self._path):
            ((has_all,),) = self._connection.execute(query, (run,)).fetchall()
        return bool(has_all)

    def knows(self, found: LakeObject) -> Known | None:
        """Whether an object was listed: as it is, or as it was."""
        with guarded(self._path):
            rows = self._connection.execute(
                "SELECT etag FROM listed WHERE bucket = ? AND key = ?", (found.bucket, os.fsencode(found.key))
            ).fetchall()
        if not rows:
            return None
        return "same" if any(etag == found.etag for (etag,) in rows) else "changed"
