"""Runs for the ledger's tests: what was asked does not matter to them."""

import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any, Self

import msgspec

from cncbops.delivery.outcome import Waybill, waybill_of
from cncbops.kinesis.batching import Batch, BatchLimits
from cncbops.kinesis.cutting import Cutter, Stock
from cncbops.kinesis.record import Record
from cncbops.lake.objects import LakeObject
from cncbops.ledger.database import FILE_NAME
from cncbops.ledger.ledger import Ledger
from cncbops.ledger.rows import NewRun, Run
from cncbops.ledger.schema import APPLICATION_ID, STEPS, migrate
from cncbops.ledger.worker import this_worker
from cncbops.session.entry import Entry
from tests.delivery.batches import record

ANN = "arn:aws:sts::123456789012:assumed-role/operators/ann"
NO_PROCESS = 2**22 + 1  # beyond what Linux gives to a process
WHEN = datetime(2018, 4, 8, 3, 53, 28, 123_000, tzinfo=UTC)


def new_run(run_id: str = "20260101T000000Z-aaaaaa", **changed: Any) -> NewRun:
    """A run of `s3://lake/`, to the function `fn`."""
    new = NewRun(run_id, "replay", "fn", ["s3://lake/"], "123456789012", {}, {}, {}, {}, "like")
    return msgspec.structs.replace(new, **changed)


def begin(ledger: Ledger, run_id: str = "20260101T000000Z-aaaaaa", cluster: str | None = None, **changed: Any) -> Run:
    """A run that a process of this machine has begun, which is no more."""
    return ledger.begin(new_run(run_id, **changed), replace(this_worker(ANN, cluster), process=NO_PROCESS))


def aged(folder: Path, steps: int) -> None:
    """Make of a ledger one that has taken so many steps, with what that has room for."""
    path, today = folder / FILE_NAME, folder / "today.db"
    path.rename(today)
    with closing(sqlite3.connect(path, isolation_level=None)) as older:
        older.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        migrate(older, STEPS[:steps])
        older.execute("ATTACH ? AS today", (str(today),))
        tables = older.execute("SELECT name FROM main.sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
        today_s = {name for (name,) in older.execute("SELECT name FROM today.sqlite_schema WHERE type = 'table'")}
        for table in today_s.intersection(name for (name,) in tables.fetchall()):
            columns = ", ".join(row[1] for row in older.execute(f"PRAGMA main.table_info({table})"))
            older.execute(f"INSERT INTO main.{table} ({columns}) SELECT {columns} FROM today.{table}")
    today.unlink()


def lake_object(number: int, key: str = "") -> LakeObject:
    key = key or f"s1/{number}"
    return LakeObject(f"s3://lake/{key}", "lake", key, 1_000 + number, f"etag-{number}", WHEN)


def record_of(entry: Entry, ordinal: int, key: str = "key", shard: str = "shard", padding: int = 0) -> Record:
    """The record of an object that is number `ordinal` of those chosen."""
    (place,) = entry.places(ordinal, 1)
    changed = {"place": place, "object": entry.object, "group": shard}
    return msgspec.structs.replace(record(ordinal, key, padding), **changed)


@dataclass(frozen=True, eq=False)
class Sent:
    """A batch that was given out: its waybill, and the records that wait where they were read."""

    bill: Waybill
    records: Sequence[Record]

    @classmethod
    def of(cls, batch: Batch, number: int = 0) -> Self:
        bill = waybill_of(batch)
        bill.number = number
        return cls(bill, batch.records)


class Cuts:
    """Cuts as a session does, each time behind what was carried over, and counts the batches."""

    def __init__(self, limits: Mapping[str, BatchLimits], lanes: int, canary: int | None = None) -> None:
        self._cutter = Cutter(limits, lanes, canary)
        self._numbers = count()
        self.stock = Stock()

    def add(self, records: Sequence[Record], *, flush: bool = False) -> list[Sent]:
        batches, self.stock = self._cutter.cut(records, self.stock, flush=flush)
        return [Sent.of(batch, next(self._numbers)) for batch in batches]
