"""The record that a function receives: one element of `Records` in its invocation, or several that belong together.

`data` is the base64 of the event's bytes as the lake holds them. Source: AWS Lambda Developer Guide,
"Using Lambda with Kinesis".
"""

import base64
import hashlib
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple, Self

import msgspec

from cncbops.formats.event import LakeEvent
from cncbops.kinesis.origin import Origin
from cncbops.lake.objects import LakeObject
from cncbops.native import hot

if TYPE_CHECKING:
    from mypy_boto3_kinesis.type_defs import RecordTypeDef


UNKNOWN_ACCOUNT = "000000000000"
_LANE_BITS = 16
"""More lanes than one function ever has."""
_STREAMS_KNOWN = 1_000
"""Streams of whose records it is remembered what names them: each has many objects, read one after another."""


class Trace(NamedTuple):
    """What is remembered of faults of one group and pipeline: their digests end to end, and those of their records.

    Each has as many records as the others, which come in the order of the faults.
    """

    fingerprint: str
    pipeline: str | None
    faults: bytes
    records: bytes


class Record(msgspec.Struct, gc=False):
    """What is delivered, or fails, as one: here a Kinesis record, ready to be sent, and where it comes from.

    Where there is the part in C, most are of a type of its own, which makes no difference but in time and memory: what
    such a one is asked for is made anew each time.

    `body` is its JSON. `event_id` is the event's own id, None where it has none. Only records of one `group`, such as a
    shard, share an invocation. `place` is its place among the records of a run (see `cncbops.session.entry`).
    `function` is the one it goes to, as its run names it; empty where the run has but one. `weight` is how many
    elements of `Records` it makes. One that `is_alone` shares no invocation; one that `is_event` is the invocation's
    whole event, not wrapped in `Records`. `has_many_keys`: several of its keys order it.
    """

    body: bytes
    partition_key: str
    sequence_number: str
    event_id: str | None
    object: LakeObject
    line: int
    part: int
    group: str
    place: int
    function: str = ""
    weight: int = 1
    is_alone: bool = False
    is_event: bool = False
    has_many_keys: bool = False

    @classmethod
    def traces(cls, records: "Sequence[Record]") -> Sequence[Trace]:  # noqa: ARG003  nothing is of these
        """What is remembered for ever of records of this kind once they are delivered, if anything is."""
        return ()

    @property
    def size(self) -> int:
        """The bytes of its JSON."""
        return len(self.body)

    def bare(self) -> Self:
        """The same without what it holds."""
        return msgspec.structs.replace(self, body=b"")

    def lanes(self, count: int) -> tuple[int, ...]:
        """The lanes of so many that it is in; none without lanes, where order does not matter."""
        return (lane_of(self.partition_key, count, self.function),) if count else ()

    def identifiers(self) -> Sequence[str]:
        """By what a partial batch response may name it."""
        return (self.sequence_number,)

    @property
    def is_of_stream(self) -> bool:
        """Whether a partial batch response says where in a stream the function stopped, not which records failed."""
        return True

    def texts(self) -> Sequence[bytes]:
        """What an error message may quote of it, as plain as the function sees it."""
        return (event_text(self.body),)


def lane_of(key: str, lanes: int, function: str = "") -> int:
    """The lane that all records of a partition key are in; the only one, 0, where order does not matter.

    Lanes are in the order of Kinesis' hash keys, the MD5 of partition keys: a shard, which is a range of them,
    takes neighbouring lanes, so that batches of different shards seldom share one. Each function has lanes of its own,
    in which keys stand behind their streams, that do not matter to the order of hash keys.
    """
    if not lanes:
        return 0
    of_stream = key.rpartition("\0")[2] if function else key
    digest = hashlib.md5(of_stream.encode(errors="replace"), usedforsecurity=False).digest()
    lane = int.from_bytes(digest[:4]) * lanes >> 32
    return zlib.crc32(function.encode()) << _LANE_BITS | lane if function else lane


class _Kinesis(msgspec.Struct):
    data: str


class _Body(msgspec.Struct):
    kinesis: _Kinesis


_decode = msgspec.json.Decoder(_Body).decode


def event_text(body: bytes) -> bytes:
    """The event in a Kinesis record's JSON."""
    return base64.b64decode(_decode(body).kinesis.data)


@dataclass(frozen=True, slots=True)
class RecordSource:
    """The stream and role that records are said to come from and through.

    `stream_arn` is None where neither the operator nor an event source mapping names the stream:
    it is then rebuilt from the folder in the lake and the delivery stream, where those are known.
    """

    stream_arn: str | None
    role_arn: str
    region: str
    account: str


def record_source(
    region: str, *, function_arn: str | None = None, role_arn: str | None = None, stream_arn: str | None = None
) -> RecordSource:
    """What records say they come from and through, as far as the function tells, if they are for one at all."""
    arn = (function_arn or "").split(":")
    account = arn[4] if len(arn) > 4 else UNKNOWN_ACCOUNT
    return RecordSource(stream_arn, role_arn or f"arn:aws:iam::{account}:role/unknown", region, account)


