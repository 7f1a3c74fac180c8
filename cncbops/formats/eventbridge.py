"""An EventBridge event around the domain event in its `detail`: the author's later lake.

His bus rule feeds Kinesis with `InputPath: $.detail`, so a record holds the detail and nothing
of what is around it. Source: EventBridge User Guide, "Event structure"; jgilbert01/templates.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from cncbops.formats.event import Bytes, LakeEvent, NotAnEvent, head_of, text


class Line(msgspec.Struct, gc=False):
    """One line; its own `time` has seconds only, so the event's `timestamp` is preferred."""

    detail: msgspec.Raw
    detail_type: str = msgspec.field(name="detail-type")
    id: Any = None
    account: Any = None
    region: Any = None
    source: Any = None


_decode = msgspec.json.Decoder(Line).decode


def recognise(fields: Mapping[str, msgspec.Raw]) -> bool:
    """Whether a line's fields are an EventBridge event's."""
    return "detail" in fields and "detail-type" in fields


def read(document: Bytes, line: int, part: int) -> LakeEvent:
    """The detail. Raises NotAnEvent if it is null, msgspec.DecodeError if it is not JSON."""
    event = _decode(document)
    head = head_of(event.detail)
    if head.type is None and memoryview(event.detail)[0] == ord(b"n"):
        raise NotAnEvent("the EventBridge event's detail is null")
    return LakeEvent(
        event.detail,
        line,
        part,
        head.id or text(event.id),
        head.type or event.detail_type,
        head.timestamp,
        partition_key=head.partition_key,
        region=text(event.region),
        account=text(event.account),
        source=text(event.source),
    )
