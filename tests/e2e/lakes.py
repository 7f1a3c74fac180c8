"""What a test's lake holds: lines in four formats, object keys, whole lakes, hostile content.

Event bytes are spliced into their lines verbatim, never serialised again, and everything is the same for the
same arguments: a test builds its expectation by calling the builder a second time.
"""

import base64
import io
import json
import random
import struct
import uuid
import zipfile
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from hashlib import md5

import cramjam

STREAM = "john-cncb-event-stream-s1"
DELIVERY_STREAM = "cncb-data-lake-s3-john-DeliveryStream-13N6LEC9XJ6DZ"
START = datetime(2018, 4, 8, 3, 53, 28, tzinfo=UTC)
FIRST_SEQUENCE = 49583421700000000000000000000000000000000000000000000002
TYPES = ("thing-created", "thing-updated", "thing-deleted")


def join(lines: Iterable[bytes], delimiter: bytes = b"\n") -> bytes:
    """The body of one object; `delimiter` b"" is a lake whose records nobody separated."""
    return b"".join(line + delimiter for line in lines)


def zipped(body: bytes) -> bytes:
    """As Firehose's ZIP: one deflated entry."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("9f0a3b1c-0000-4000-8000-000000000001", body)
    return packed.getvalue()


def xerial_snappy(body: bytes) -> bytes:
    """As Firehose's Snappy: a header, then chunks of raw Snappy, each behind its length."""
    return b"\x82SNAPPY\x00" + struct.pack(">II", 1, 1) + b"".join(_snappy_chunks(body))


def hadoop_snappy(body: bytes) -> bytes:
    """As Firehose's HADOOP_SNAPPY: the plain length, then chunks of raw Snappy, each behind its length."""
    return struct.pack(">I", len(body)) + b"".join(_snappy_chunks(body))


# Lines


def envelope(event: bytes, partition_key: str, sequence: int, shard: int = 0, arrival_ms: int = 1523159608123) -> bytes:
    """A cookbook line: the event with its Kinesis and Firehose metadata."""
    metadata = {
        "shardId": f"shardId-{shard:012d}",
        "partitionKey": partition_key,
        "sequenceNumber": str(sequence),
        "subsequenceNumber": 0,
        "approximateArrivalTimestamp": arrival_ms,
    }
    return b"".join(
        [
            b'{"event":',
            event,
            b',"kinesisRecordMetadata":',
            _compact(metadata),
            b",",
            _firehose(sequence, arrival_ms),
        ]
    )


def envelope_without_kinesis(event: bytes, record_id: int, arrival_ms: int = 1523159608123) -> bytes:
    """A cookbook line of a Direct PUT delivery stream: no kinesisRecordMetadata."""
    return b"".join([b'{"event":', event, b",", _firehose(record_id, arrival_ms)])


def eventbridge(detail: bytes, event_type: str, event_id: str, when: datetime = START) -> bytes:
    """An EventBridge line; the event is its detail."""
    head = {
        "version": "0",
        "id": event_id,
        "detail-type": event_type,
        "source": "custom",
        "account": "123456789012",
    }
    rest = {"time": when.strftime("%Y-%m-%dT%H:%M:%SZ"), "region": "us-east-1", "resources": []}
    return b"".join([_compact({**head, **rest})[:-1], b',"detail":', detail, b"}"])


def raw(event: bytes) -> bytes:
    """A raw line: the event and nothing else."""
    return event


def firehose_error(event: bytes, arrival_ms: int = 1523159608123) -> bytes:
    """A processing-failed line: the event as Firehose got it, in base64."""
    transformer = "cncb-data-lake-s3-john-transformer:$LATEST"
    return _compact(
        {
            "attemptsMade": 4,
            "arrivalTimestamp": arrival_ms,
            "errorCode": "Lambda.FunctionError",
            "errorMessage": "The Lambda function was successfully invoked but it returned an error result.",
            "attemptEndingTimestamp": arrival_ms + 60544,
            "rawData": base64.b64encode(event).decode(),
            "lambdaArn": f"arn:aws:lambda:us-east-1:123456789012:function:{transformer}",
        }
    )


# Lakes


def firehose_key(stream: str = STREAM, when: datetime = START, index: int = 0) -> str:
    """The cookbook's key of an object delivered at `when` (UTC); `index` tells two of one second apart."""
    name = uuid.uuid5(uuid.NAMESPACE_URL, f"{stream}/{when.isoformat()}/{index}")
    return f"{stream}/{when:%Y/%m/%d/%H}/{DELIVERY_STREAM}-1-{when:%Y-%m-%d-%H-%M-%S}-{name}"


def make_events(n_events: int, n_keys: int, *, seed: int = 0) -> list[tuple[str, bytes]]:
    """(partition key, event) pairs; one event a second from START, types and sizes drawn from `seed`."""
    return list(_events(random.Random(seed), n_events, n_keys))


def lake_of(
    events: Iterable[tuple[str, bytes]],
    per_object: int,
    *,
    shards: int = 1,
    gap: timedelta = timedelta(minutes=1),
) -> dict[str, bytes]:
    """A cookbook lake of these events in this order, `per_object` lines an object, an object every `gap`.

    Keys ascend as the events do. A partition key always goes to the same shard.
    """
    lines = [_line(number, key, event, shards) for number, (key, event) in enumerate(events)]
    starts = range(0, len(lines), per_object)
    return {
        firehose_key(when=START + index * gap, index=index): join(lines[start : start + per_object])
        for index, start in enumerate(starts)
    }