class _KinesisPart(msgspec.Struct, gc=False, rename="camel", tag_field="kinesisSchemaVersion", tag="1.0"):
    partition_key: str
    sequence_number: str
    data: bytes | memoryview
    approximate_arrival_timestamp: float


class _KinesisRecord(msgspec.Struct, gc=False):
    """A record's JSON. A Raw is put there as it is, so that one holds the constant fields behind its own, too."""

    kinesis: _KinesisPart
    event_source: msgspec.Raw = msgspec.field(name="eventSource")
    event_id: str = msgspec.field(name="eventID")
    event_name: msgspec.Raw = msgspec.field(name="eventName")


_SOURCE = msgspec.Raw(b'"aws:kinesis","eventVersion":"1.0"')
_encode = msgspec.json.Encoder().encode
_via = attrgetter("delivery_stream_arn", "region", "account")

NameOf = Callable[[str | None, str | None, str | None], bytes]
"""What tells a record's name, with what else is the same for all records of a stream, as JSON.

It is asked with the ARN of the delivery stream, the region and the account, as far as the lake names them.
"""


def to_records(
    events: Sequence[LakeEvent], places: Sequence[int], origin: Origin, source: RecordSource
) -> list[Record]:
    """Wrap events of one object, each complete (see `kinesis.synthesis`) and with its place in the run."""
    names = _names(events, name_of(origin, source))
    if hot:
        return hot.make_records(Record, _body, events, places, origin.object, names)
    return [
        _to_record(event, place, origin.object, name) for event, place, name in zip(events, places, names, strict=True)
    ]


def _to_record(event: LakeEvent, place: int, lake_object: LakeObject, name: bytes) -> Record:
    key, sequence, shard_id = event.partition_key, event.sequence_number, event.shard_id
    assert key is not None
    assert sequence is not None
    assert shard_id is not None
    body = _body(event, name)
    return Record(body, key, sequence, event.event_id, lake_object, event.line, event.part, shard_id, place)


def _body(event: LakeEvent, name: bytes) -> bytes:
    key, sequence, arrival_ms = event.partition_key, event.sequence_number, event.arrival_ms
    assert key is not None
    assert sequence is not None
    assert arrival_ms is not None
    assert event.shard_id is not None  # which a text of it would hide
    data = event.data if type(event.data) is bytes else memoryview(event.data)
    part = _KinesisPart(key, sequence, data, arrival_ms / 1000)
    return _encode(_KinesisRecord(part, _SOURCE, f"{event.shard_id}:{sequence}", msgspec.Raw(name)))


def _names(events: Sequence[LakeEvent], name_of: NameOf) -> list[bytes]:
    """The name of each event's record."""
    names = []
    for via, alike in groupby(events, _via):
        names += [name_of(*via)] * len(list(alike))
    return names


def name_of(origin: Origin, source: RecordSource) -> NameOf:
    """What names the records of one object."""
    if source.stream_arn:
        name = _name(source.stream_arn, source.role_arn)
        return lambda *_: name
    return lambda *via: _name(_rebuilt_arn(via, origin, source), source.role_arn)


@lru_cache(_STREAMS_KNOWN)
def _name(stream_arn: str, role_arn: str) -> bytes:
    role, region, arn = map(_encode, (role_arn, stream_arn.split(":")[3], stream_arn))
    fields = b'"aws:kinesis:record","invokeIdentityArn":%b,"awsRegion":%b,"eventSourceARN":%b'
    return fields % (role, region, arn)


def _rebuilt_arn(via: tuple[str | None, ...], origin: Origin, source: RecordSource) -> str:
    """The stream's ARN from what the lake says; the delivery stream's where that is all there is."""
    delivery_stream_arn, region, account = via
    delivery = (delivery_stream_arn or "").split(":", 5)
    named = len(delivery) == 6
    if named and origin.stream_name is None:
        return ":".join(delivery)
    region = delivery[3] if named else region or source.region
    account = delivery[4] if named else account or source.account
    partition = delivery[1] if named else "aws"
    return f"arn:{partition}:kinesis:{region}:{account}:stream/{origin.stream_name or 'unknown'}"


def record_json(found: "RecordTypeDef", shard_id: str, stream_arn: str, role_arn: str) -> bytes:
    """The JSON of a record as the Kinesis API gives it."""
    key, sequence = found["PartitionKey"], found["SequenceNumber"]
    part = _KinesisPart(key, sequence, found["Data"], arrival_seconds(found))
    return _encode(_KinesisRecord(part, _SOURCE, f"{shard_id}:{sequence}", msgspec.Raw(_name(stream_arn, role_arn))))


def arrival_seconds(found: "RecordTypeDef") -> float:
    """When a record of the Kinesis API arrived, in seconds, to the millisecond."""
    return round(found["ApproximateArrivalTimestamp"].timestamp() * 1000) / 1000
