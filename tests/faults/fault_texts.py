"""Fault documents as publishers write them: what is given is spliced in byte for byte, never serialised again."""

import base64
import gzip
import json
from collections.abc import Callable, Iterable

from hypothesis import strategies as st

from tests.e2e.lakes import envelope, envelope_without_kinesis, eventbridge, firehose_error
from tests.formats import json_texts

FUNCTION = "cncb-handling-faults-john-listener"
LAMBDA_ARN = f"arn:aws:lambda:us-east-1:123456789012:function:{FUNCTION}"
STREAM_ARN = "arn:aws:kinesis:us-east-1:123456789012:stream/john-cncb-event-stream-s1"
SPACE = b" \t\r\n"
Wrap = Callable[[bytes], bytes]


def packed(value: bytes) -> bytes:
    """The library's marker for a JSON text."""
    return b'"COMPRESSED' + base64.b64encode(gzip.compress(value, mtime=0)) + b'"'


def record(extra: bytes = b"1", event_id: str = "shardId-000000000000:1", data: bytes = b'{"type":"t"}') -> bytes:
    """A Kinesis record with a field that no parser and encoder together would keep."""
    encoded = base64.b64encode(data)
    return b'{"kinesis":{"partitionKey":"k","sequenceNumber":"1","data":"%b","x":%b},"eventID":"%b"}' % (
        encoded,
        extra,
        event_id.encode(),
    )


def library(work: bytes, fault_id: str = "f-1") -> bytes:
    return (
        b'{"id":"%b","type":"fault","timestamp":1700611203000,"tags":{"functionname":"%b","pipeline":"m1"},'
        b'"err":{"name":"Error","message":"m","stack":"s"},"uow":%b}' % (fault_id.encode(), FUNCTION.encode(), work)
    )


def cookbook(record: bytes) -> bytes:
    return (
        b'{"type":"fault","timestamp":1700611203000,"tags":{"functionName":"%b"},'
        b'"err":{"name":"Error","message":"m","stack":"s"},"uow":{"record":%b,"event":{"type":"thing-created"}}}'
        % (FUNCTION.encode(), record)
    )


def of_record(record: bytes) -> bytes:
    return library(b'{"pipeline":"m1","record":%b,"event":{"type":"thing-created"}}' % record)


def of_batch(records: Iterable[bytes]) -> bytes:
    parts = b",".join(b'{"record":%b,"event":{"type":"thing-created"}}' % each for each in records)
    return library(b'{"batch":[%b],"updateRequest":{}}' % parts)


def claim_check(bucket: str = "lake", key: str = "us-east-1/claimchecks/f-1") -> bytes:
    place = json.dumps({"bucket": bucket, "key": key}).encode()
    return b'{"id":"f-1","type":"fault","timestamp":1700611203000,"s3":%b}' % place


def stream_destination(payload: bytes | None = None, batch: str = "KinesisBatchInfo", arn: str = STREAM_ARN) -> bytes:
    document = {
        "version": "1.0",
        "timestamp": "2023-11-22T00:10:06.021Z",
        "requestContext": {"requestId": "r-1", "functionArn": LAMBDA_ARN, "condition": "RetryAttemptsExhausted"},
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
        batch: {
            "shardId": "shardId-000000000000",
            "startSequenceNumber": "18",
            "endSequenceNumber": "42",
            "approximateArrivalOfFirstRecord": "2023-11-22T00:00:01.456Z",
            "approximateArrivalOfLastRecord": "2023-11-22T00:00:02.580Z",
            "batchSize": 5,
            "streamArn": arn,
        },
    }
    text = {} if payload is None else {"payload": payload.decode()}
    return json.dumps({**document, **text}).encode()


def async_destination(payload: bytes, condition: str = "RetriesExhausted") -> bytes:
    return (
        b'{"version":"1.0","timestamp":"2023-11-22T00:14:05.762Z","requestContext":{"requestId":"r-2",'
        b'"functionArn":"%b:$LATEST","condition":"%b"},"requestPayload":%b,"responseContext":{"statusCode":200,'
        b'"functionError":"Unhandled"},"responsePayload":{"errorType":"TypeError","errorMessage":"m","trace":["a","b"]}}'
        % (LAMBDA_ARN.encode(), condition.encode(), payload)
    )


def notification(message: bytes) -> bytes:
    return json.dumps({"Type": "Notification", "TopicArn": "arn:aws:sns:::t", "Message": message.decode()}).encode()


DOCUMENTS: dict[str, Wrap] = {
    "cookbook": cookbook,
    "library": of_record,
    "batch": lambda each: of_batch([each]),
    "async": async_destination,
    "stream": lambda each: stream_destination(b'{"Records":[%b]}' % each),
}
WRAPS: dict[str, Wrap] = {
    "eventbridge": lambda fault: eventbridge(fault, "fault", "eb-1"),
    "eventbridge-compressed": lambda fault: eventbridge(packed(fault), "fault", "eb-1"),
    "envelope": lambda fault: envelope(fault, "key", 7),
    "envelope-without-kinesis": lambda fault: envelope_without_kinesis(fault, 7),
    "firehose-error": firehose_error,
    "notification": notification,
}


def wrapped(fault: bytes, wraps: Iterable[str]) -> bytes:
    for name in wraps:
        fault = WRAPS[name](fault)
    return fault


wrappings = st.lists(st.sampled_from(sorted(WRAPS)), max_size=3)
extras = json_texts.values.map(str.encode)
