"""The ledger's door: runs are found, begun and taken up here, and told to those at work on them.

What is known of the objects of one is in `known`; what a session writes while it works in `writing`; beats and orders
are in `pulse`.
"""

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import orjson
from msgspec import structs

from cncbops import __version__
from cncbops.delivery.outcome import traces_of
from cncbops.errors import BadInput
from cncbops.ledger.choices import Choices
from cncbops.ledger.database import FILE_NAME, guarded, open_for_reading, open_for_writing, transaction
from cncbops.ledger.generations import merge_generations
from cncbops.ledger.known import Known
from cncbops.ledger.listed import Listed
from cncbops.ledger.lock import active, is_held
from cncbops.ledger.place import at_ledger
from cncbops.ledger.resubmitted import Resubmitted
from cncbops.ledger.rows import GivenOrder, NewRun, Run, Session
from cncbops.ledger.schema import RESUBMITTED_SINCE, version
from cncbops.ledger.sorting import sort_in
from cncbops.ledger.worker import Worker, host, is_alive, now_ms
from cncbops.ledger.writing import RedriveWriter, RunWriter, Tracing
from cncbops.session.entry import Entry
from cncbops.session.memory import Memory, NoMemory

if TYPE_CHECKING:
    from cncbops.ledger.invalidations import Invalidations

FRESH_S = 10.0
"""A session of another machine that was seen later than this is taken to be under way."""

FIRST_SESSION = 1
SHORTEST_ID = 4
"""What an empty variable of a script leaves of an id shall name no run."""

_JSON = ("sources", "arguments", "terms", "target", "access")


