"""The cookbook's envelope: what its Firehose transform writes around each event.

Source: DanteInc/js-cloud-native-cookbook, ch2/data-lake-s3/handler.js.
"""

from collections.abc import Mapping
from typing import Any, Generic, TypeVar

import msgspec

from cncbops.formats.event import Bytes, LakeEvent, NotAnEvent, Text, head_of, text
from cncbops.formats.timestamp import Milliseconds, event_time_ms

S = TypeVar("S")
N = TypeVar("N")


class KinesisMetadata(msgspec.Struct, Generic[S, N], gc=False, rename="camel"):
    """The event's record in its Kinesis stream."""

    shard_id: S | None = None
    partition_key: S | None = None
    sequence_number: S | None = None
    approximate_arrival_timestamp: N | None = None


class FirehoseMetadata(msgspec.Struct, Generic[S, N], gc=False, rename="camel"):
    """The delivery stream that put the event into the lake."""

    delivery_stream_arn: S | None = None
    region: S | None = None
    approximate_arrival_timestamp: N | None = None


class Envelope(msgspec.Struct, Generic[S, N], gc=False, rename="camel"):
    """One line. A delivery stream fed by Direct PUT leaves the Kinesis part out."""

    event: msgspec.Raw
    kinesis_record_metadata: KinesisMetadata[S, N] | None = None
    firehose_record_metadata: FirehoseMetadata[S, N] | None = None


_NO_KINESIS: KinesisMetadata[str, int] = KinesisMetadata()
_NO_FIREHOSE: FirehoseMetadata[str, int] = FirehoseMetadata()
# AWS always writes the same, so all is nearly always what it should be: msgspec looks at that as it reads.
_decode = msgspec.json.Decoder(Envelope[Text, Milliseconds]).decode
_decode_odd = msgspec.json.Decoder(Envelope[Any, Any]).decode


def recognise(fields: Mapping[str, msgspec.Raw]) -> bool:
    """Whether a line's fields are an envelope's."""
    return "event" in fields and ("firehoseRecordMetadata" in fields or "kinesisRecordMetadata" in fields)


def read(document: Bytes, line: int, part: int) -> LakeEvent:
    """The event of an envelope. Raises NotAnEvent if it holds none, DecodeError if not JSON."""
    try:
        envelope = _decode(document)
    except msgspec.ValidationError:
        envelope = _straightened(_decode_odd(document))
    data = envelope.event
    head = head_of(data)
    if head.type is None and memoryview(data)[0] == ord(b"n"):
        raise NotAnEvent("the envelope's event is null")
    kinesis = envelope.kinesis_record_metadata or _NO_KINESIS
    firehose = envelope.firehose_record_metadata or _NO_FIREHOSE
    if kinesis is _NO_KINESIS and firehose is _NO_FIREHOSE:
        raise NotAnEvent("the envelope says nothing of the event's record")
    arrival_ms = kinesis.approximate_arrival_timestamp
    return LakeEvent(
        data,
        line,
        part,
        head.id,
        head.type,
        head.timestamp,
        kinesis.partition_key or head.partition_key,
        kinesis.sequence_number,
        kinesis.shard_id,
        firehose.approximate_arrival_timestamp if arrival_ms is None else arrival_ms,
        firehose.region,
        None,
        firehose.delivery_stream_arn,
    )


def _straightened(envelope: Envelope[Any, Any]) -> Envelope[str, int]:
    """An envelope whose fields are text and times, or missing."""
    kinesis, firehose = envelope.kinesis_record_metadata, envelope.firehose_record_metadata
    return Envelope(
        envelope.event,
        kinesis
        and KinesisMetadata(
            text(kinesis.shard_id),
            text(kinesis.partition_key),
            text(kinesis.sequence_number),
            event_time_ms(kinesis.approximate_arrival_timestamp),
        ),
        firehose
        and FirehoseMetadata(
            text(firehose.delivery_stream_arn),
            text(firehose.region),
            event_time_ms(firehose.approximate_arrival_timestamp),
        ),
    )
