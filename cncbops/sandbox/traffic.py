"""Events for the sandbox's stream: made up, always the same, and published in order."""

import json
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cncbops.errors import CannotRun
from cncbops.sandbox.clients import Clients
from cncbops.sandbox.seed import STREAM

if TYPE_CHECKING:
    from mypy_boto3_kinesis.type_defs import PutRecordsRequestEntryTypeDef

Event = Mapping[str, Any]

THINGS = 40
# Under an hour: the lake is made now, and a replay looks for an event in the hours next to its own.
_SPAN_MS = 48 * 60 * 1000
_NAMESPACE = uuid.UUID("7c5b9d10-8e0f-11ee-9b2e-0242ac120002")
_COLOURS = ("blue", "red", "gr\u00fcn", "cr\u00e8me", "\u9752", "black")
# PutRecords takes 500; the server transforms each record before it answers, so smaller requests
# keep it answering others in between.
_RECORDS_PER_REQUEST = 100


def sample_events(count: int, *, until_ms: int) -> list[Event]:
    """Return `count` events of the 48 minutes before `until_ms`, oldest first.

    Created, updated and deleted things (some 40 of them, one partition key each), and an order
    now and then. Everything but the timestamps depends on `count` alone; the names hold
    non-ASCII text and the things numbers that neither a float nor 64 signed bits can hold.
    """
    step_ms = _SPAN_MS // max(count, 1)
    first_ms = until_ms - step_ms * (count - 1)
    return [
        {
            "id": str(uuid.uuid5(_NAMESPACE, str(index))),
            "type": event_type,
            "timestamp": first_ms + step_ms * index,
            "partitionKey": f"{entity}-{number}",
            "tags": {"region": "us-east-1", "source": "cncb-event-first"},
            entity: _entity(entity, number, index),
        }
        for index, (entity, number, event_type) in enumerate(_plot(count))
    ]


def _plot(count: int) -> Iterator[tuple[str, int, str]]:
    """Say what happens to which thing: created before all else, gone after it was deleted."""
    living: set[int] = set()
    for index in range(count):
        number = index if index < THINGS else index * 7 % THINGS  # 7 and 40 have no common factor
        if index >= THINGS and index % 20 == 7:
            yield "order", index, "order-submitted"
        elif number not in living:
            living.add(number)
            yield "thing", number, "thing-created"
        elif index % 20 == 13:
            living.remove(number)
            yield "thing", number, "thing-deleted"
        else:
            yield "thing", number, "thing-updated"


def _entity(entity: str, number: int, index: int) -> dict[str, Any]:
    name = f"{_COLOURS[index % len(_COLOURS)]} {index}"
    return {"id": f"{entity}-{number}", "name": name, "price": index + 0.1, "serial": 2**64 + index}


def encode(event: Event) -> bytes:
    """Return the event as it is published: compact JSON in UTF-8."""
    return json.dumps(event, separators=(",", ":"), ensure_ascii=False).encode()


def publish(clients: Clients, events: Iterable[Event]) -> dict[str, str]:
    """Put the events into the stream, in order; return each shard's last sequence number.

    Raises CannotRun when the stream refuses a record.
    """
    records: list[PutRecordsRequestEntryTypeDef] = [
        {"Data": encode(event), "PartitionKey": event["partitionKey"]} for event in events
    ]
    positions: dict[str, str] = {}
    for start in range(0, len(records), _RECORDS_PER_REQUEST):
        positions |= _put(clients, records[start : start + _RECORDS_PER_REQUEST])
    return positions


def _put(clients: Clients, records: "Sequence[PutRecordsRequestEntryTypeDef]") -> dict[str, str]:
    answer = clients.kinesis.put_records(StreamName=STREAM, Records=records)
    if answer["FailedRecordCount"]:
        raise CannotRun(f"{answer['FailedRecordCount']} records were refused by {STREAM}", "Publish them again")
    return {entry["ShardId"]: entry["SequenceNumber"] for entry in answer["Records"]}
