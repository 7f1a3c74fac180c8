"""Runs for the ledger's tests: what was asked does not matter to them."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import msgspec

from cncbops.kinesis.record import Record
from cncbops.lake.objects import LakeObject
from cncbops.ledger.ledger import Ledger
from cncbops.ledger.rows import NewRun, Run
from cncbops.ledger.worker import this_worker
from cncbops.session.entry import Entry
from tests.delivery.batches import record

ANN = "arn:aws:sts::123456789012:assumed-role/operators/ann"
NO_PROCESS = 2**22 + 1  # beyond what Linux gives to a process
WHEN = datetime(2018, 4, 8, 3, 53, 28, 123_000, tzinfo=UTC)


def new_run(run_id: str = "20260101T000000Z-aaaaaa", **changed: Any) -> NewRun:
    """A run of `s3://lake/`, to the function `fn`."""
    new = NewRun(run_id, "replay", "fn", ["s3://lake/"], "123456789012", {}, {}, {}, {}, "like")
    return replace(new, **changed)


def begin(ledger: Ledger, run_id: str = "20260101T000000Z-aaaaaa", **changed: Any) -> Run:
    """A run that a process of this machine has begun, which is no more."""
    return ledger.begin(new_run(run_id, **changed), replace(this_worker(ANN), process=NO_PROCESS))


def lake_object(number: int, key: str = "") -> LakeObject:
    key = key or f"s1/{number}"
    return LakeObject(f"s3://lake/{key}", "lake", key, 1_000 + number, f"etag-{number}", WHEN)


def record_of(entry: Entry, ordinal: int, key: str = "key", shard: str = "shard", padding: int = 0) -> Record:
    """The record of an object that is number `ordinal` of those chosen."""
    (place,) = entry.places(ordinal, 1)
    changed = {"place": place, "object": entry.object, "group": shard}
    return msgspec.structs.replace(record(ordinal, key, padding), **changed)
