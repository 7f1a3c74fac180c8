"""An EventBridge event around the domain event in its `detail`: the author's later lake.

His bus rule feeds Kinesis with `InputPath: $.detail`, so a record holds the detail and nothing
of what is around it. Source: EventBridge User Guide, "Event structure"; jgilbert01/templates.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from cncbops.formats.event import LakeEvent, NotAnEvent, head_of, text


class Line(msgspec.Struct, gc=False):
    """One line; its own `time` has seconds only, so the event's `timestamp` is preferred."""

    detail: msgspec.Raw
    detail_type: str = msgspec.field(name="detail-type")
    id: Any = None
    account: Any = None
    region: Any = None


def recognise(fields: Mapping[str, msgspec.Raw]) -> bool:
    """Whether a line's fields are an EventBridge event's."""
    return "detail" in fields and "detail-type" in fields


def to_event(event: Line, line: int, part: int) -> LakeEvent:
    """The detail. Raises NotAnEvent if it is null, msgspec.DecodeError if it is not JSON."""
    if memoryview(event.detail)[0] == ord(b"n"):
        raise NotAnEvent("the EventBridge event's detail is null")
    head = head_of(event.detail)
    return LakeEvent(
        event.detail,
        line,
        part,
        text(head.id) or text(event.id),
        text(head.type) or event.detail_type,
        head.timestamp,
        partition_key=text(head.partition_key),
        region=text(event.region),
        account=text(event.account),
    )
