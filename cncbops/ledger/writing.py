"""What a session writes down as it works: one transaction for all that came in at once.

A transaction takes some 40 µs and survives the process when it returns. A power failure may lose
what the last beat has not brought to disk (see `pulse`), which is then sent again.
"""

import os
import sqlite3
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any

import orjson

from cncbops.delivery.outcome import Settled, Undelivered, traces_of
from cncbops.kinesis.record import Record, Trace
from cncbops.ledger.database import guarded, transaction
from cncbops.ledger.generations import merge_generations
from cncbops.ledger.marks import Marks
from cncbops.ledger.resubmitted import remember
from cncbops.ledger.sorting import sort_in
from cncbops.ledger.worker import now_ms
from cncbops.session.entry import LEFT_OUT, RESTARTED, Entry, object_number
from cncbops.session.id_claims import first_place
from cncbops.tally import Failure


class SessionWriter:
    """Writes for one session of a run; every method raises CannotRun if it cannot."""

    def __init__(self, connection: sqlite3.Connection, path: Path, run: int, session: int) -> None:
        self._connection, self._path = connection, path
        self._run, self._session = run, session

    def finish(
        self, status: str, reason: str | None, summary: Mapping[str, Any], *, listed: bool, is_torn: bool = False
    ) -> None:
        """Write down how the session ended; `listed`: every object of the run's sources is known.

        One that `is_torn`, of which not all is known that was sent, has no end: it is taken for killed.
        """
        now = now_ms()
        with self._transaction():
            self._execute(
                "UPDATE sessions SET status = ?, reason = ?, summary = ?, ended_ms = ?, seen_ms = ? "
                "WHERE run = ? AND number = ?",
                (
                    status,
                    reason,
                    orjson.dumps(summary).decode(),
                    None if is_torn else now,
                    now,
                    self._run,
                    self._session,
                ),
            )
            if not is_torn:
                self._sum_up()
            self._end_run(status, reason, now, listed=listed)
            sort_in(self._connection, self._run)
        merge_generations(self._connection, self._transaction)

    def _sum_up(self) -> None:
        """Write down in little room what was written down as it came."""

    def _end_run(self, status: str, reason: str | None, ended_ms: int, *, listed: bool) -> None:
        """Write down what the session's end makes of the run."""
        raise NotImplementedError

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with guarded(self._path), transaction(self._connection):
            yield

    def _execute(self, statement: str, values: Sequence[Any]) -> sqlite3.Cursor:
        return self._connection.execute(statement, values)


def _put(table: str, key: Sequence[str], rest: Sequence[str]) -> str:
    """A statement that puts a row in place, over the one that has its key."""
    columns = (*key, *rest)
    return (
        f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))}) "  # noqa: S608  ours
        f"ON CONFLICT DO UPDATE SET {', '.join(f'{name} = excluded.{name}' for name in rest)}"
    )


_PUT_OBJECT = _put(
    "objects",
    ("run", "number"),
    (
        *("source", "bucket", "key", "etag", "size", "modified_ms", "storage_class"),
        *("read", "matched", "malformed", "delivered", "failed", "unknown", "ended", "error", "pulled"),
    ),
)
_PUT_FAILURE = _put(
    "failures",
    ("run", "object", "line", "part"),
    ("event_id", "sequence_number", "fate", "error", "message", "session", "mended_in", "told_ms"),
)


