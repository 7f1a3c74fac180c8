"""The record a function receives, field by field."""

import base64
import json
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cncbops.formats.decoding import decode
from cncbops.formats.event import LakeEvent
from cncbops.formats.timestamp import LATEST_MS
from cncbops.kinesis.origin import origin_of
from cncbops.kinesis.record import Record, RecordSource, to_records
from cncbops.kinesis.synthesis import complete
from cncbops.lake.lines import Block
from cncbops.lake.objects import LakeObject
from tests.e2e.lakes import (
    STREAM,
    envelope,
    envelope_without_kinesis,
    eventbridge,
    firehose_error,
    firehose_key,
    hostile_events,
    join,
)
from tests.formats import json_texts

ROLE_ARN = "arn:aws:iam::999999999999:role/cncb-listener-role"
STREAM_ARN = "arn:aws:kinesis:eu-west-1:111111111111:stream/asked-for"
UNNAMED = RecordSource(None, ROLE_ARN, "ap-south-1", "999999999999")
NAMED = RecordSource(STREAM_ARN, ROLE_ARN, "ap-south-1", "999999999999")
FIRST_PLACE = 7 << 32
ORIGIN = origin_of(LakeObject("s3://lake/x", "lake", "x", 1, "", datetime(2018, 4, 8, tzinfo=UTC)))
EVENT = b'{"id":"e-1","type":"thing-created","timestamp":1700611200123}'


def records_of(data: bytes, key: str = firehose_key(), source: RecordSource = UNNAMED) -> list[Record]:
    origin = origin_of(LakeObject(f"s3://lake/{key}", "lake", key, 1, "", datetime(2018, 4, 8, tzinfo=UTC)))
    events, malformed = decode(Block(data, 1, 0))
    assert malformed == []
    complete(events, origin)
    return to_records(events, range(FIRST_PLACE, FIRST_PLACE + len(events)), origin, source)


def body_of(line: bytes, key: str = firehose_key(), source: RecordSource = UNNAMED) -> dict[str, Any]:
    (record,) = records_of(line, key, source)
    body: dict[str, Any] = json.loads(bytes(record.body))
    return body


def test_a_record_has_exactly_the_fields_that_lambda_delivers() -> None:
    sequence = 49646123700000000000000000000000000000000000000000000018
    assert body_of(envelope(EVENT, "thing-42", sequence, 3, 1700611201456)) == {
        "kinesis": {
            "kinesisSchemaVersion": "1.0",
            "partitionKey": "thing-42",
            "sequenceNumber": str(sequence),
            "data": base64.b64encode(EVENT).decode(),
            "approximateArrivalTimestamp": 1700611201.456,
        },
        "eventSource": "aws:kinesis",
        "eventVersion": "1.0",
        "eventID": f"shardId-000000000003:{sequence}",
        "eventName": "aws:kinesis:record",
        "invokeIdentityArn": ROLE_ARN,
        "awsRegion": "us-east-1",
        "eventSourceARN": f"arn:aws:kinesis:us-east-1:123456789012:stream/{STREAM}",
    }


def test_the_arrival_time_is_a_float_of_seconds_even_when_it_is_a_whole_number() -> None:
    arrival = body_of(envelope(EVENT, "k", 1, 0, 1700611201000))["kinesis"]["approximateArrivalTimestamp"]
    assert (type(arrival), arrival) == (float, 1700611201.0)


def test_a_record_knows_where_in_the_lake_it_comes_from() -> None:
    _, record = records_of(envelope(EVENT, "k", 1) + envelope(b'{"type":"t"}', "key", 22))
    assert (record.line, record.part, record.event_id) == (1, 1, None)
    assert (record.partition_key, record.sequence_number) == ("key", "22")
    assert record.object.key == firehose_key()


def test_each_record_has_the_place_given_for_its_event() -> None:
    records = records_of(join(envelope(EVENT, "k", number) for number in range(3)))
    assert [(record.sequence_number, record.place) for record in records] == [
        ("0", FIRST_PLACE),
        ("1", FIRST_PLACE + 1),
        ("2", FIRST_PLACE + 2),
    ]


def test_events_and_places_that_do_not_match_are_a_defect() -> None:
    events, _ = decode(Block(join([EVENT, EVENT]), 1, 0))
    complete(events, ORIGIN)
    with pytest.raises(ValueError, match=r"zip|as many"):
        to_records(events, range(1), ORIGIN, UNNAMED)


_keys = st.text(min_size=1) | st.sampled_from(
    ['"', "\\", "\x00\x1f\x7f", "\u2028\u2029", "\U0001f4a5", "</script>", "%b%s{}"]
)


