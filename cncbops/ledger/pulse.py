"""Signs of life of a session, and the orders that others leave for it.

The beat is written with a sync to disk, which takes everything written before along: a power
failure costs no more than the time between two beats.
"""

import sqlite3
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from cncbops.errors import CannotRun
from cncbops.ledger.database import FILE_NAME, at_hand, guarded, open_for_writing, transaction
from cncbops.ledger.worker import now_ms

BEAT_S = 0.5
BEATS_A_CHECKPOINT = 10


LEAVING_S = 0.2
"""How long who leaves at once waits for others' transactions, his own among them, which he has broken into."""

LEFT_AT_ONCE = "left at once: what was under way may have arrived"


class Order(NamedTuple):
    """What somebody wants of a run under way: pause, continue, stop, or rate with its value."""

    kind: str
    value: float | None
    who: str


def leave(folder: Path, run: int, session: int) -> None:
    """Write down that a session is left at once. It has no end: all else of it is as if it had been killed.

    It is also taken for killed where the ledger cannot be written in a moment.
    """
    with suppress(sqlite3.Error, OSError), at_hand(folder, LEAVING_S) as connection:
        connection.execute(
            "UPDATE sessions SET status = 'interrupted', reason = ?, seen_ms = ? "
            "WHERE run = ? AND number = ? AND ended_ms IS NULL",
            (LEFT_AT_ONCE, now_ms(), run, session),
        )


class Pulse:
    """Beats for one session, over a connection of its own."""

    def __init__(self, folder: Path, run: int, session: int) -> None:
        self._path, self._run, self._session = folder / FILE_NAME, run, session
        self._connection = open_for_writing(folder)
        self._connection.execute("PRAGMA synchronous = FULL")
        self._beats = 0

    def beat(self, obey: Callable[[Order], None], doubted: int = 0) -> None:
        """Give a sign of life, and obey what was ordered since the last one. Raises CannotRun.

        So many records are `doubted`, which may have arrived twice: were it killed, nothing else would tell. Now and
        then what SQLite keeps beside the ledger goes into its file, for whoever copies that alone.
        """
        self._beats += 1
        if self._beats % BEATS_A_CHECKPOINT == 0:
            with guarded(self._path):
                self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
        with guarded(self._path), transaction(self._connection):
            self._connection.execute(
                "UPDATE sessions SET seen_ms = ?, doubted = ? WHERE run = ? AND number = ?",
                (now_ms(), doubted, self._run, self._session),
            )
            ((newest,),) = self._connection.execute("SELECT max(number) FROM sessions WHERE run = ?", (self._run,))
            if newest != self._session:
                raise CannotRun("another process has taken this run up", "Look at it there; here nothing more is sent")
            waiting = self._connection.execute(
                "SELECT number, kind, value, who FROM orders WHERE run = ? AND taken_ms IS NULL ORDER BY number",
                (self._run,),
            ).fetchall()
            for row in waiting:
                obey(Order(row["kind"], row["value"], row["who"]))
                self._connection.execute(
                    "UPDATE orders SET taken_ms = ? WHERE run = ? AND number = ?", (now_ms(), self._run, row["number"])
                )

    def close(self) -> None:
        """Let the ledger go."""
        self._connection.close()
