"""What became of published events: in the lake, in the listener's batches, in its view and among its faults."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cncbops.sandbox.clients import Clients
from cncbops.sandbox.seed import BATCHES_TABLE, BUCKET, FAULT_BUCKET, PREFIX, TABLE
from cncbops.sandbox.traffic import Event

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef


@dataclass(frozen=True, slots=True)
class Thing:
    """A row of the view. `type` is that of the thing's last event, `timestamp` its ms."""

    name: str
    type: str
    timestamp: int


def lake_keys(clients: Clients) -> list[str]:
    """List the objects of the lake. The sandbox's delivery stream writes one event to each, faults among them."""
    return _keys(clients, BUCKET, PREFIX)


def fault_keys(clients: Clients) -> list[str]:
    """List what the fault monitor stored: one fault to an object."""
    return _keys(clients, FAULT_BUCKET, "")


def _keys(clients: Clients, bucket: str, prefix: str) -> list[str]:
    pages = clients.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    return [found["Key"] for page in pages for found in page.get("Contents", [])]


def drained(clients: Clients, positions: Mapping[str, str]) -> bool:
    """Say whether the listener took the record at each of these positions from its mapping.

    `positions` are what `publish` returned. Read from the table of batches, so it holds for any
    listener that notes its batches as ours do, whatever became of the events.
    """
    batches = list(_noted_batches(clients))
    return all(
        any(batch.shard_id == shard_id and batch.first <= int(position) <= batch.last for batch in batches)
        for shard_id, position in positions.items()
    )


def faults_published(clients: Clients) -> int:
    """Count the faults that the listener published for the batches it has noted."""
    return sum(batch.faults for batch in _noted_batches(clients))


@dataclass(frozen=True, slots=True)
class _Batch:
    """What the listener noted of a batch: the sequence numbers of its ends, and how many faults it made."""

    shard_id: str
    first: int
    last: int
    faults: int


def _noted_batches(clients: Clients) -> Iterator[_Batch]:
    for row in _rows(clients, BATCHES_TABLE):
        yield _Batch(row["shardId"]["S"], int(row["first"]["S"]), int(row["last"]["S"]), int(row["faults"]["N"]))


def view(clients: Clients) -> dict[str, Thing]:
    """Read the listener's table: things by id, the deleted ones included."""
    return {
        row["id"]["S"]: Thing(row["name"]["S"], row["type"]["S"], int(row["timestamp"]["N"]))
        for row in _rows(clients, TABLE)
    }


def _rows(clients: Clients, table: str) -> "Iterator[dict[str, AttributeValueTypeDef]]":
    pages = clients.dynamodb.get_paginator("scan").paginate(TableName=table, ConsistentRead=True)
    return (row for page in pages for row in page["Items"])


def expected_view(events: Iterable[Event]) -> dict[str, Thing]:
    """Say what the view must hold after these events, in whatever order they arrived."""
    things = [event for event in events if event["type"].startswith("thing-")]
    return {
        event["thing"]["id"]: Thing(event["thing"]["name"], event["type"], event["timestamp"])
        for event in sorted(things, key=lambda event: int(event["timestamp"]))
    }
