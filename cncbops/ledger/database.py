"""The ledger's file: made, opened and guarded; SQLite's errors in words.

The file is 0600 and in WAL mode, so that readers and the writers of several processes get on. A new
one is made complete under another name and then put in place, so that a file that is empty or not
ours is always somebody's mistake and never taken for a new ledger.
"""

import os
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

from cncbops.errors import CannotRun
from cncbops.ledger.place import at_ledger
from cncbops.ledger.schema import APPLICATION_ID, STEPS, migrate, version
from cncbops.ledger.sorting import sort_in

FILE_NAME = "ledger.db"
BUSY_S = 60.0
"""How long one process waits for the others' transactions: milliseconds, or seconds where a large resubmit ends."""


def open_for_writing(folder: Path) -> sqlite3.Connection:
    """The ledger in a folder, made if there is none. Raises CannotRun."""
    path = folder / FILE_NAME
    with guarded(path):
        if not path.exists():
            _make(path)
        connection = _connect(path, "mode=rw")
        _require_ours(connection, path)
        if migrate(connection):
            with transaction(connection):
                sort_in(connection, None)  # what the steps have left to that
    return connection


def open_for_reading(folder: Path) -> sqlite3.Connection | None:
    """The ledger in a folder, which stays as it is, also an older one; None if there is none. Raises CannotRun."""
    path = folder / FILE_NAME
    with guarded(path):
        try:
            path.stat()
        except FileNotFoundError:
            return None
        connection = _reader(path)
        _require_ours(connection, path)
    return connection


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All of the body's changes or none of them; takes the right to write at once."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        with suppress(sqlite3.Error):  # where the failure has rolled it back already
            connection.execute("ROLLBACK")
        raise


@contextmanager
def at_one_moment(connection: sqlite3.Connection) -> Iterator[None]:
    """Have the body read what there is at one moment: to begin and to end a query of its own takes longer than most."""
    connection.execute("BEGIN")
    try:
        yield
    finally:
        if connection.in_transaction:  # SQLite ends it itself where the file fails it
            connection.execute("ROLLBACK")


@contextmanager
def guarded(path: Path) -> Iterator[None]:
    """Tell what the database or the file system refuses as CannotRun."""
    try:
        yield
    except sqlite3.Error as error:
        raise _explained(error, path) from error
    except OSError as error:
        what = f"cannot use the state directory {path.parent}: {error.strerror}"
        raise CannotRun(what, "Choose another with --state-dir") from error


def _reader(path: Path) -> sqlite3.Connection:
    """A connection to read with. It could write, and so takes away the files that SQLite puts beside the ledger.

    A ledger where nothing can be written is read as one that nobody else writes either.
    """
    try:
        connection = _connect(path, "mode=rw")
        connection.execute("PRAGMA user_version")
    except sqlite3.OperationalError as error:
        if _primary(error) not in _NOT_WRITABLE or Path(f"{path}-wal").exists():
            raise
        connection = _connect(path, "mode=ro&immutable=1")
    return connection


@contextmanager
def at_hand(folder: Path, patience_s: float) -> Iterator[sqlite3.Connection]:
    """The ledger in a folder for one statement, by who waits no longer for others than that. Raises sqlite3.Error."""
    with closing(_connect(folder / FILE_NAME, "mode=rw", patience_s)) as connection:
        yield connection


def _connect(path: Path, how: str, patience_s: float = BUSY_S) -> sqlite3.Connection:
    """A connection for one thread at a time, which need not be the one that opened it."""
    uri = f"file:{quote(os.fsencode(path.absolute()))}?{how}"
    connection = sqlite3.connect(uri, uri=True, timeout=patience_s, isolation_level=None, check_same_thread=False)
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA synchronous = NORMAL")
    # Some systems' SQLite has zeros written over all pages that become free: a third of what sorting in writes.
    connection.execute("PRAGMA secure_delete = FAST")
    return connection


def _make(path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=".ledger-", dir=path.parent)  # 0600
    os.close(descriptor)
    try:
        with closing(_connect(Path(name), "mode=rw")) as connection:
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            migrate(connection)
            connection.execute("PRAGMA journal_mode = WAL")  # last: a full disk would not be told at the close
        with suppress(FileExistsError):  # another process was first: theirs is as good
            os.link(name, path)
    finally:
        for suffix in ("", "-journal", "-wal", "-shm"):
            Path(name + suffix).unlink(missing_ok=True)


def _require_ours(connection: sqlite3.Connection, path: Path) -> None:
    if connection.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
        raise CannotRun(f"{path} is not a ledger of cncbops", "Move it away, or choose another --state-dir")
    if version(connection) > len(STEPS):
        raise CannotRun(f"the ledger {path} was made by a newer cncbops", "Install that version, or a newer one")


_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_NOT_WRITABLE = (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM)


def _explained(error: sqlite3.Error, path: Path) -> CannotRun:
    code = _primary(error)
    if code in _DAMAGED:
        return CannotRun(f"the ledger {path} is damaged: {error}", "Put a copy in its place, or move it away")
    if code in _NOT_WRITABLE:
        return CannotRun(f"the ledger {path} cannot be opened or written", "Check it, or choose another --state-dir")
    if code in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR):
        return CannotRun(
            f"the ledger {path} cannot be written: {error}",
            f"Make room; `cncbops runs ls{at_ledger(path.parent)}` tells what to resume",
        )
    if code == sqlite3.SQLITE_BUSY:
        return CannotRun(f"the ledger {path} is held by another process", "Try again when that is done")
    return CannotRun(f"the ledger {path} fails: {error}", "Run it again with -v to see the whole error")


def _primary(error: sqlite3.Error) -> int:
    """SQLite's primary error code, 0 where the module itself complains."""
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF
