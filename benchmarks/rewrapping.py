"""From the lines of an object to Kinesis records, by the shortest way: no checks, no selection, no order kept.

The envelope and faults in it are all that this knows.
"""

import gzip
from binascii import b2a_base64

import msgspec

Content = bytes | bytearray


class _Kinesis(msgspec.Struct, gc=False, rename="camel"):
    shard_id: str
    partition_key: msgspec.Raw
    sequence_number: str
    approximate_arrival_timestamp: int


class _Line(msgspec.Struct, gc=False, rename="camel"):
    event: msgspec.Raw
    kinesis_record_metadata: _Kinesis


class _Work(msgspec.Struct, gc=False):
    record: msgspec.Raw


class _Fault(msgspec.Struct, gc=False):
    uow: _Work


class _FaultLine(msgspec.Struct, gc=False):
    event: _Fault


_lines = msgspec.json.Decoder(_Line)
_faults = msgspec.json.Decoder(_FaultLine)
_ARN = b"arn:aws:kinesis:us-east-1:123456789012:stream/john-cncb-event-stream-s1"
_ROLE = b"arn:aws:iam::000000000000:role/unknown"


def plain(content: Content) -> Content:
    """The content, unpacked where it is gzip."""
    return gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content


def replayed(content: Content) -> list[bytes]:
    """The records of an object's events."""
    return [_record(line.event, line.kinesis_record_metadata) for line in _lines.decode_lines(content)]


def resubmitted(content: Content) -> list[bytes]:
    """The records in an object's faults."""
    return [bytes(line.event.uow.record) for line in _faults.decode_lines(content)]


def payload(records: list[bytes]) -> bytes:
    """The body of an invocation."""
    return b'{"Records":[%b]}' % b",".join(records)


def _record(event: msgspec.Raw, kinesis: _Kinesis) -> bytes:
    sequence = kinesis.sequence_number.encode()
    return (
        b'{"kinesis":{"kinesisSchemaVersion":"1.0","partitionKey":%b,"sequenceNumber":"%b","data":"%b",'
        b'"approximateArrivalTimestamp":%.3f},"eventSource":"aws:kinesis","eventVersion":"1.0","eventID":"%b:%b",'
        b'"eventName":"aws:kinesis:record","invokeIdentityArn":"%b","awsRegion":"us-east-1","eventSourceARN":"%b"}'
    ) % (
        bytes(kinesis.partition_key),
        sequence,
        b2a_base64(event, newline=False),
        kinesis.approximate_arrival_timestamp / 1000,
        kinesis.shard_id.encode(),
        sequence,
        _ROLE,
        _ARN,
    )
