"""The requests of one invalidation in the ledger: all of them before the first is sent, then what became of each."""

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import orjson

from cncbops.cdn.batches import Batch
from cncbops.cdn.edge import COMPLETED, Invalidation
from cncbops.cdn.session import Requests
from cncbops.ledger.database import guarded, transaction
from cncbops.ledger.worker import now_ms


@dataclass(frozen=True, slots=True)
class State:
    """How far a request is: `id` and `status` are its invalidation's, None as long as it is none."""

    id: str | None
    status: str | None
    paths: int


class Invalidations:
    """A Keeper of `cncbops.cdn.session`; every method raises CannotRun if the ledger fails it."""

    def __init__(self, connection: sqlite3.Connection, path: Path, run: int) -> None:
        self._connection, self._path, self._run = connection, path, run

    def plan(self, batches: Iterable[Batch]) -> None:
        """Write down what is to be sent, all or nothing."""
        rows = [
            (self._run, batch.number, batch.reference, orjson.dumps(list(batch.items)).decode()) for batch in batches
        ]
        with guarded(self._path), transaction(self._connection):
            self._connection.executemany(
                "INSERT INTO invalidations (run, number, caller_reference, paths) VALUES (?, ?, ?, ?)", rows
            )

    def created(self, number: int, invalidation: Invalidation) -> None:
        """Write down that a request was taken, and as which invalidation."""
        now = now_ms()
        is_completed = invalidation.status == COMPLETED
        self._update(
            "invalidation_id = ?, created_ms = ?, status = ?, completed_ms = ?",
            (invalidation.id, now, invalidation.status, now if is_completed else None),
            number,
        )

    def completed(self, number: int) -> None:
        """Write down that an invalidation has reached every edge."""
        self._update("status = ?, completed_ms = ?", (COMPLETED, now_ms()), number)

    def requests(self) -> Requests:
        """All of them, and how far they are."""
        with guarded(self._path):
            rows = self._connection.execute(
                "SELECT * FROM invalidations WHERE run = ? ORDER BY number", (self._run,)
            ).fetchall()
        return Requests(
            all=[Batch(row["number"], row["caller_reference"], orjson.loads(row["paths"])) for row in rows],
            invalidations={row["number"]: row["invalidation_id"] for row in rows if row["invalidation_id"]},
            completed={row["number"] for row in rows if row["status"] == COMPLETED},
        )

    def states(self) -> list[State]:
        """How far each is, in their order, without their paths: a run may have very many."""
        with guarded(self._path):
            rows = self._connection.execute(
                "SELECT invalidation_id, status, json_array_length(paths) FROM invalidations"
                " WHERE run = ? ORDER BY number",
                (self._run,),
            ).fetchall()
        return [State(*row) for row in rows]

    def _update(self, columns: str, values: tuple[object, ...], number: int) -> None:
        with guarded(self._path), transaction(self._connection):
            self._connection.execute(
                f"UPDATE invalidations SET {columns} WHERE run = ? AND number = ?",  # noqa: S608  columns of ours
                (*values, self._run, number),
            )
