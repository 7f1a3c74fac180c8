"""Many objects in the order of their keys, on disk: as a tree of folders, and one by one.

AWS says of no order in which an inventory names keys, in a file or from one to the next. So rows are put down as
they come, and SQLite sorts them on disk, in bounded memory. Its database has no name: nothing is left of it and
nobody else can open it, however this process ends. It takes up to three times the bytes of all rows.
"""

import sqlite3
import threading
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from sys import intern

from cncbops.inventory.files import Row, no_room
from cncbops.lake.objects import LakeObject
from cncbops.lake.walk import Folder

CACHE_KIB = 16 * 1024
"""Memory of SQLite, of its sorter as well."""
_PAGE = 1_000
_STEPS = 1_000_000
"""Of SQLite, after which Python has a moment to hear signals: a sort may take minutes."""
_EPOCH = datetime.fromtimestamp(0, UTC)
_COLUMNS = "key TEXT PRIMARY KEY, size INTEGER, modified INTEGER, etag TEXT, class TEXT"


class SortedKeys:
    """The objects of a bucket that were put in. Several threads may ask at a time."""

    def __init__(self, bucket: str) -> None:
        self._bucket = bucket
        self._asking = threading.Lock()
        self._database = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._database.set_progress_handler(lambda: 0, _STEPS)
        self._do(
            f"PRAGMA cache_size = -{CACHE_KIB}",
            "PRAGMA temp_store = FILE",
            "PRAGMA journal_mode = OFF",
            "PRAGMA synchronous = OFF",
            f"CREATE TABLE object ({_COLUMNS}) WITHOUT ROWID",
        )

    def put(self, batches: Iterable[list[Row]]) -> None:
        """Take rows in, in any order; of two with one key the later modified.

        Raises CannotRun where there is no room; whatever ends it, nothing more can be asked then.
        """
        with self._asking:
            try:
                self._do("ATTACH '' AS heap", "PRAGMA heap.journal_mode = OFF", "PRAGMA heap.synchronous = OFF")
                self._do(f"CREATE TABLE heap.row ({_COLUMNS.replace(' PRIMARY KEY', '')})", "BEGIN")
                for batch in batches:
                    self._database.executemany("INSERT INTO heap.row VALUES (?, ?, ?, ?, ?)", batch)
                self._do("INSERT OR REPLACE INTO object SELECT * FROM heap.row ORDER BY key, modified", "COMMIT")
                self._do("DETACH heap")
            except sqlite3.OperationalError as error:
                raise no_room(error) from error

    def flat(self, folder: str) -> Iterator[LakeObject]:
        """All objects whose keys begin with `folder`, lazily and in key order."""
        rows = self._page(">=", folder)
        while rows:
            for row in rows:
                if not row[0].startswith(folder):
                    return
                yield self._object(row)
            rows = self._page(">", rows[-1][0])

    def level(self, folder: str) -> Iterator[LakeObject | Folder]:
        """Objects and folders directly in `folder`, lazily and in key order."""
        rows = self._page(">=", folder, 1)
        while rows and rows[0][0].startswith(folder):
            key = rows[0][0]
            name, slash, _ = key[len(folder) :].partition("/")
            if slash:
                path = f"{folder}{name}"
                yield Folder(f"{path}/", path.rpartition("/")[2])  # what is asked for may end in the midst of a name
                rows = self._page(">=", f"{path}{_AFTER_SLASH}", 1)
            else:
                yield self._object(rows[0])
                rows = self._page(">", key, 1)

    def _page(self, relation: str, key: str, most: int = _PAGE) -> list[Row]:
        with self._asking:
            asked = f"SELECT * FROM object WHERE key {relation} ? ORDER BY key LIMIT ?"  # noqa: S608  ours
            return self._database.execute(asked, (key, most)).fetchall()

    def _do(self, *statements: str) -> None:
        for statement in statements:
            self._database.execute(statement)

    def _object(self, row: Row) -> LakeObject:
        key, size, modified, etag, storage_class = row
        return LakeObject(
            uri=f"s3://{self._bucket}/{key}",
            bucket=self._bucket,
            key=key,
            size=size,
            etag=etag,
            last_modified=_EPOCH + timedelta(milliseconds=modified),
            storage_class=intern(storage_class),
        )


_AFTER_SLASH = chr(ord("/") + 1)
