"""What the ledger remembers of faults whose units of work were delivered, so that each is sent once.

It is written down in the order in which it comes, with what else is settled, and sorted in when a session begins or
ends (see `ledger.sorting`): sorted in at once, a thousand faults would take a thousand pages, and the run most of its
time.
"""

import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from cncbops.faults.identity import parted
from cncbops.kinesis.record import Trace
from cncbops.ledger.database import FILE_NAME, guarded, open_for_reading
from cncbops.session.memory import History
from cncbops.session.packs import ENTRIES, is_in, packs, part, prepare

_SENT = f"SELECT fault, run FROM {ENTRIES} CROSS JOIN resubmitted ON fault = {part()} WHERE {is_in()}"  # noqa: S608  constants
_MOMENTS = (
    f"SELECT r.record, f.pipeline, runs.started_ms FROM {ENTRIES} "  # noqa: S608  constants
    f"CROSS JOIN resubmitted_records r ON r.record = {part()} "
    f"CROSS JOIN resubmitted f ON f.fault = r.fault CROSS JOIN runs ON runs.id = r.run WHERE {is_in()}"
)
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
        with guarded(self._path):
            self._lately.catch_up(self._connection)  # first: what is sorted in meanwhile is found below
            return not (self._lately.sent or self._is_any_sorted_in())

    def knows_any(self, both: tuple[bytes, bytes]) -> bool:
        """Whether it knows one of these faults or of these records: the digests of either, end to end."""
        faults, records = map(parted, both)
        return bool(self.sent_by(faults)) or self.history(records).knows_any

    def sent_by(self, faults: Sequence[bytes]) -> Mapping[bytes, int]:
        """The number of the run that delivered a fault last, of each that one did."""
        with guarded(self._path):
            self._lately.catch_up(self._connection)  # first: what is sorted in meanwhile is found below
            sent: dict[bytes, int] = {row[0]: row[1] for row in self._rows_of(_SENT, faults)}
        lately = self._lately.sent
        return {**sent, **{fault: lately[fault] for fault in faults if fault in lately}} if lately else sent

    def history(self, records: Sequence[bytes]) -> History:
        """What is known of these records."""
        found: _Moments = {}
        with guarded(self._path):
            self._lately.catch_up(self._connection)
            for record, pipeline, started_ms in self._rows_of(_MOMENTS, records):
                _add(found, record, pipeline, started_ms)
        lately = self._lately.moments
        for record in records if lately else ():
            for pipeline, started_ms in lately.get(record, {}).items():
                _add(found, record, pipeline, started_ms)
        return History(found)

    def _rows_of(self, query: str, digests: Sequence[bytes]) -> Iterator[sqlite3.Row]:
        if not self._is_any_sorted_in():  # as in a first resubmit, whose faults need not be looked for one by one
            return
        for pack in packs(b"".join(sorted(digests))):  # those that share a page one after another
            yield from self._connection.execute(query, (pack,)).fetchall()

    def _is_any_sorted_in(self) -> bool:
        ((is_any,),) = self._connection.execute("SELECT EXISTS (SELECT 1 FROM resubmitted)").fetchall()
        return bool(is_any)

    @property
    def _connection(self) -> sqlite3.Connection:
        found: sqlite3.Connection | None = getattr(self._own, "connection", None)
        if found is None:
            found = self._own.connection = open_for_reading(self._folder)
            assert found
            prepare(found)
            self._opened.append(found)
        return found

    def delivered_by_group(self, run: int) -> dict[str, int]:
        """How many faults of each group a run delivered, by fingerprint."""
        with guarded(self._path):
            rows = self._connection.execute(
                "SELECT fingerprint, count(*) FROM resubmitted WHERE run = ? GROUP BY fingerprint", (run,)
            ).fetchall()
        return {row[0]: row[1] for row in rows}

    def delivered_with(self, records: Iterable[bytes], run: int) -> Iterator[tuple[bytes, str]]:
        """The faults that a run delivered of which one of these records was a part, with their fingerprints."""
        for record in records:
            with guarded(self._path):
                rows = self._connection.execute(
                    "SELECT r.fault, f.fingerprint FROM resubmitted_records r JOIN resubmitted f ON f.fault = r.fault "
                    "WHERE r.record = ? AND r.run = ? AND f.run = r.run",
                    (record, run),
                ).fetchall()
            yield from ((row[0], row[1]) for row in rows)


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
