"""What became of published events: in the lake, in the listener's batches, in its view and among its faults."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from cncbops.sandbox.clients import Clients
from cncbops.sandbox.seed import BUCKET, FAULT_BUCKET, LISTENER, PREFIX, TABLE
from cncbops.sandbox.traffic import Event


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

    `positions` are what `publish` returned. Read from the listener's log, so it holds for any
    listener that logs its batches as ours do, whatever became of the events.
    """
    batches = list(_logged_batches(clients))
    return all(
        any(
            batch["shardId"] == shard_id and int(batch["first"]) <= int(position) <= int(batch["last"])
            for batch in batches
        )
        for shard_id, position in positions.items()
    )


def faults_published(clients: Clients) -> int:
    """Count the faults that the listener published for the batches it has logged."""
    return sum(batch["faults"] for batch in _logged_batches(clients))


def _logged_batches(clients: Clients) -> Iterator[dict[str, Any]]:
    group = f"/aws/lambda/{LISTENER}"
    # The group is made by the first invocation.
    if not clients.logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]:
        return
    pages = clients.logs.get_paginator("filter_log_events").paginate(logGroupName=group)
    for page in pages:
        for entry in page["events"]:
            if '"batch processed"' in entry["message"]:
                yield json.loads(entry["message"])


def view(clients: Clients) -> dict[str, Thing]:
    """Read the listener's table: things by id, the deleted ones included."""
    pages = clients.dynamodb.get_paginator("scan").paginate(TableName=TABLE, ConsistentRead=True)
    return {
        row["id"]["S"]: Thing(row["name"]["S"], row["type"]["S"], int(row["timestamp"]["N"]))
        for page in pages
        for row in page["Items"]
    }


def expected_view(events: Iterable[Event]) -> dict[str, Thing]:
    """Say what the view must hold after these events, in whatever order they arrived."""
    things = [event for event in events if event["type"].startswith("thing-")]
    return {
        event["thing"]["id"]: Thing(event["thing"]["name"], event["type"], event["timestamp"])
        for event in sorted(things, key=lambda event: int(event["timestamp"]))
    }
