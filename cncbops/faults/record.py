"""A record as a fault holds it: which source it is from, and what its fields say of it.

Sources: AWS Lambda Developer Guide, the event samples of each source; jgilbert01/aws-lambda-stream,
src/from/*.js, for the composite `{sqs,sns,s3}` whose first part is what the function was given.
"""

import re
from collections.abc import Callable, Sequence

from msgspec.structs import replace

from cncbops.faults.compressed import undone
from cncbops.faults.fault import EventSource, FaultRecord, Flaw, Payload, Records, Work
from cncbops.faults.json_text import Fields, elements_in, fields_in, head_in, starts_with, text_in, type_in, value_in
from cncbops.formats.event import Bytes, text

_REDACTED = re.compile(rb'"\[(?:REDACTED|CIRCULAR|BUFFER: \d+|TYPED_ARRAY: \d+)\]"(?!\s*+:)')


def read_record(document: Bytes, room: int) -> tuple[FaultRecord | None, set[Flaw]]:
    """The record of a fault, with what its publisher compressed undone, and what is wrong with it.

    `room` is how many bytes what was compressed may come to.
    """
    body, is_readable = undone(bytes(document), room)
    fields = fields_in(body)
    if "sqs" in fields and "eventSource" not in fields:  # composite: the function was given the queue's message
        body, is_given_readable = undone(bytes(fields["sqs"]), room)
        is_readable = is_readable and is_given_readable
    flaws: set[Flaw] = set() if is_readable else {"compressed-unreadable"}
    if b"[" in body and _REDACTED.search(body):  # few records hold a list
        flaws.add("redacted")
    return (describe(body) if starts_with(body, b"{") else None), flaws


def describe(body: bytes) -> FaultRecord:
    """A record, with what can be known of it."""
    fields = fields_in(body)
    source = _source(fields)
    record = FaultRecord(
        body,
        source,
        event_id=text_in(fields.get("eventID")),
        source_arn=text_in(fields.get("eventSourceARN")),
        data=_data_of(fields),
    )
    return _DETAILS[source](record, fields) if source in _DETAILS else record


def _data_of(fields: Fields) -> str | None:
    data = value_in(fields_in(fields.get("kinesis")).get("data"))
    return data if isinstance(data, str) else None


def payload_records(body: Bytes) -> list[FaultRecord]:
    """The records of an invocation event; the event itself where it is one of EventBridge; else none."""
    fields = fields_in(body)
    if "detail-type" in fields:
        return [describe(bytes(body))]
    return [describe(bytes(record)) for record in elements_in(fields.get("Records"))]


def records_of(work: Work) -> Sequence[FaultRecord]:
    """The records that a fault holds to be sent again; none where they are still to be fetched."""
    match work:
        case Records(records):
            return records
        case Payload(body):
            return payload_records(body)
    return ()


_BY_NAME: dict[str, EventSource] = {
    "aws:kinesis": "kinesis",
    "aws:dynamodb": "dynamodb",
    "aws:sqs": "sqs",
    "aws:s3": "s3",
    "aws:sns": "sns",
}
_BY_FIELD: dict[str, EventSource] = {
    "kinesis": "kinesis",
    "dynamodb": "dynamodb",
    "s3": "s3",
    "Sns": "sns",
    "body": "sqs",
}


def _source(fields: Fields) -> EventSource:
    if "detail-type" in fields:
        return "eventbridge"
    name = text_in(fields.get("eventSource")) or text_in(fields.get("EventSource"))
    if name is not None:
        return _BY_NAME.get(name, "other")
    return next((source for field, source in _BY_FIELD.items() if field in fields), "other")


def _kinesis(record: FaultRecord, fields: Fields) -> FaultRecord:
    kinesis = fields_in(fields.get("kinesis"))
    shard, colon, _ = (record.event_id or "").partition(":")
    return replace(
        record,
        partition_key=text_in(kinesis.get("partitionKey")),
        sequence_number=text_in(kinesis.get("sequenceNumber")),
        shard_id=shard if colon else None,
    )


def _dynamodb(record: FaultRecord, fields: Fields) -> FaultRecord:
    change = fields_in(fields.get("dynamodb"))
    return replace(
        record,
        partition_key=bytes(change["Keys"]).decode() if "Keys" in change else None,
        sequence_number=text_in(change.get("SequenceNumber")),
    )


def _sqs(record: FaultRecord, fields: Fields) -> FaultRecord:
    attributes = fields_in(fields.get("attributes"))
    return replace(
        record,
        event_id=text_in(fields.get("messageId")),
        partition_key=text_in(attributes.get("MessageGroupId")),
        sequence_number=text_in(attributes.get("SequenceNumber")),
        said_type=type_in(value_in(fields.get("body"))),
    )


def _sns(record: FaultRecord, fields: Fields) -> FaultRecord:
    message = fields_in(fields.get("Sns"))
    return replace(
        record,
        event_id=text_in(message.get("MessageId")),
        source_arn=text_in(message.get("TopicArn")),
        said_type=type_in(value_in(message.get("Message"))),
    )


def _eventbridge(record: FaultRecord, fields: Fields) -> FaultRecord:
    head = head_in(fields.get("detail", b""))
    return replace(
        record,
        event_id=text_in(fields.get("id")),
        partition_key=text(head.partition_key),
        said_type=text(head.type) or text_in(fields.get("detail-type")),
    )


_DETAILS: dict[EventSource, Callable[[FaultRecord, Fields], FaultRecord]] = {
    "kinesis": _kinesis,
    "dynamodb": _dynamodb,
    "sqs": _sqs,
    "sns": _sns,
    "eventbridge": _eventbridge,
}
