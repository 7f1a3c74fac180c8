"""What each line format keeps of an event's record, and which format a line is of."""

import base64
import pickle
import sys
from typing import Any

import msgspec
import pytest

from cncbops.formats.decoding import decode
from cncbops.formats.event import LakeEvent, NotAnEvent
from cncbops.formats.families import FAMILIES, Family, family_of
from cncbops.lake.lines import Block
from tests.e2e.lakes import envelope, envelope_without_kinesis, eventbridge, firehose_error

EVENT = b'{"id":"e-1","type":"thing-created","timestamp":1700611200123,"partitionKey":"thing-42","tags":{}}'
FIREHOSE_ARN = (
    "arn:aws:firehose:us-east-1:123456789012:deliverystream/cncb-data-lake-s3-john-DeliveryStream-13N6LEC9XJ6DZ"
)


def read(line: bytes) -> LakeEvent:
    (event,), malformed = decode(Block(line, 1, 0))
    assert malformed == []
    return event


def kept(line: bytes) -> dict[str, Any]:
    """What a line says of its event beside the event's own bytes and place."""
    event = read(line)
    fields = {name: getattr(event, name) for name in event.__struct_fields__}
    return {name: value for name, value in fields.items() if name not in ("data", "line", "part") and value is not None}


def test_an_envelope_keeps_the_whole_record() -> None:
    assert kept(envelope(EVENT, "other-key", 4964 * 10**52, 3, 1700611201456)) == {
        "event_id": "e-1",
        "type": "thing-created",
        "timestamp": 1700611200123,
        "partition_key": "other-key",
        "sequence_number": str(4964 * 10**52),
        "shard_id": "shardId-000000000003",
        "arrival_ms": 1700611201456,
        "region": "us-east-1",
        "delivery_stream_arn": FIREHOSE_ARN,
        "synthesized": False,
    }


@pytest.mark.parametrize("kinesis", [b"", b'"kinesisRecordMetadata":null,'])
def test_an_envelope_of_direct_put_keeps_the_event_s_own_key_and_firehose_s_time(kinesis: bytes) -> None:
    line = b"{" + kinesis + envelope_without_kinesis(EVENT, 1, 1700611209999)[1:]
    assert kept(line) == {
        "event_id": "e-1",
        "type": "thing-created",
        "timestamp": 1700611200123,
        "partition_key": "thing-42",
        "arrival_ms": 1700611209999,
        "region": "us-east-1",
        "delivery_stream_arn": FIREHOSE_ARN,
        "synthesized": False,
    }


@pytest.mark.parametrize(
    ("written", "arrival_ms"),
    [
        (b"1700611201456", 1700611201456),
        (b'"1700611201456"', 1700611201456),
        (b'""', None),
        (b"null", None),
        (b"true", None),
        (b"[]", None),
        (b"-1", None),
        (b"9" * 400, None),
        (b'"' + b"9" * 5000 + b'"', None),
        ('"\u00b2"'.encode(), None),
    ],
)
def test_quoted_and_odd_arrival_times_are_read_or_left_out(written: bytes, arrival_ms: int | None) -> None:
    line = b'{"event":' + EVENT + b',"kinesisRecordMetadata":{"approximateArrivalTimestamp":' + written + b"}}"
    assert read(line).arrival_ms == arrival_ms


def test_odd_metadata_is_as_good_as_missing() -> None:
    line = (
        b'{"event":' + EVENT + b',"kinesisRecordMetadata":{"shardId":7,"partitionKey":"","sequenceNumber":[],'
        b'"subsequenceNumber":""},"firehoseRecordMetadata":{"deliveryStreamArn":null,"region":{}}}'
    )
    event = read(line)
    assert (event.shard_id, event.partition_key, event.sequence_number) == ("7", "thing-42", None)
    assert (event.delivery_stream_arn, event.region) == (None, None)


def test_empty_fields_are_as_good_as_missing() -> None:
    event = b'{"id":"","type":"","partitionKey":""}'
    metadata = b'"kinesisRecordMetadata":{"shardId":"","sequenceNumber":""},"firehoseRecordMetadata":{"region":""}'
    assert kept(b'{"event":' + event + b"," + metadata + b"}") == {"synthesized": False}


def test_an_arrival_at_the_beginning_of_time_is_one() -> None:
    times = [b'{"approximateArrivalTimestamp":%d}' % time for time in (0, 7)]
    assert read(b'{"event":{},"kinesisRecordMetadata":%b,"firehoseRecordMetadata":%b}' % (*times,)).arrival_ms == 0


