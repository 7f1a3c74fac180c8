"""What the ledger remembers of faults whose units of work were delivered, so that each is sent once.

It is written down in the order in which it comes, with what else is settled, and sorted in when a session begins or
ends (see `ledger.sorting`): sorted in at once, a thousand faults would take a thousand pages, and the run most of its
time.
"""

import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from cncbops.faults.identity import parted
from cncbops.kinesis.record import Trace
from cncbops.ledger.database import FILE_NAME, at_one_moment, guarded, open_for_reading
from cncbops.ledger.sorted_in import Generation, SortedIn
from cncbops.session.memory import History

_NEWEST_BESIDE_OTHERS = (
    "SELECT CASE WHEN EXISTS (SELECT 1 FROM sessions WHERE ended_ms IS NULL AND (run < ?1 OR run > ?1)) "
    "THEN (SELECT max(number) FROM resubmitted_lately) END"
)
"""What a run delivered is sorted in where its session ends: only of open ones there can be something else."""

_Moments = dict[bytes, dict[str | None, int]]


class Resubmitted:
    """A Memory: read through a connection of each thread's own. Every method raises CannotRun where the file fails it.

    Beside the coordinator's connection: while a query is under way on that, no transaction can begin on it once another
    has written. And a process that was forked opens the file anew.
    """

    def __init__(self, folder: Path, own: int | None = None) -> None:
        """`own` is the run that asks: what it delivers from now on is for it to know."""
        self._folder, self._path = folder, folder / FILE_NAME
        self._asks, self._own = own, threading.local()
        self._opened: list[sqlite3.Connection] = []
        self._generations: dict[int, Generation] = {}
        self._lately = _Lately(own)

    def __reduce__(self) -> tuple[type["Resubmitted"], tuple[Path, int | None]]:
        """It may go to another process."""
        return Resubmitted, (self._folder, self._asks)

    def close(self) -> None:
        """Let the ledger go, in all threads of this process."""
        for connection in self._opened:
            connection.close()

    def is_empty(self) -> bool:
        """Whether it knows of no fault at all."""
        with self._caught_up() as sorted_in:
            return not self._lately.sent and sorted_in.is_empty()

    def knows_any(self, both: tuple[bytes, bytes]) -> bool:
        """Whether it knows one of these faults or of these records: the digests of either, end to end."""
        faults, records = both
        with self._caught_up() as sorted_in:
            if sorted_in.knows_any(faults, records):
                return True
        lately = self._lately
        return not (lately.sent.keys().isdisjoint(parted(faults)) and lately.moments.keys().isdisjoint(parted(records)))

    def sent_by(self, faults: Sequence[bytes]) -> Mapping[bytes, int]:
        """The number of the run that delivered a fault last, of each that one did."""
        with self._caught_up() as sorted_in:
            sent = {fault: origin.run for fault, origin in sorted_in.faults(b"".join(faults)).items()}
        lately = self._lately.sent
        return {**sent, **{fault: lately[fault] for fault in faults if fault in lately}} if lately else sent

    def history(self, records: Sequence[bytes]) -> History:
        """What is known of these records."""
        found: _Moments = {}
        with self._caught_up() as sorted_in:
            for record, origin, _ in sorted_in.records(b"".join(records)):
                _add(found, record, origin.pipeline, origin.started_ms)
        lately = self._lately.moments
        for record in records if lately else ():
            for pipeline, started_ms in lately.get(record, {}).items():
                _add(found, record, pipeline, started_ms)
        return History(found)

    @contextmanager
    def _caught_up(self) -> Iterator[SortedIn]:
        """What is sorted in, and what came lately taken in."""
        with self._snapshot() as sorted_in:
            self._lately.catch_up(sorted_in.connection)
            yield sorted_in

    @contextmanager
    def _snapshot(self) -> Iterator[SortedIn]:
        """What is sorted in, at one moment."""
        with guarded(self._path), at_one_moment(self._sorted_in.connection):
            yield self._sorted_in

    @property
    def _sorted_in(self) -> SortedIn:
        found: SortedIn | None = getattr(self._own, "sorted_in", None)
        if found is None:
            connection = open_for_reading(self._folder)
            assert connection
            found = self._own.sorted_in = SortedIn(connection, self._generations)
            self._opened.append(connection)
        return found

    def delivered_by_group(self, run: int) -> Mapping[str, int]:
        """How many faults of each group a run delivered, by fingerprint."""
        with self._snapshot() as sorted_in:
            return sorted_in.counted(run)

    def delivered_with(self, records: Iterable[bytes], run: int) -> Iterator[tuple[bytes, str]]:
        """The faults that a run delivered of which one of these records was a part, with their fingerprints."""
        with self._snapshot() as sorted_in:
            held_by = [fault for _, origin, fault in sorted_in.records(b"".join(records)) if origin.run == run]
            found = sorted_in.faults(b"".join(held_by))
        return ((fault, origin.fingerprint) for fault, origin in found.items() if origin.run == run)


class _Lately:
    """What other runs than one's own delivered, and nobody has sorted in when it is first looked at."""

    def __init__(self, own: int | None) -> None:
        self._own, self._upto = own, 0
        self._catching_up = threading.Lock()
        self.sent: dict[bytes, int] = {}
        self.moments: _Moments = {}

    def catch_up(self, connection: sqlite3.Connection) -> None:
        """Take in what has come since the last time."""
        with self._catching_up:
            ((newest,),) = connection.execute(_NEWEST_BESIDE_OTHERS, (self._own or 0,)).fetchall()
            if newest is None or newest <= self._upto:
                return
            rows = connection.execute(
                "SELECT l.run, l.fault, l.pipeline, l.records, runs.started_ms FROM resubmitted_lately l "
                "JOIN runs ON runs.id = l.run WHERE l.number > ? AND l.number <= ? AND l.run IS NOT ?",
                (self._upto, newest, self._own),
            ).fetchall()
            for run, faults, pipeline, records, started_ms in rows:
                self.sent.update(dict.fromkeys(parted(faults), run))
                for record in parted(records):
                    _add(self.moments, record, pipeline, started_ms)
            self._upto = newest


def _add(moments: _Moments, record: bytes, pipeline: str | None, started_ms: int) -> None:
    of_record = moments.setdefault(record, {})
    of_record[pipeline] = max(started_ms, of_record.get(pipeline, started_ms))


def remember(connection: sqlite3.Connection, run: int, traces: Sequence[Trace]) -> None:
    """Write down the faults that were delivered, within a transaction of the caller's."""
    if traces:
        connection.executemany(
            "INSERT INTO resubmitted_lately (run, fingerprint, pipeline, fault, records) VALUES (?, ?, ?, ?, ?)",
            [(run, *trace) for trace in traces],
        )
