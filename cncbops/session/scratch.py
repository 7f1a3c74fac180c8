"""What a session notes down for itself, on disk beyond what memory shall hold."""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import groupby
from typing import Generic, TypeVar

from cncbops.errors import CannotRun
from cncbops.session.digest import DIGEST_BYTES
from cncbops.session.packs import EACH, ENTRIES, IS_IN, packs, prepare

Value = TypeVar("Value", str | None, int)

MOST_FRESH = 200_000

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


class Digests(Generic[Value]):
    """What was told first of each digest, of DIGEST_BYTES; on disk beyond some of them."""

    def __init__(self) -> None:
        self._fresh: dict[bytes, Value] = {}
        self._at_hand: Mapping[bytes, Value] = {}
        self._kept: Kept[Value] | None = None

    @contextmanager
    def at_hand(self, digests: Sequence[bytes]) -> Iterator[None]:
        """Have what is known of these at hand while the body asks. Raises CannotRun where nothing can be kept."""
        with noting():
            self._at_hand = self._kept.of(digests) if self._kept else {}
        yield
        self._at_hand = {}
        if len(self._fresh) >= MOST_FRESH:
            with noting():
                self._keep()

    def first(self, digest: bytes, value: Value) -> Value:
        """What was told first of a digest: this, if nothing was before."""
        if digest in self._at_hand:
            return self._at_hand[digest]
        return self._fresh.setdefault(digest, value)

    def _keep(self) -> None:
        """Bring to disk what is fresh: sorted, so that the pages of the table are written one after another."""
        self._kept = self._kept or Kept()
        alike = groupby(sorted(self._fresh), self._fresh.__getitem__)
        self._kept.add((value, b"".join(digests)) for value, digests in alike)
        self._fresh = {}


class Kept(Generic[Value]):
    """The part on disk of what was told of digests."""

    def __init__(self) -> None:
        self._connection = _digests()

    def of(self, digests: Sequence[bytes]) -> dict[bytes, Value]:
        """What is there of these."""
        known: dict[bytes, Value] = {}
        for pack in packs(b"".join(sorted(digests))):
            known.update(self._connection.execute(_FIND, (pack,)))
        return known

    def add(self, alike: Iterable[tuple[Value, bytes]]) -> None:
        """Bring there what is told of digests that are not; those of one value end to end, best in their order."""
        with at_one_go(self._connection):
            for value, digests in alike:
                if len(digests) == DIGEST_BYTES:
                    self._connection.execute("INSERT INTO told VALUES (?, ?)", (digests, value))
                else:
                    self._connection.executemany(_KEEP, ((pack, value) for pack in packs(digests)))


def _digests() -> sqlite3.Connection:
    connection = scratch()
    connection.execute("CREATE TABLE told (digest BLOB PRIMARY KEY, value) WITHOUT ROWID")
    prepare(connection)
    return connection
