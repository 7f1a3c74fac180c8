"""What a function is given: the events byte for byte, in records such as its event source mapping would make."""

import base64
import bz2
import gzip
import json
import re
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import pytest
import zstandard

from tests.e2e import lakes
from tests.e2e.far_side import FarSide
from tests.e2e.replays import Replays

STREAM_ARN = f"arn:aws:kinesis:us-east-1:123456789012:stream/{lakes.STREAM}"
ROLE_ARN = "arn:aws:iam::123456789012:role/cncb-listener-role"
FIREHOSE_ARN = f"arn:aws:firehose:us-east-1:123456789012:deliverystream/{lakes.DELIVERY_STREAM}"
EVENT = b'{"id":"e-1","type":"thing-created","timestamp":1523159600000,"partitionKey":"thing-42"}'


def in_each_format(events: Sequence[bytes]) -> dict[str, list[bytes]]:
    """The same events as lines of every format the lake knows."""
    return {
        "envelope": [lakes.envelope(event, f"key-{n}", n) for n, event in enumerate(events, 1)],
        "direct-put": [lakes.envelope_without_kinesis(event, n) for n, event in enumerate(events, 1)],
        "eventbridge": [lakes.eventbridge(event, "thing-created", f"eb-{n}") for n, event in enumerate(events, 1)],
        "raw": [lakes.raw(event) for event in events],
        "firehose-error": [lakes.firehose_error(event) for event in events],
    }


def values(data: Sequence[bytes]) -> Counter[bytes]:
    """How often each JSON value was delivered; the white space around a value is the line's, not the event's."""
    return Counter(each.strip(b" \t\r\n") for each in data)


def records(far_side: FarSide) -> list[dict[str, Any]]:
    """Every record delivered, as it arrived."""
    calls = [call for call in far_side.invocations if call.outcome == "succeeded"]
    return [record for call in calls for record in json.loads(call.payload)["Records"]]


def test_hostile_events_arrive_byte_for_byte_from_every_line_format(far_side: FarSide, replays: Replays) -> None:
    events = lakes.hostile_events()
    lines = in_each_format(events)
    mixed = [line for of_one_event in zip(*lines.values(), strict=True) for line in of_one_event]
    objects = {f"x/{name}": lakes.join(of_format) for name, of_format in lines.items()}
    far_side.add_bucket("lake", objects | {"x/mixed": lakes.join(mixed)})
    far_side.add_function("fn")
    run = replays.execute()
    assert values(far_side.delivered_data()) == values(events * 10)
    assert (run.status, run.events["delivered"]) == ("succeeded", len(events) * 10)


def test_a_cookbook_line_under_the_format_raw_is_delivered_whole(far_side: FarSide, replays: Replays) -> None:
    line = lakes.envelope(EVENT, "thing-42", 1)[:-1] + b',"type":"wrapped"}'
    far_side.add_bucket("lake", {"x": line})
    far_side.add_function("fn")
    replays.execute("--format", "raw")
    assert far_side.delivered_data() == [line]


def test_every_compression_of_firehose_and_friends_is_undone(far_side: FarSide, replays: Replays) -> None:
    events = [event for _, event in lakes.make_events(300, 7)]
    body = lakes.join(events)
    half = len(lakes.join(events[:150]))
    packed = {
        "plain": body,
        "gzip.gz": gzip.compress(body),
        "gzip-in-members.gz": gzip.compress(body[:half]) + gzip.compress(body[half:]),
        "gzip-without-a-suffix": gzip.compress(body),
        "plain-with-a-wrong-suffix.gz": body,
        "zip.zip": lakes.zipped(body),
        "xerial.snappy": lakes.xerial_snappy(body),
        "hadoop.snappy": lakes.hadoop_snappy(body),
        "bzip2.bz2": bz2.compress(body),
        "zstd.zst": zstandard.compress(body),
    }
    far_side.add_bucket("lake", packed)
    far_side.add_function("fn")
    run = replays.execute()
    assert values(far_side.delivered_data()) == values(events * len(packed))
    assert run.summary["objects"] | {"bytes": sum(map(len, packed.values()))} == run.summary["objects"]


def test_lines_are_told_apart_however_they_are_separated(far_side: FarSide, replays: Replays) -> None:
    events = lakes.hostile_events()
    lines = [lakes.envelope(event, f"key-{n}", n) for n, event in enumerate(events, 1)]
    far_side.add_bucket(
        "lake",
        {
            "nothing-between": lakes.join(lines, b""),
            "crlf": lakes.join(lines, b"\r\n"),
            "blank-lines": lakes.join(lines, b"\n\n \n"),
            "no-newline-at-the-end": b"\n".join(lines),
            "byte-order-mark": b"\xef\xbb\xbf" + lakes.join(lines),
            "space-between": lakes.join(lines, b"  "),
        },
    )
    far_side.add_function("fn")
    run = replays.execute()
    assert values(far_side.delivered_data()) == values(events * 6)
    assert run.events["malformed"] == 0


