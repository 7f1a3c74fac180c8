"""Faults and their units of work for tests, made of records as functions are given them."""

import base64
import json
from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from cncbops.faults.fault import Fault, FaultRecord, Nothing, Payload, Records
from cncbops.faults.identity import fault_digest, identity_of
from cncbops.faults.record import describe, payload_records
from cncbops.faults.unit import Place, Unit, to_unit
from tests.delivery.batches import OBJECT

ACCOUNT = "123456789012"
STREAM = f"arn:aws:kinesis:us-east-1:{ACCOUNT}:stream/s1"
QUEUE = f"arn:aws:sqs:us-east-1:{ACCOUNT}:q1"
TABLE = f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/t/stream/then"
FAULT = Fault(
    id="f-1",
    function="fn",
    error="Error",
    message="thing 1 has no name",
    stack=None,
    pipeline="m1",
    event_types=("thing-created",),
    timestamp_ms=1_000,
    unit=Nothing("to be replaced"),
)


def kinesis(
    number: int, key: str = "key", shard: str = "shardId-1", event: object = None, stream: str = STREAM
) -> FaultRecord:
    """A stream's record, which has the sequence number given."""
    data = base64.b64encode(json.dumps(event).encode()).decode()
    part = {"partitionKey": key, "sequenceNumber": str(number), "data": data}
    return _record({"eventSource": "aws:kinesis", "eventID": f"{shard}:{number}", "kinesis": part}, stream)


def table(number: int, key: str = "key") -> FaultRecord:
    """A record of a table's stream."""
    change = {"Keys": {"pk": {"S": key}}, "SequenceNumber": str(number)}
    return _record({"eventSource": "aws:dynamodb", "eventID": f"d-{number}", "dynamodb": change}, TABLE)


def queue(number: int, group: str | None = None, body: str = "{}") -> FaultRecord:
    """A queue's message, of a FIFO queue where it has a group."""
    attributes = {"MessageGroupId": group, "SequenceNumber": str(number)} if group else {}
    told = {"eventSource": "aws:sqs", "messageId": f"m-{number}", "attributes": attributes, "body": body}
    return _record(told, QUEUE)


def bucket(number: int) -> FaultRecord:
    """What a bucket tells of an object."""
    return describe(json.dumps({"eventSource": "aws:s3", "s3": {"object": {"key": f"o-{number}"}}}).encode())


def topic(number: int) -> FaultRecord:
    """What a topic tells."""
    told = {"EventSource": "aws:sns", "Sns": {"MessageId": f"t-{number}", "TopicArn": "arn:topic", "Message": "{}"}}
    return describe(json.dumps(told).encode())


def bus(number: int) -> Payload:
    """What a rule of EventBridge invokes a function with."""
    body = json.dumps({"id": f"eb-{number}", "detail-type": "t", "detail": {"type": "t"}}, indent=1).encode()
    return Payload(body, "eventbridge")


def fault(**changed: Any) -> Fault:
    """A fault that lacks nothing but its unit of work."""
    return replace(FAULT, **changed)


def unit(work: Records | Payload, number: int = 0, function: str = "fn", of: Fault = FAULT) -> Unit:
    """The unit of work of a fault that is number `number` of the run."""
    digest = fault_digest(of, function)
    identity = identity_of(digest, of, work, function)
    return to_unit(of, work, Place(OBJECT, number + 1, 0, number), function, identity)


def unit_of(*records: FaultRecord, number: int = 0, function: str = "fn", of: Fault = FAULT) -> Unit:
    """The unit of work that is these records."""
    return unit(Records(records), number, function, of)


def whole(*records: FaultRecord) -> Payload:
    """A whole invocation event that holds these records."""
    body = b'{"Records": [%b]}' % b", ".join(record.body for record in records)
    return Payload(body, records[0].source, len(payload_records(body)))


def _record(told: Mapping[str, object], arn: str) -> FaultRecord:
    return describe(json.dumps({**told, "eventSourceARN": arn}).encode())
