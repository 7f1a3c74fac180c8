"""What the lake did not keep of a record, always made in the same way for the same line.

A sequence number is, by the Kinesis API, `0` or `[1-9]\\d{0,128}`; these have at most 120 digits
and rise in lake order within a folder: the object's, then line and part.
"""

import hashlib

from cncbops.formats.event import LakeEvent
from cncbops.formats.timestamp import event_time_ms
from cncbops.kinesis.origin import Origin

SHARD_ID = "shardId-000000000000"
PARTITION_KEY_CHARS = 256


def complete(events: list[LakeEvent], origin: Origin) -> None:
    """Fill in what the lake did not keep of each event's record, in place."""
    for event in events:
        if event.sequence_number is None:
            event.sequence_number = _sequence_number(origin, event.line, event.part)
            event.synthesized = True
        if event.partition_key is None or len(event.partition_key) > PARTITION_KEY_CHARS:
            event.partition_key = _partition_key(event)
            event.synthesized = True
        if event.shard_id is None:
            event.shard_id = SHARD_ID
        if event.arrival_ms is None:
            event.arrival_ms = event_time_ms(event.timestamp) or origin.time_ms


def kept_shard(event: LakeEvent) -> str | None:
    """The shard that the lake kept of a complete event; None if it is made up.

    By identity, which costs nothing where events are filled in: one that was read is equal to it at most.
    """
    return None if event.shard_id is SHARD_ID else event.shard_id


def _sequence_number(origin: Origin, line: int, part: int) -> str:
    return f"{origin.order}{line:010d}{part:09d}"


def _partition_key(event: LakeEvent) -> str:
    known = event.partition_key or event.event_id
    return (known or hashlib.sha256(event.data).hexdigest())[:PARTITION_KEY_CHARS]