def expected_record(sequence: int, **members: Any) -> dict[str, Any]:
    return {
        "kinesis": {
            "kinesisSchemaVersion": "1.0",
            "partitionKey": "thing-42",
            "sequenceNumber": str(sequence),
            "data": base64.b64encode(EVENT).decode(),
            "approximateArrivalTimestamp": 1523159608.123,
        },
        "eventSource": "aws:kinesis",
        "eventVersion": "1.0",
        "eventID": f"shardId-000000000003:{sequence}",
        "eventName": "aws:kinesis:record",
        "invokeIdentityArn": ROLE_ARN,
        "awsRegion": "us-east-1",
        "eventSourceARN": STREAM_ARN,
        **members,
    }


OTHER_ARN = "arn:aws:kinesis:eu-west-1:210987654321:stream/other"


@pytest.mark.parametrize(
    ("key", "mappings", "option", "members"),
    [
        (lakes.firehose_key(), [], [], {}),
        ("somewhere/else", [], [], {"eventSourceARN": FIREHOSE_ARN}),
        (
            "somewhere/else",
            [{"EventSourceArn": OTHER_ARN}],
            [],
            {"eventSourceARN": OTHER_ARN, "awsRegion": "eu-west-1"},
        ),
        (
            lakes.firehose_key(),
            [{}],
            ["--stream-arn", OTHER_ARN],
            {"eventSourceARN": OTHER_ARN, "awsRegion": "eu-west-1"},
        ),
    ],
    ids=["rebuilt from the lake", "the delivery stream's", "the mapping's", "the option's"],
)
def test_a_record_has_what_kinesis_gave_it_and_names_its_stream(
    key: str, mappings: Any, option: list[str], members: Any, far_side: FarSide, replays: Replays
) -> None:
    sequence = lakes.FIRST_SEQUENCE
    far_side.add_bucket("lake", {key: lakes.envelope(EVENT, "thing-42", sequence, shard=3)})
    far_side.add_function("fn", mappings=mappings)
    run = replays.execute(*option)
    assert records(far_side) == [expected_record(sequence, **members)]
    assert run.events["synthesized"] == 0


def test_what_the_lake_did_not_keep_is_made_up_alike_in_every_run(far_side: FarSide, replays: Replays) -> None:
    events = [EVENT, b'{"id":"e-2","type":"a"}', b'{"type":"b"}', b'{"type":"c","partitionKey":"%b"}' % (b"k" * 300)]
    lake = {lakes.firehose_key(index=n): lakes.join(events) for n in range(2)}
    far_side.add_bucket("lake", lake)
    far_side.add_function("fn")
    runs = [replays.execute(), replays.execute("--again")]
    first, second = records(far_side)[:8], records(far_side)[8:]
    by_id = {record["eventID"]: record for record in first}
    assert by_id == {record["eventID"]: record for record in second}
    assert len(by_id) == 8
    assert all(re.fullmatch(r"shardId-000000000000:[1-9]\d{0,128}", event_id) for event_id in by_id)
    keys = Counter(record["kinesis"]["partitionKey"] for record in first)
    assert {"thing-42": 2, "e-2": 2, "k" * 256: 2}.items() <= keys.items()
    assert [run.events["synthesized"] for run in runs] == [8, 8]


def test_sequence_numbers_that_are_made_up_rise_in_lake_order(far_side: FarSide, replays: Replays) -> None:
    events = [b'{"id":"e-%d","type":"a","partitionKey":"same"}' % number for number in range(60)]
    lake = {
        lakes.firehose_key(index=index): lakes.join(events[index * 20 : index * 20 + 20], b"" if index else b"\n")
        for index in range(3)
    }
    far_side.add_bucket("lake", lake)
    far_side.add_function("fn")
    replays.execute("--batch-size", "7")
    numbers = [int(record.sequence_number) for record in far_side.delivered()]
    assert len(numbers) == 60
    assert all(former < latter for former, latter in pairwise(numbers))


def test_the_account_and_region_of_an_eventbridge_line_name_its_stream(far_side: FarSide, replays: Replays) -> None:
    key = "us-east-1/2018/04/08/03/object-1-2018-04-08-03-53-28-9f0a3b1c-0000-4000-8000-000000000001"
    far_side.add_bucket("lake", {key: lakes.eventbridge(EVENT, "thing-created", "eb-1")})
    far_side.add_function("fn")
    replays.execute()
    (record,) = records(far_side)
    assert record["eventSourceARN"].startswith("arn:aws:kinesis:us-east-1:123456789012:stream/")
    assert (record["kinesis"]["partitionKey"], record["kinesis"]["data"]) == (
        "thing-42",
        base64.b64encode(EVENT).decode(),
    )
