"""What was delivered of faults and is sorted in: which run delivered a fault last, and all that delivered a record."""

import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from struct import Struct
from typing import NamedTuple

from cncbops.faults.identity import DIGEST_BYTES, parted
from cncbops.ledger.digest_table import DigestTable
from cncbops.native import hot

ORIGIN_BYTES = 4
_FAULT = Struct(f">{DIGEST_BYTES}sI")
_RECORD = Struct(f">{DIGEST_BYTES}sI{DIGEST_BYTES}s")
_ITS_ORIGIN = Struct(f">{DIGEST_BYTES}xI")


class Origin(NamedTuple):
    """What deliveries have in common: their run, with when it began, and the group and the pipeline of the faults."""

    run: int
    fingerprint: str
    pipeline: str | None
    started_ms: int


class Generation(NamedTuple):
    """What was sorted in at one time, with bits for each of its digests; without any bits all may be there."""

    number: int
    fault_bits: bytes
    record_bits: bytes


def sorted_faults(connection: sqlite3.Connection) -> DigestTable:
    """Each fault that was delivered: its digest, and the number of the origin of its last delivery."""
    return DigestTable(connection, "sorted_faults", _FAULT.size, DIGEST_BYTES)


def sorted_records(connection: sqlite3.Connection) -> DigestTable:
    """The records that were delivered: the digest, an origin's number, and the digest of the fault that held it."""
    return DigestTable(connection, "sorted_records", _RECORD.size, _RECORD.size)


class SortedIn:
    """As one connection finds it, at one moment for each question (see `database.at_one_moment`)."""

    def __init__(self, connection: sqlite3.Connection, known: dict[int, Generation]) -> None:
        """`known` are the generations that any thread has read, by their numbers: megabytes, where there are many."""
        self.connection, self._known = connection, known
        self._faults, self._records = sorted_faults(connection), sorted_records(connection)
        self._origins: dict[int, Origin] = {}

    def is_empty(self) -> bool:
        """Whether nothing is."""
        ((is_so,),) = self.connection.execute("SELECT NOT EXISTS (SELECT 1 FROM generations)").fetchall()
        return bool(is_so)

    def knows_any(self, faults: bytes, records: bytes) -> bool:
        """Whether one of these faults or records, which are end to end, was delivered."""
        return any(self._entries_of_faults(faults)) or any(self._entries_of_records(records))

    def faults(self, digests: bytes) -> dict[bytes, Origin]:
        """Those of these faults, which are end to end, that were delivered; with the origins of the last deliveries."""
        last: dict[bytes, int] = {}
        for digest, number in map(_FAULT.unpack, self._entries_of_faults(digests)):
            last[digest] = max(number, last.get(digest, number))
        return {digest: self._origin(number) for digest, number in last.items()}

    def records(self, digests: bytes) -> Iterator[tuple[bytes, Origin, bytes]]:
        """The deliveries of these records, which are end to end, each with the fault that held it."""
        for digest, number, fault in map(_RECORD.unpack, self._entries_of_records(digests)):
            yield digest, self._origin(number), fault

    def _entries_of_faults(self, digests: bytes) -> Iterator[bytes]:
        for generation in self._generations():
            yield from self._faults.of(generation.number, _possible(digests, generation.fault_bits))

    def _entries_of_records(self, digests: bytes) -> Iterator[bytes]:
        for generation in self._generations():
            yield from self._records.of(generation.number, _possible(digests, generation.record_bits))

    def counted(self, run: int) -> Mapping[str, int]:
        """How many faults a run delivered that none delivered later, by fingerprint."""
        groups: dict[int, str] = dict(
            self.connection.execute("SELECT number, fingerprint FROM origins WHERE run = ?", (run,)).fetchall()
        )
        ((n_faults,),) = self.connection.execute("SELECT coalesce(sum(faults), 0) FROM generations").fetchall()
        counted = Counter[str]()
        for entries in self._faults.together(self._numbers(), n_faults):
            origins = (number for (number,) in _ITS_ORIGIN.iter_unpack(entries))
            counted.update(groups[number] for number in origins if number in groups)
        return counted

    def _generations(self) -> list[Generation]:
        """Those that there are. One stays what it is until it is there no more, and no other has its number then."""
        numbers = self._numbers()
        for number in set(self._known).difference(numbers):
            self._known.pop(number, None)
        return [self._known.get(number) or self._read(number) for number in numbers]

    def _numbers(self) -> list[int]:
        return [number for (number,) in self.connection.execute("SELECT number FROM generations")]

    def _read(self, number: int) -> Generation:
        query = "SELECT number, fault_bits, record_bits FROM generations WHERE number = ?"
        self._known[number] = read = Generation(*self.connection.execute(query, (number,)).fetchone())
        return read

    def _origin(self, number: int) -> Origin:
        """Looked for once: it stays what it is."""
        if number not in self._origins:
            query = (
                "SELECT run, fingerprint, pipeline, started_ms FROM origins JOIN runs ON runs.id = run WHERE number = ?"
            )
            self._origins[number] = Origin(*self.connection.execute(query, (number,)).fetchone())
        return self._origins[number]


def _possible(digests: bytes, bits: bytes) -> Sequence[bytes]:
    """Those of these digests, which are end to end, that may be there, by a generation's bits."""
    if not (hot and bits):
        return parted(digests)
    starts = (at * DIGEST_BYTES for at in hot.marked_digests(bits, digests))
    return [digests[start : start + DIGEST_BYTES] for start in starts]