class RunWriter(SessionWriter):
    """A Keeper: writes down the objects of a run, its failures, and how far its lanes are."""

    def __init__(self, connection: sqlite3.Connection, path: Path, run: int, session: int) -> None:
        super().__init__(connection, path, run, session)
        self._marks = Marks(connection, run, session)

    def write(
        self,
        entries: Collection[Entry],
        failures: Sequence[tuple[int, Failure]],
        settled: Sequence[Settled],
        claimed: Sequence[bytes] = (),
    ) -> None:
        """Keep objects, failures, what is settled, and the ids of events, all or nothing.

        Of an object that is not among the `entries`, no more is new than what `settled` delivers of it.
        """
        if not (entries or failures or settled or claimed):
            return
        with self._transaction():
            if entries:
                self._put_whole(entries)
            self._add_delivered(settled, {entry.number for entry in entries})
            if failures:
                self._put_failures(failures)
            if claimed:
                self._connection.executemany(
                    "INSERT INTO event_ids VALUES (?, ?, ?)",
                    [(self._run, first_place(claims), claims) for claims in claimed],
                )
            self._marks.take(settled)
            traces = (outcome.traces or traces_of(outcome.delivered) for _, outcome in settled)
            remember(self._connection, self._run, [*chain.from_iterable(traces)])

    def pick(self, picked: Iterable[tuple[Entry, bytes]], failures: Iterable[tuple[int, Failure]]) -> None:
        """Keep all objects that the run has, with what is to be sent of each, all or nothing."""
        with self._transaction():
            self.put_all_objects(self._with_picks(picked))
            self._put_failures(failures)

    def mend(self, failures: Sequence[tuple[int, int, int]]) -> None:
        """Nothing: what failed is left to redrives."""

    def _with_picks(self, picked: Iterable[tuple[Entry, bytes]]) -> Iterator[Entry]:
        """Objects as they are put down, their picks before them."""
        for entry, picks in picked:
            if picks:
                self._execute("INSERT INTO picks VALUES (?, ?, ?, ?)", (self._run, entry.number, picks, entry.error))
            yield entry

    def _sum_up(self) -> None:
        self._marks.put_down()

    def _end_run(self, status: str, reason: str | None, ended_ms: int, *, listed: bool) -> None:
        ((matched,),) = self._execute("SELECT total(matched) FROM objects WHERE run = ?", (self._run,))
        if status == "nothing" and matched:  # nothing was left to do
            status = "succeeded"
        self._execute(
            "UPDATE runs SET status = ?, reason = ?, ended_ms = ?, listed = listed OR ? WHERE id = ?",
            (status, reason, ended_ms, listed, self._run),
        )

    def put_all_objects(self, entries: Iterable[Entry]) -> None:
        """Put down all the objects a run will ever have, within a transaction of the caller's."""
        self._connection.executemany(_PUT_OBJECT, (self._row_of(entry) for entry in entries))
        self._execute("UPDATE runs SET listed = 1 WHERE id = ?", (self._run,))

    def _add_delivered(self, settled: Iterable[Settled], told: Set[int]) -> None:
        """Write down how much more was delivered of objects, but for those of which all is told."""
        more: dict[int, int] = {}
        for each in settled:
            for number, count in each.delivered.items():
                more[number] = more.get(number, 0) + count
        self._connection.executemany(
            "UPDATE objects SET delivered = delivered + ? WHERE run = ? AND number = ?",
            [(count, self._run, number) for number, count in more.items() if number not in told],
        )

    def _put_whole(self, entries: Collection[Entry]) -> None:
        self._connection.executemany(_PUT_OBJECT, (self._row_of(entry) for entry in entries))
        if self._session > 1:
            self._connection.executemany(
                "UPDATE failures SET mended_in = ? WHERE run = ? AND object = ? AND mended_in IS NULL",
                [(self._session, self._run, entry.number) for entry in entries if entry.error == RESTARTED],
            )
            mended = [(self._session, self._run, entry.number) for entry in entries if entry.ended and not entry.error]
            self._connection.executemany(
                "UPDATE failures SET mended_in = ? WHERE run = ? AND object = ? AND line = 0 AND mended_in IS NULL",
                mended,
            )

    def _row_of(self, entry: Entry) -> Sequence[Any]:
        found = entry.object
        return (
            self._run,
            entry.number,
            entry.source,
            found.bucket,
            os.fsencode(found.key),
            found.etag,
            found.size,
            int(found.last_modified.timestamp() * 1000),
            found.storage_class,
            entry.read,
            entry.matched,
            entry.malformed,
            entry.delivered,
            entry.failed,
            entry.unknown,
            entry.ended,
            entry.error,
            orjson.dumps([*entry.pulled_before.items(), (self._session, entry.pulled)]).decode(),
        )

    def _put_failures(self, failures: Iterable[tuple[int, Failure]]) -> None:
        now = now_ms()
        rows = (
            (
                *(self._run, number, each.line, each.part, each.event_id, each.sequence_number),
                *(each.fate, each.error, each.message, self._session, None, now),
            )
            for number, each in failures
        )
        self._connection.executemany(_PUT_FAILURE, rows)