def test_a_sequence_number_written_as_a_number_keeps_all_its_digits() -> None:
    line = b'{"event":' + EVENT + b',"kinesisRecordMetadata":{"sequenceNumber":' + b"4964612370" * 5 + b"}}"
    assert read(line).sequence_number == "4964612370" * 5


def test_an_eventbridge_event_is_its_detail_and_keeps_region_account_and_source() -> None:
    assert bytes(read(eventbridge(EVENT, "thing-created", "bus-id")).data) == EVENT
    assert kept(eventbridge(EVENT, "thing-created", "bus-id")) == {
        "event_id": "e-1",
        "type": "thing-created",
        "timestamp": 1700611200123,
        "partition_key": "thing-42",
        "region": "us-east-1",
        "account": "123456789012",
        "source": "custom",
        "synthesized": False,
    }


def test_an_eventbridge_event_lends_its_id_and_type_to_a_detail_without() -> None:
    event = read(eventbridge(b"{}", "thing-created", "bus-id"))
    assert (event.event_id, event.type) == ("bus-id", "thing-created")


@pytest.mark.parametrize("quote", [b"", b'"'])
def test_a_firehose_error_record_is_the_record_that_could_not_be_transformed(quote: bytes) -> None:
    line = firehose_error(EVENT, 1700611201456).replace(b"1700611201456", quote + b"1700611201456" + quote)
    assert bytes(read(line).data) == EVENT
    assert kept(line) == {
        "event_id": "e-1",
        "type": "thing-created",
        "timestamp": 1700611200123,
        "partition_key": "thing-42",
        "arrival_ms": 1700611201456,
        "synthesized": False,
    }


def test_a_failed_conversion_keeps_its_sequence_number() -> None:
    raw_data = base64.b64encode(EVENT)
    line = (
        b'{"attemptsMade":1,"ErrorCode":"x","rawData":"'
        + raw_data
        + b'","sequenceNumber":"4964","subSequenceNumber":0}'
    )
    assert read(line).sequence_number == "4964"


def test_a_raw_event_has_only_what_is_in_it() -> None:
    assert kept(EVENT) == {
        "event_id": "e-1",
        "type": "thing-created",
        "timestamp": 1700611200123,
        "partition_key": "thing-42",
        "synthesized": False,
    }


@pytest.mark.parametrize("event", [b"7", b'"text"', b"[1,2]", b"true", b"{}"])
def test_an_event_in_an_envelope_may_be_any_json_but_null(event: bytes) -> None:
    found = read(envelope(event, "key", 1))
    assert (bytes(found.data), found.type, found.event_id) == (event, None, None)


@pytest.mark.parametrize(
    ("line", "family"),
    [
        (b'{"rawData":"","attemptsMade":4,"event":{},"firehoseRecordMetadata":{}}', "firehose-error"),
        (b'{"event":{},"firehoseRecordMetadata":{},"detail":{},"detail-type":"x"}', "envelope"),
        (b'{"event":{},"kinesisRecordMetadata":{}}', "envelope"),
        (b'{"detail":{},"detail-type":"x","type":"x"}', "eventbridge"),
        (b'{"type":"x","event":{},"detail":{},"rawData":""}', "raw"),
        (b'{"\\u0074ype":"x"}', "raw"),
    ],
)
def test_formats_are_told_by_their_fields_in_a_fixed_order(line: bytes, family: str) -> None:
    assert family_of(line).name == family


@pytest.mark.parametrize("line", [b"{}", b"[]", b"null", b'{"type":null}', b'{"type":["x"]}', b'{"Type":"x"}'])
def test_what_has_no_string_type_is_of_no_format(line: bytes) -> None:
    with pytest.raises(NotAnEvent):
        family_of(line)


def test_what_is_no_json_is_of_no_format() -> None:
    with pytest.raises(msgspec.DecodeError):
        family_of(b'{"type":"x"')


def test_names_of_formats_are_what_the_command_line_offers() -> None:
    assert [family.name for family in FAMILIES] == ["firehose-error", "envelope", "eventbridge", "raw"]


@pytest.mark.parametrize("family", FAMILIES)
def test_a_format_is_sent_to_where_no_c_was_compiled(family: Family, monkeypatch: pytest.MonkeyPatch) -> None:
    sent = pickle.dumps(family)
    monkeypatch.setitem(sys.modules, "cncbops.native.hot", None)
    assert pickle.loads(sent) is family