def make_lake(n_events: int, n_keys: int, per_object: int, *, seed: int = 0, shards: int = 1) -> dict[str, bytes]:
    """A cookbook lake of make_events(n_events, n_keys, seed=seed)."""
    return lake_of(make_events(n_events, n_keys, seed=seed), per_object, shards=shards)


# Hostile content

HOSTILE_OBJECT_KEYS = (
    "lake/a b",
    "lake/a+b",
    "lake/a%20b",
    "lake/a%2Fb",
    "lake/%s {0} ${x}",
    "lake/<&>\"'",
    "lake/?x=1&y=2#z",
    "lake/..",
    "lake/../../etc/passwd",
    "lake//double//slash",
    "lake/back\\slash",
    "lake/r\u00e4ksm\u00f6rg\u00e5s",
    "lake/re\u0301sume\u0301",
    "lake/\u2028",
    "lake/\U0001f4a5",
    "lake/~-_.!*'()",
    "lake/tab\tnewline\n",
)


def hostile_events() -> list[bytes]:
    """Legal JSON that a replay must carry byte for byte; each has a type, not every one an id of its own."""
    return [_hostile(index, member) for index, member in enumerate(_hostile_members())] + [
        b' { "type" : "thing-created" ,\t"id":"hostile-spaces"\r , "thing" : [ 1 , { } , [ ] ] }\t ',
        b'{"\\u0069d":"hostile-escaped-name","\\u0074ype":"thing-created"}',
        b'{"id":"hostile-first","id":"hostile-last","type":"thing-created"}',
        b'{"id":"","type":"thing-created","partitionKey":""}',
        b'{"type":"thing-created"}',
    ]


def _snappy_chunks(body: bytes, step: int = 32_768) -> Iterator[bytes]:
    for start in range(0, len(body), step):
        chunk = bytes(cramjam.snappy.compress_raw(body[start : start + step]))
        yield struct.pack(">I", len(chunk)) + chunk


def _hostile_members() -> list[bytes]:
    deep = b'{"a":[' * 24 + b"1" + b"]}" * 24
    return [
        b'"big":[9007199254740993,18446744073709551617,-9223372036854775809,' + b"9" * 400 + b"]",
        b'"numbers":[1.0,1,1e0,1E+2,-0,-0.0,0.1,1e400,-1e400,1e-400,3.141592653589793238462643]',
        b'"same":1,"same":2,"same":{"same":3,"same":4}',
        rb'"lone":["\ud800","\udfff x","\ud83d\ud83d\ude00"]',
        rb'"escapes":"\u0000\u001f\u007f\b\f\n\r\t\"\\\/\u002f\u00e9\u2028\u2029"',
        '"separators":"a\u2028b\u2029c\u0085d\u007fe\ufefff\ufffd\uffff"'.encode(),
        '"emoji":"\U0001f4a5\U0001f468\u200d\U0001f469 \U0010ffff e\u0301 \u202eabc"'.encode(),
        b'"urls":"https:\\/\\/example.com/<a href=\\"#\\">x</a>&amp;<script>alert(1)</script>"',
        b'"formats":"%s %d %(x)s %n {0} {x!r} {} ${x} ${jndi:ldap://x} $(id) `id` {{7*7}} \\u0025s"',
        b'"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}},"__class__":"x"',
        b'"deep":' + deep,
        b'"empty":["",{},[],null,{"":""}],"":""',
        b'"long":"' + b"x" * 100_000 + b'"',
        b'"look":"{\\"event\\":{}}","event":{"id":"x"},"detail":1,"Records":[],"rawData":"eyJ9"',
        b'"markup":"[red]bold[/red] [link=x] \\u001b[31m","paths":["../../etc/passwd","C:\\\\x","s3://b/k"]',
    ]


def _hostile(index: int, member: bytes) -> bytes:
    return b'{"id":"hostile-%d","type":"thing-created",%b}' % (index, member)


def _events(chance: random.Random, n_events: int, n_keys: int) -> Iterator[tuple[str, bytes]]:
    for number in range(n_events):
        key = f"thing-{chance.randrange(n_keys)}"
        event = {
            "id": str(uuid.UUID(int=chance.getrandbits(128), version=4)),
            "type": chance.choice(TYPES),
            "timestamp": _ms(START) + number * 1000,
            "partitionKey": key,
            "tags": {"region": "us-east-1", "source": "cncb-event-first"},
            "thing": {"id": key, "number": number, "name": "x" * chance.randrange(120)},
        }
        yield key, _compact(event)


def _line(number: int, key: str, event: bytes, shards: int) -> bytes:
    shard = int.from_bytes(md5(key.encode(), usedforsecurity=False).digest()) * shards >> 128
    return envelope(event, key, FIRST_SEQUENCE + number * 16, shard, _ms(START) + number * 1000)


def _firehose(record: int, arrival_ms: int) -> bytes:
    metadata = {
        "deliveryStreamArn": f"arn:aws:firehose:us-east-1:123456789012:deliverystream/{DELIVERY_STREAM}",
        "region": "us-east-1",
        "invocationId": "0f9d2f0a-6c1e-4b57-9a55-0c3a1f6f2f10",
        "recordId": f"{record}000000",
        "approximateArrivalTimestamp": arrival_ms,
    }
    return b'"firehoseRecordMetadata":' + _compact(metadata) + b"}"


def _compact(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def _ms(when: datetime) -> int:
    return int(when.timestamp() * 1000)
