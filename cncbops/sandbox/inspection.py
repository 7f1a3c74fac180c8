"""What became of published events: in the lake, in the listener's batches and in its view."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from cncbops.sandbox.clients import Clients
from cncbops.sandbox.seed import BUCKET, LISTENER, PREFIX, TABLE
from cncbops.sandbox.traffic import Event


@dataclass(frozen=True, slots=True)
class Thing:
    """A row of the view. `type` is that of the thing's last event, `timestamp` its ms."""

    name: str
    type: str
    timestamp: int


def lake_keys(clients: Clients) -> list[str]:
    """List the objects of the lake. The sandbox's delivery stream writes one event to each."""
    pages = clients.s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=PREFIX)
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


def _logged_batches(clients: Clients) -> Iterator[dict[str, str]]:
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