class Ledger:
    """One ledger, for one thread. Every method raises CannotRun if the file fails it."""

    def __init__(self, folder: Path, connection: sqlite3.Connection, *, is_writable: bool = True) -> None:
        self.folder, self.path = folder, folder / FILE_NAME
        self._connection, self._is_writable = connection, is_writable
        self._memories: list[Resubmitted] = []

    @classmethod
    def open(cls, folder: Path) -> Self:
        """The ledger in the state directory, made if there is none."""
        return cls(folder, open_for_writing(folder))

    @classmethod
    def look(cls, folder: Path) -> Self | None:
        """The ledger in the state directory, to be read only; None if there is none."""
        connection = open_for_reading(folder)
        return cls(folder, connection, is_writable=False) if connection else None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let the ledger go."""
        for memory in self._memories:
            memory.close()
        self._connection.close()

    # Runs

    def runs(self) -> list[Run]:
        """All runs, the newest first."""
        return [self._run(row) for row in self._rows("SELECT * FROM runs ORDER BY id DESC")]

    def find(self, text: str) -> Run:
        """The run with this id, or the only one whose id begins or ends with it. Raises BadInput."""
        runs = [run for run in self.runs() if run.run_id.startswith(text) or run.run_id.endswith(text)]
        exact = [run for run in runs if run.run_id == text]
        if not runs:
            raise BadInput(f"there is no run {text} in {self.path}", f"See `cncbops runs ls{at_ledger(self.folder)}`")
        if not exact and len(text) < SHORTEST_ID:
            raise BadInput(f"{text!r} may be many a run", f"Give {SHORTEST_ID} characters of its id at least")
        if len(exact or runs) == 1:
            return (exact or runs)[0]
        raise BadInput(f"{text} may be {' or '.join(run.run_id for run in runs[:3])}", "Give more of the run's id")

    def began_ms(self, number: int) -> int:
        """When the run of this number (its `id`) began."""
        ((started_ms,),) = self._rows("SELECT started_ms FROM runs WHERE id = ?", number)
        return int(started_ms)

    def alike(self, likeness: str) -> list[Run]:
        """The runs that were asked for the same, but for sources and window; the newest first."""
        return [
            self._run(row) for row in self._rows("SELECT * FROM runs WHERE likeness = ? ORDER BY id DESC", likeness)
        ]

    def is_active(self, run: Run) -> bool:
        """Whether some process works on the run: by its lock, or by its last sign of life."""
        return is_held(self.folder, run.run_id) or self.is_active_elsewhere(run)

    def sessions(self, run: Run) -> list[Session]:
        """A run's sessions, in order."""
        rows = self._rows("SELECT * FROM sessions WHERE run = ? ORDER BY number", run.id)
        return [_session(row) for row in rows]

    def listed(self, runs: Sequence[Run]) -> Listed:
        """The objects of these runs; until it is asked for those of others."""
        return Listed(self._connection, self.path, [run.id for run in runs])

    def memory(self, own: int | None = None) -> Memory:
        """What is remembered of faults that were sent, for a run that asks; nothing in an older version's ledger."""
        with guarded(self.path):
            return NoMemory() if version(self._connection) < RESUBMITTED_SINCE else self.resubmitted(own)

    def resubmitted(self, own: int | None = None) -> Resubmitted:
        """What is known of faults that were sent, also by the run that asks, as far as it was delivered until now."""
        if self._is_writable:
            self.sort_resubmitted(own)
        self._memories.append(Resubmitted(self.folder, own if self._is_writable else None))
        return self._memories[-1]

    def sort_resubmitted(self, own: int | None = None) -> None:
        """Sort into that memory what others left behind it: after one that was killed this may take long."""
        with self._writing():
            sort_in(self._connection, own)
        merge_generations(self._connection, self._writing)

    # Sessions, and orders for who is at work

    def begin(
        self,
        new: NewRun,
        worker: Worker,
        planned: Iterable[Entry] | None = None,
        unless: Callable[[], None] = lambda: None,
    ) -> Run:
        """Write a new run down with its first session, and the objects that it is to read if they are known.

        `unless` may look at the ledger and raise: of two that begin at once, it sees the other.
        """
        columns = {**structs.asdict(new), **{name: orjson.dumps(getattr(new, name)).decode() for name in _JSON}}
        now = now_ms()
        with self._writing():
            unless()
            cursor = self._connection.execute(
                f"INSERT INTO runs ({', '.join(columns)}, status, started_ms, cluster) "  # noqa: S608  names are ours
                f"VALUES ({', '.join('?' * len(columns))}, 'running', ?, ?)",
                (*columns.values(), now, worker.cluster),
            )
            run_number = cursor.lastrowid
            assert run_number is not None
            session = self._insert_session(run_number, "execute", worker, now)
            if planned is not None:
                RunWriter(self._connection, self.path, run_number, session).put_all_objects(planned)
        self._bring_home()
        return self.find(new.run_id)

    def _bring_home(self) -> None:
        """Move what SQLite keeps beside the ledger into its file: a copy of that alone shall know the run."""
        with guarded(self.path):
            self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)")

    def take_up(self, run: Run, kind: str, worker: Worker) -> int:
        """Write a further session of a run down; its number. Raises CannotRun if one is under way."""
        with self._writing():
            if self.is_active_elsewhere(run):
                raise active(run.run_id, self.folder, self.sessions(run)[-1].host)
            now = now_ms()
            self._connection.execute(
                "UPDATE sessions SET status = 'crashed' WHERE run = ? AND status = 'running'", (run.id,)
            )
            self._connection.execute("DELETE FROM orders WHERE run = ? AND taken_ms IS NULL", (run.id,))
            self._connection.execute("UPDATE runs SET cluster = ? WHERE id = ?", (worker.cluster, run.id))
            if kind == "resume":
                self._connection.execute(
                    "UPDATE runs SET status = 'running', reason = NULL, ended_ms = NULL WHERE id = ?", (run.id,)
                )
            return self._insert_session(run.id, kind, worker, now)

    def run_writer(self, run: Run, session: int) -> RunWriter:
        """What the session of a run writes down, in the thread of this ledger."""
        return RunWriter(self._connection, self.path, run.id, session)

    def redrive_writer(self, run: Run, session: int, traces: Tracing = traces_of) -> RedriveWriter:
        """What a redrive of a run writes down, in the thread of this ledger; `traces`: of what it delivers."""
        return RedriveWriter(self._connection, self.path, run.id, session, traces)

    def known(self, run: Run) -> Known:
        """What is known of a run's objects and failures."""
        return Known(self._connection, self.path, run.id)

    def choices(self, run: Run) -> Choices:
        """Which events a run sends, as far as more than their own content decides that."""
        return Choices(self._connection, self.path, run.id)

    def invalidations(self, run: Run) -> "Invalidations":
        """The requests of an invalidation, in the thread of this ledger."""
        from cncbops.ledger.invalidations import Invalidations  # here: what sends events needs nothing of them

        return Invalidations(self._connection, self.path, run.id)

    def is_active_elsewhere(self, run: Run) -> bool:
        """Whether a process works on the run that this machine's locks do not tell of.

        It gave a sign of life just now, and is of another machine, or here and not this one: its lock was removed.
        """
        last = self.sessions(run)[-1]
        is_fresh = last.ended_ms is None and _age_s(last.seen_ms) < FRESH_S
        return is_fresh and (last.host != host() or is_alive(last.process))

    def order(self, run: Run, kind: str, value: float | None, who: str) -> int:
        """Give an order to who works on the run: pause, continue, rate or stop; its number."""
        with self._writing():
            (row,) = self._rows("SELECT coalesce(max(number), 0) + 1 FROM orders WHERE run = ?", run.id)
            self._connection.execute(
                "INSERT INTO orders (run, number, kind, value, who, given_ms) VALUES (?, ?, ?, ?, ?, ?)",
                (run.id, row[0], kind, value, who, now_ms()),
            )
        return int(row[0])

    def orders(self, run: Run) -> list[GivenOrder]:
        """The orders that were given to a run, in order."""
        rows = self._rows(
            "SELECT kind, value, who, given_ms, taken_ms FROM orders WHERE run = ? ORDER BY number", run.id
        )
        return [GivenOrder(*row) for row in rows]

    def is_taken(self, run: Run, order: int) -> bool:
        """Whether the order was carried out."""
        rows = self._rows("SELECT taken_ms FROM orders WHERE run = ? AND number = ?", run.id, order)
        return bool(rows) and rows[0]["taken_ms"] is not None

    def is_paused(self, run: Run) -> bool:
        """Whether the last session was told to pause, and not to continue since."""
        rows = self._rows(
            "SELECT kind FROM orders WHERE run = ? AND kind IN ('pause', 'continue') AND taken_ms >= "
            "(SELECT max(started_ms) FROM sessions WHERE run = ?) ORDER BY number DESC LIMIT 1",
            run.id,
            run.id,
        )
        return bool(rows) and rows[0]["kind"] == "pause"

    def _insert_session(self, run_number: int, kind: str, worker: Worker, now: int) -> int:
        (row,) = self._rows("SELECT coalesce(max(number), 0) + 1 FROM sessions WHERE run = ?", run_number)
        self._connection.execute(
            "INSERT INTO sessions (run, number, kind, who, host, process, version, started_ms, seen_ms, status) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'running')",
            (run_number, row[0], kind, worker.who, worker.host, worker.process, __version__, now, now),
        )
        return int(row[0])

    def _run(self, row: sqlite3.Row) -> Run:
        thawed = {name: orjson.loads(row[name]) for name in _JSON}
        return Run(**{**dict(row), **thawed, "listed": bool(row["listed"]), "folder": self.folder})

    def _rows(self, query: str, *values: Any) -> list[Any]:
        with guarded(self.path):
            return self._connection.execute(query, values).fetchall()

    @contextmanager
    def _writing(self) -> Iterator[None]:
        with guarded(self.path), transaction(self._connection):
            yield


def _age_s(moment_ms: int) -> float:
    return (now_ms() - moment_ms) / 1000


def _session(row: sqlite3.Row) -> Session:
    told = {name: row[name] for name in Session.__struct_fields__ if name in row.keys()}  # noqa: SIM118  of values
    return Session(**{**told, "summary": orjson.loads(row["summary"]) if row["summary"] else None})
