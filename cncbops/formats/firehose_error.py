"""Records that Firehose could not transform or convert, as it stores them under an error prefix.

Their events never reached the lake proper, so a complete replay offers them. `rawData` is the
record before the transform: the event itself. Source: Amazon Data Firehose Developer Guide, "Handle
failure in data transformation" and "Handling errors for data format conversion".
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from cncbops.formats.event import Bytes, Head, LakeEvent, head_of, mend_lone_surrogates, text
from cncbops.formats.timestamp import event_time_ms


class Line(msgspec.Struct, gc=False, rename="camel"):
    """One document; failed conversions keep the sequence number, failed transforms do not."""

    raw_data: bytes
    attempts_made: Any
    arrival_timestamp: Any = None
    sequence_number: Any = None


_decode = msgspec.json.Decoder(Line).decode


def recognise(fields: Mapping[str, msgspec.Raw]) -> bool:
    """Whether a line's fields are a Firehose error record's."""
    return "rawData" in fields and "attemptsMade" in fields


def read(document: Bytes, line: int, part: int) -> LakeEvent:
    """The event of an error record. Raises msgspec.DecodeError if `rawData` is not JSON."""
    record = _decode(document)
    head = _head_of(record.raw_data)
    return LakeEvent(
        record.raw_data,
        line,
        part,
        head.id,
        head.type,
        head.timestamp,
        partition_key=head.partition_key,
        sequence_number=text(record.sequence_number),
        arrival_ms=event_time_ms(record.arrival_timestamp),
    )


def _head_of(data: bytes) -> Head[str]:
    try:
        return head_of(data)
    except msgspec.DecodeError:  # as it is for a lone surrogate
        return head_of(mend_lone_surrogates(data))
