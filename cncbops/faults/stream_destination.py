"""What Lambda sets aside of a stream: a batch that could not be processed, by the mapping's on-failure destination.

Only the form in S3 holds the invocation, as a string; SQS and SNS get the same without it. Source: AWS
Lambda Developer Guide, "Retain discarded batch records for a Kinesis Data Streams event source in Lambda".
"""

import msgspec
from msgspec.structs import replace

from cncbops.faults.destination import described
from cncbops.faults.fault import Fault, Nothing, Payload, StreamRange
from cncbops.faults.hints import Hints
from cncbops.faults.json_text import NOT_JSON, Fields, check, fields_in, text_in, time_in, value_in
from cncbops.faults.record import payload_records

_BATCHES = ("KinesisBatchInfo", "DDBStreamBatchInfo")


def recognise(fields: Fields, _: Hints) -> bool:
    """Whether this tells of a batch of a stream."""
    return "requestContext" in fields and any(name in fields for name in _BATCHES)


def decode(fields: Fields, hints: Hints) -> list[Fault]:
    """The fault: with the invocation, else with where its records lie in the stream."""
    batch = next(fields_in(fields[name]) for name in _BATCHES if name in fields)
    fault = described(fields, hints)
    places = (text_in(batch.get(name)) for name in ("shardId", "startSequenceNumber"))
    fault = replace(fault, id="/".join([fault.id, *filter(None, places)]) if fault.id else None)
    payload = _payload(fields.get("payload"))
    if payload is None:
        return [replace(fault, unit=_range(batch))]
    records = payload_records(payload)
    types = tuple(dict.fromkeys(record.event_type for record in records if record.event_type))
    source = records[0].source if records else "other"
    return [replace(fault, event_types=types, unit=Payload(payload, source, len(records) or 1))]


def _payload(document: msgspec.Raw | None) -> bytes | None:
    value = value_in(document)
    if not isinstance(value, str):
        return None
    try:
        payload = value.encode()
        check(payload)
    except NOT_JSON:
        return None
    return payload


def _range(batch: Fields) -> StreamRange | Nothing:
    named = [text_in(batch.get(name)) for name in ("streamArn", "shardId", "startSequenceNumber", "endSequenceNumber")]
    if not all(named):
        return Nothing("the document does not say where in the stream its records lie")
    stream_arn, shard_id, first, last = map(str, named)
    size = value_in(batch.get("batchSize"))
    return StreamRange(
        stream_arn,
        shard_id,
        first,
        last,
        size if type(size) is int else None,
        time_in(batch.get("approximateArrivalOfFirstRecord")),
        time_in(batch.get("approximateArrivalOfLastRecord")),
    )
