"""What a session notes down for itself, on disk beyond what memory shall hold."""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from cncbops.errors import CannotRun
from cncbops.session.digest import DIGEST_BYTES
from cncbops.session.packs import EACH, ENTRIES, IS_IN, packs, prepare

_KEEP = f"INSERT INTO told SELECT {EACH}, ?2 FROM {ENTRIES} WHERE {IS_IN}"  # noqa: S608  constants
_FIND = f"SELECT told.* FROM {ENTRIES} CROSS JOIN told ON digest = {EACH} WHERE {IS_IN}"  # noqa: S608


def scratch() -> sqlite3.Connection:
    """A database of this process alone: its file, 0600 in the temporary folder, has no name any more."""
    connection = sqlite3.connect("", isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA journal_mode = OFF")
    connection.execute("PRAGMA synchronous = OFF")
    return connection


@contextmanager
def noting() -> Iterator[None]:
    """Raises CannotRun for what SQLite makes of noting something down."""
    try:
        yield
    except sqlite3.Error as error:
        what = f"what was met cannot be noted in the temporary folder: {error}"
        raise CannotRun(what, "Make room, or set TMPDIR to another folder") from error


@contextmanager
def at_one_go(connection: sqlite3.Connection) -> Iterator[None]:
    """Have what the body writes written together: a scratch database is no other process's, and is not rolled back."""
    connection.execute("BEGIN")
    yield
    connection.execute("COMMIT")


class Kept:
    """Digests, of DIGEST_BYTES, with the numbers that were told of them, if any were: on disk."""

    def __init__(self) -> None:
        self._connection = _digests()

    def of(self, digests: Sequence[bytes]) -> dict[bytes, int | None]:
        """What is there of these."""
        known: dict[bytes, int | None] = {}
        for pack in packs(b"".join(sorted(digests))):
            known.update(self._connection.execute(_FIND, (pack,)))
        return known

    def add(self, alike: Iterable[tuple[int | None, bytes]]) -> None:
        """Bring there what is told of digests that are not; those of one number end to end, best in their order."""
        with at_one_go(self._connection):
            for number, digests in alike:
                if len(digests) == DIGEST_BYTES:
                    self._connection.execute("INSERT INTO told VALUES (?, ?)", (digests, number))
                else:
                    self._connection.executemany(_KEEP, ((pack, number) for pack in packs(digests)))


def _digests() -> sqlite3.Connection:
    connection = scratch()
    connection.execute("CREATE TABLE told (digest BLOB PRIMARY KEY, value) WITHOUT ROWID")
    prepare(connection)
    return connection