@given(key=_keys, shard=_keys, arn=_keys, event_id=_keys, arrival_ms=st.integers(0, LATEST_MS), data=st.binary())
@example("k", "s", "a", "e", 0, b"")
@example("k", "s", "a", "e", LATEST_MS, b"{}")
def test_a_record_s_json_is_what_a_plain_encoder_makes_of_its_fields(
    key: str, shard: str, arn: str, event_id: str, arrival_ms: int, data: bytes
) -> None:
    event = LakeEvent(data, 1, 0, event_id, "t", None, key, "18", shard, arrival_ms)
    source = RecordSource(f"arn:aws:kinesis:{arn}", arn, "", "")
    (record,) = to_records([event], [5], ORIGIN, source)
    assert source.stream_arn
    assert json.loads(bytes(record.body)) == {
        "kinesis": {
            "kinesisSchemaVersion": "1.0",
            "partitionKey": key,
            "sequenceNumber": "18",
            "data": base64.b64encode(data).decode(),
            "approximateArrivalTimestamp": arrival_ms / 1000,
        },
        "eventSource": "aws:kinesis",
        "eventVersion": "1.0",
        "eventID": f"{shard}:18",
        "eventName": "aws:kinesis:record",
        "invokeIdentityArn": arn,
        "awsRegion": source.stream_arn.split(":")[3],
        "eventSourceARN": source.stream_arn,
    }
    assert b'"approximateArrivalTimestamp":%b}' % msgspec.json.encode(arrival_ms / 1000) in bytes(record.body)


@given(event=json_texts.events())
def test_data_decodes_to_the_bytes_of_the_event(event: bytes) -> None:
    for line, data in ((envelope(event, "k", 1), event.strip(b" \t\r")), (firehose_error(event), event)):
        assert base64.b64decode(body_of(line)["kinesis"]["data"], validate=True) == data


def test_hostile_events_reach_the_record_byte_for_byte() -> None:
    hostile = [event.strip(b" \t\r") for event in hostile_events()]
    records = records_of(join(envelope(event, "k", number) for number, event in enumerate(hostile)))
    assert [base64.b64decode(json.loads(bytes(record.body))["kinesis"]["data"]) for record in records] == hostile


def test_the_stream_that_was_named_comes_before_what_the_lake_says() -> None:
    body = body_of(envelope(EVENT, "k", 1), source=NAMED)
    assert (body["eventSourceARN"], body["awsRegion"]) == (STREAM_ARN, "eu-west-1")


@pytest.mark.parametrize(
    ("line", "key", "arn"),
    [
        (
            envelope(EVENT, "k", 1),
            "backup/john-s2/2018/04/08/03/object",
            "arn:aws:kinesis:us-east-1:123456789012:stream/john-s2",
        ),
        (
            envelope(EVENT, "k", 1).replace(b"arn:aws:", b"arn:aws-cn:"),
            "john-s2/2018/04/08/03/object",
            "arn:aws-cn:kinesis:us-east-1:123456789012:stream/john-s2",
        ),
        (
            envelope_without_kinesis(EVENT, 1).replace(b"arn:", b"no:"),
            "no-date",
            "no:aws:firehose:us-east-1:123456789012:deliverystream/cncb-data-lake-s3-john-DeliveryStream-13N6LEC9XJ6DZ",
        ),
        (
            b'{"event":{"type":"t"},"firehoseRecordMetadata":{"region":"sa-east-1"}}',
            "no-date",
            "arn:aws:kinesis:sa-east-1:999999999999:stream/unknown",
        ),
        (eventbridge(EVENT, "t", "i"), "no-date", "arn:aws:kinesis:us-east-1:123456789012:stream/unknown"),
        (EVENT, "s/2018/04/08/03/object", "arn:aws:kinesis:ap-south-1:999999999999:stream/s"),
        (EVENT, "no-date", "arn:aws:kinesis:ap-south-1:999999999999:stream/unknown"),
    ],
)
def test_an_unnamed_stream_is_rebuilt_from_folder_delivery_stream_and_line(line: bytes, key: str, arn: str) -> None:
    body = body_of(line, key)
    assert (body["eventSourceARN"], body["awsRegion"]) == (arn, arn.split(":")[3])


def test_events_of_several_regions_in_one_object_each_name_their_own() -> None:
    line = eventbridge(EVENT, "t", "i")
    lines = [line, line.replace(b"us-east-1", b"us-west-2"), line.replace(b"123456789012", b"222222222222")]
    assert [json.loads(bytes(record.body))["eventSourceARN"] for record in records_of(join(lines), "no-date")] == [
        "arn:aws:kinesis:us-east-1:123456789012:stream/unknown",
        "arn:aws:kinesis:us-west-2:123456789012:stream/unknown",
        "arn:aws:kinesis:us-east-1:222222222222:stream/unknown",
    ]
