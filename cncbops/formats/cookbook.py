"""The cookbook's envelope: what its Firehose transform writes around each event.

Source: DanteInc/js-cloud-native-cookbook, ch2/data-lake-s3/handler.js.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from cncbops.formats.event import LakeEvent, NotAnEvent, head_of, text
from cncbops.formats.timestamp import event_time_ms


class KinesisMetadata(msgspec.Struct, gc=False, rename="camel"):
    """The event's record in its Kinesis stream."""

    shard_id: Any = None
    partition_key: Any = None
    sequence_number: Any = None
    approximate_arrival_timestamp: Any = None


class FirehoseMetadata(msgspec.Struct, gc=False, rename="camel"):
    """The delivery stream that put the event into the lake."""

    delivery_stream_arn: Any = None
    region: Any = None
    approximate_arrival_timestamp: Any = None


_NO_KINESIS = KinesisMetadata()
_NO_FIREHOSE = FirehoseMetadata()


class Envelope(msgspec.Struct, gc=False, rename="camel"):
    """One line. A delivery stream fed by Direct PUT leaves the Kinesis part out."""

    event: msgspec.Raw
    firehose_record_metadata: FirehoseMetadata | None = None
    kinesis_record_metadata: KinesisMetadata | None = None


def recognise(fields: Mapping[str, msgspec.Raw]) -> bool:
    """Whether a line's fields are an envelope's."""
    return "event" in fields and ("firehoseRecordMetadata" in fields or "kinesisRecordMetadata" in fields)


def to_event(envelope: Envelope, line: int, part: int) -> LakeEvent:
    """The event of an envelope. Raises NotAnEvent if it holds none, DecodeError if not JSON."""
    data = envelope.event
    if memoryview(data)[0] == ord(b"n"):
        raise NotAnEvent("the envelope's event is null")
    if envelope.kinesis_record_metadata is None and envelope.firehose_record_metadata is None:
        raise NotAnEvent("the envelope says nothing of the event's record")
    kinesis = envelope.kinesis_record_metadata or _NO_KINESIS
    firehose = envelope.firehose_record_metadata or _NO_FIREHOSE
    head = head_of(data)
    arrival_ms = event_time_ms(kinesis.approximate_arrival_timestamp)
    return LakeEvent(
        data,
        line,
        part,
        text(head.id),
        text(head.type),
        head.timestamp,
        text(kinesis.partition_key) or text(head.partition_key),
        text(kinesis.sequence_number),
        text(kinesis.shard_id),
        event_time_ms(firehose.approximate_arrival_timestamp) if arrival_ms is None else arrival_ms,
        text(firehose.region),
        None,
        text(firehose.delivery_stream_arn),
    )
