"""What the ledger remembers of faults whose units of work were delivered, so that each is sent once."""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from cncbops.faults.unit import Unit
from cncbops.kinesis.record import Record
from cncbops.ledger.database import guarded


class Resubmitted:
    """A Memory: read through a ledger's connection. Raises CannotRun where the file fails it."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._connection, self._path = connection, path

    def sent_by(self, fault: bytes) -> int | None:
        """The number of the run that delivered a fault last; None if none did."""
        with guarded(self._path):
            row = self._connection.execute("SELECT run FROM resubmitted WHERE fault = ?", (fault,)).fetchone()
        return row[0] if row else None

    def last_sent_ms(self, records: Sequence[bytes]) -> int | None:
        """When the last run began that delivered one of these records; None if none did."""
        found = (self._last(record, "", ()) for record in records)
        return max((moment for moment in found if moment is not None), default=None)

    def sent_for_another(self, records: Sequence[bytes], pipeline: str, since_ms: int) -> bool:
        """Whether runs that began since then delivered all of these records for faults of other pipelines."""
        found = [self._last(record, "AND f.pipeline <> ?", (pipeline,)) for record in records]
        return bool(found) and all(moment is not None and moment > since_ms for moment in found)

    def _last(self, record: bytes, which: str, values: Sequence[str]) -> int | None:
        with guarded(self._path):
            ((found,),) = self._connection.execute(
                "SELECT max(runs.started_ms) FROM resubmitted_records r JOIN resubmitted f ON f.fault = r.fault "  # noqa: S608
                f"JOIN runs ON runs.id = r.run WHERE r.record = ? {which}",
                (record, *values),
            )
        return None if found is None else int(found)

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


def remember(connection: sqlite3.Connection, run: int, delivered: Iterable[Record]) -> None:
    """Write down the units among these records, within a transaction of the caller's."""
    units = [record for record in delivered if isinstance(record, Unit)]
    if not units:
        return
    connection.executemany(
        "INSERT INTO resubmitted (fault, run, fingerprint, pipeline) VALUES (?, ?, ?, ?) "
        "ON CONFLICT DO UPDATE SET run = excluded.run, fingerprint = excluded.fingerprint",
        [(unit.fault, run, unit.fingerprint, unit.pipeline) for unit in units],
    )
    connection.executemany(
        "INSERT OR IGNORE INTO resubmitted_records (record, run, fault) VALUES (?, ?, ?)",
        [(record, run, unit.fault) for unit in units for record in unit.records],
    )
