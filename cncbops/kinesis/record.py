"""The record that a function receives: one element of `Records` in its invocation.

`data` is the base64 of the event's bytes as the lake holds them. Source: AWS Lambda Developer Guide,
"Using Lambda with Kinesis".
"""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from cncbops.formats.event import LakeEvent
from cncbops.kinesis.origin import Origin
from cncbops.lake.objects import LakeObject


class Record(msgspec.Struct, gc=False):
    """A record ready to be sent, and where in the lake it comes from.

    `body` is its JSON. `event_id` is the event's own id, None where it has none. `place` is its place
    among the records of a run (see `cncbops.session.entry`).
    """

    body: bytes
    partition_key: str
    sequence_number: str
    event_id: str | None
    object: LakeObject
    line: int
    part: int
    shard_id: str
    place: int


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


class _Kinesis(msgspec.Struct, gc=False, rename="camel"):
    kinesis_schema_version: str
    partition_key: str
    sequence_number: str
    data: memoryview
    approximate_arrival_timestamp: float


class _KinesisRecord(msgspec.Struct, gc=False):
    kinesis: _Kinesis
    event_source: str = msgspec.field(name="eventSource")
    event_version: str = msgspec.field(name="eventVersion")
    event_id: str = msgspec.field(name="eventID")
    event_name: str = msgspec.field(name="eventName")
    invoke_identity_arn: str = msgspec.field(name="invokeIdentityArn")
    aws_region: str = msgspec.field(name="awsRegion")
    event_source_arn: str = msgspec.field(name="eventSourceARN")


_encode = msgspec.json.Encoder().encode


def to_records(
    events: Sequence[LakeEvent], places: Sequence[int], origin: Origin, source: RecordSource
) -> list[Record]:
    """Wrap events of one object, each complete (see `kinesis.synthesis`) and with its place in the run."""
    arns: dict[tuple[str | None, ...], tuple[str, str]] = {}
    records = []
    for event, place in zip(events, places, strict=True):
        via = (event.delivery_stream_arn, event.region, event.account)
        if via not in arns:
            arns[via] = _arn_and_region(event, origin, source)
        records.append(_to_record(event, place, origin.object, source.role_arn, *arns[via]))
    return records


def _to_record(event: LakeEvent, place: int, lake_object: LakeObject, role_arn: str, arn: str, region: str) -> Record:
    key, sequence = event.partition_key, event.sequence_number
    assert key is not None
    assert sequence is not None
    assert event.arrival_ms is not None
    body = _encode(
        _KinesisRecord(
            _Kinesis("1.0", key, sequence, memoryview(event.data), event.arrival_ms / 1000),
            "aws:kinesis",
            "1.0",
            f"{event.shard_id}:{sequence}",
            "aws:kinesis:record",
            role_arn,
            region,
            arn,
        )
    )
    shard_id = event.shard_id or ""
    return Record(body, key, sequence, event.event_id, lake_object, event.line, event.part, shard_id, place)


def _arn_and_region(event: LakeEvent, origin: Origin, source: RecordSource) -> tuple[str, str]:
    arn = source.stream_arn or _rebuilt_arn(event, origin, source)
    return arn, arn.split(":")[3]


def _rebuilt_arn(event: LakeEvent, origin: Origin, source: RecordSource) -> str:
    """The stream's ARN from what the lake says; the delivery stream's where that is all there is."""
    delivery = (event.delivery_stream_arn or "").split(":", 5)
    named = len(delivery) == 6
    if named and origin.stream_name is None:
        return ":".join(delivery)
    region = delivery[3] if named else event.region or source.region
    account = delivery[4] if named else event.account or source.account
    partition = delivery[1] if named else "aws"
    return f"arn:{partition}:kinesis:{region}:{account}:stream/{origin.stream_name or 'unknown'}"
