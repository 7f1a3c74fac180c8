"""A line of the lake around an event, in each of the formats that cncbops reads."""

import base64
from collections.abc import Callable
from datetime import UTC, datetime

from benchmarks.events import Arrival, Stream, event_type
from benchmarks.shape import STREAM, Shape

DELIVERY_STREAM = "cncb-data-lake-s3-john-DeliveryStream-1ABCDEFGHIJKL"
_FIREHOSE_ARN = f"arn:aws:firehose:us-east-1:123456789012:deliverystream/{DELIVERY_STREAM}"
_STREAM_ARN = f"arn:aws:kinesis:us-east-1:123456789012:stream/{STREAM}"
_ROLE_ARN = "arn:aws:iam::123456789012:role/cncb-listener-role"


def line_maker(shape: Shape) -> Callable[[int], bytes]:
    """What makes the line of an event, given its number."""
    stream = Stream(shape)
    wrap, sized = _wraps(shape)

    def line(number: int) -> bytes:
        arrival = stream.arrival(number)
        bare = len(sized(arrival, stream.event(arrival, 0))) + 1
        return wrap(arrival, stream.event(arrival, max(0, shape.line_bytes - bare))) + b"\n"

    return line


_Wrap = Callable[[Arrival, bytes], bytes]


def _wraps(shape: Shape) -> tuple[_Wrap, _Wrap]:
    """How a line is made, and how the one that has the size asked for: a fault's event is the lake's."""

    def document(arrival: Arrival, event: bytes) -> bytes:
        return _fault(arrival, event, shape.function)

    def enveloped(arrival: Arrival, event: bytes) -> bytes:
        return _envelope(arrival, document(arrival, event))

    plain: dict[str, _Wrap] = {"envelope": _envelope, "eventbridge": _eventbridge, "raw": _raw}
    if shape.format in plain:
        return plain[shape.format], plain[shape.format]
    return {"fault": enveloped, "fault-document": document}[shape.format], _envelope


def _raw(_: Arrival, event: bytes) -> bytes:
    return event


def _envelope(arrival: Arrival, event: bytes) -> bytes:
    sequence = arrival.sequence_number.encode()
    return (
        b'{"event":%b,"kinesisRecordMetadata":{"shardId":"%b","partitionKey":"%b","sequenceNumber":"%b",'
        b'"subsequenceNumber":0,"approximateArrivalTimestamp":%d},"firehoseRecordMetadata":'
        b'{"deliveryStreamArn":"%b","region":"us-east-1","invocationId":"0f9d2f0a-6c1e-4b57-9a55-0c3a1f6f2f10",'
        b'"recordId":"%b000000","approximateArrivalTimestamp":%d}}'
    ) % (
        event,
        arrival.shard_id.encode(),
        arrival.key.encode(),
        sequence,
        arrival.at_ms,
        _FIREHOSE_ARN.encode(),
        sequence,
        arrival.at_ms + 120,
    )


def _eventbridge(arrival: Arrival, event: bytes) -> bytes:
    time = datetime.fromtimestamp(arrival.at_ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    head = (
        f'{{"version":"0","id":"5d2c6f4e-0c7e-4e1b-8f4d-{arrival.number:012x}","detail-type":"{event_type(arrival)}",'
        f'"source":"custom","account":"123456789012","time":"{time}","region":"us-east-1","resources":[],"detail":'
    )
    return head.encode() + event + b"}"


def _fault(arrival: Arrival, event: bytes, function: str) -> bytes:
    return (
        b'{"type":"fault","timestamp":%d,"tags":{"functionName":"%b"},"err":{"name":"Error",'
        b'"message":"thing has no owner","stack":"Error: thing has no owner\\n'
        b'    at validate (/var/task/handler.js:36:17)"},"uow":{"record":%b,"event":%b}}'
    ) % (arrival.at_ms + 2_000, function.encode(), _record(arrival, event), event)


def _record(arrival: Arrival, event: bytes) -> bytes:
    """The record as the function had it, which a fault keeps."""
    return (
        f'{{"kinesis":{{"kinesisSchemaVersion":"1.0","partitionKey":"{arrival.key}",'
        f'"sequenceNumber":"{arrival.sequence_number}","data":"{base64.b64encode(event).decode()}",'
        f'"approximateArrivalTimestamp":{arrival.at_ms / 1000:.3f}}},"eventSource":"aws:kinesis","eventVersion":"1.0",'
        f'"eventID":"{arrival.shard_id}:{arrival.sequence_number}","eventName":"aws:kinesis:record",'
        f'"invokeIdentityArn":"{_ROLE_ARN}","awsRegion":"us-east-1","eventSourceARN":"{_STREAM_ARN}"}}'
    ).encode()