Tracing = Callable[[Sequence[Record]], Sequence[Trace]]
"""Tells what is to be remembered for ever of records that were delivered."""


class RedriveWriter(SessionWriter):
    """A Keeper for records that failed before: their failures are marked as mended, or told anew."""

    def __init__(self, connection: sqlite3.Connection, path: Path, run: int, session: int, traces: Tracing) -> None:
        super().__init__(connection, path, run, session)
        self._traces = traces

    def write(
        self,
        entries: Collection[Entry],
        failures: Sequence[tuple[int, Failure]],  # noqa: ARG002  those of `settled` are all that count here
        settled: Sequence[Settled],
        claimed: Sequence[bytes] = (),  # noqa: ARG002  which records they are was settled before
    ) -> None:
        """Keep what became of records whose failures are in the ledger, all or nothing."""
        with self._transaction():
            self._note_left_out(entries)
            for _, outcome in settled:
                self._mend(map(self._where, outcome.delivered))
                self._tell_anew("failed", outcome.failed)
                self._tell_anew("unknown", outcome.unknown)
                remember(self._connection, self._run, self._traces(outcome.delivered))

    def mend(self, failures: Sequence[tuple[int, int, int]]) -> None:
        """Keep that others delivered what failed."""
        with self._transaction():
            self._mend((self._run, *where) for where in failures)

    def pick(self, picked: Iterable[tuple[Entry, bytes]], failures: Iterable[tuple[int, Failure]]) -> None:
        """Nothing: what failed was picked before."""

    def _end_run(self, status: str, reason: str | None, ended_ms: int, *, listed: bool) -> None:  # noqa: ARG002  its own stay
        """A run that was through, but for failures, may have none any more."""
        self._execute("UPDATE runs SET ended_ms = ? WHERE id = ?", (ended_ms, self._run))
        self._execute(
            "UPDATE runs SET status = 'succeeded' WHERE id = ? AND status = 'partial' AND NOT EXISTS "
            "(SELECT 1 FROM failures WHERE run = runs.id AND mended_in IS NULL)",
            (self._run,),
        )

    def _note_left_out(self, entries: Collection[Entry]) -> None:
        """Note which objects are not what they were, or are again; what else is known of them stays as it is."""
        self._connection.executemany(
            "UPDATE objects SET error = ? WHERE run = ? AND number = ?",
            [(LEFT_OUT, self._run, entry.number) for entry in entries if entry.error == LEFT_OUT],
        )
        self._connection.executemany(
            "UPDATE objects SET error = NULL WHERE run = ? AND number = ? AND error = ? AND ended "
            "AND delivered + failed + unknown = matched",
            [(self._run, entry.number, LEFT_OUT) for entry in entries if not entry.error],
        )

    def _mend(self, failures: Iterable[Sequence[int]]) -> None:
        for where in failures:
            found = self._execute(
                "UPDATE failures SET mended_in = ? "
                "WHERE run = ? AND object = ? AND line = ? AND part = ? AND mended_in IS NULL",
                (self._session, *where),
            )
            if found.rowcount:  # it is counted once, however often it is told
                self._move(where, "delivered")

    def _tell_anew(self, fate: str, records: Iterable[Undelivered]) -> None:
        now = now_ms()
        for each in records:
            where = self._where(each.record)
            self._move(where, fate)
            self._execute(
                "UPDATE failures SET fate = ?, error = ?, message = ?, session = ?, told_ms = ? "
                "WHERE run = ? AND object = ? AND line = ? AND part = ?",
                (fate, each.error, each.message, self._session, now, *where),
            )

    def _move(self, where: Sequence[int], fate: str) -> None:
        """Count the record under its new fate instead of its old one."""
        of_failure = "run = ? AND object = ? AND line = ? AND part = ?"
        ((before,),) = self._execute(f"SELECT fate FROM failures WHERE {of_failure}", where)  # noqa: S608  a constant
        for name, change in ((before, -1), (fate, 1)):
            self._execute(
                f"UPDATE objects SET {name} = {name} + ? WHERE run = ? AND number = ?",  # noqa: S608  a column of ours
                (change, *where[:2]),
            )

    def _where(self, record: Record) -> Sequence[int]:
        return (self._run, object_number(record.place), record.line, record.part)
