"""An event by itself, with nothing around it."""

from collections.abc import Mapping

import msgspec

from cncbops.formats.event import LakeEvent, NotAnEvent, head_of, text


def recognise(fields: Mapping[str, msgspec.Raw]) -> bool:
    """Whether a line's fields are an event's own: it has a string `type`."""
    return memoryview(fields["type"])[0] == ord(b'"') if "type" in fields else False


def to_event(data: msgspec.Raw, line: int, part: int) -> LakeEvent:
    """The line itself. Raises NotAnEvent if it has no type, msgspec.DecodeError if not JSON."""
    head = head_of(data)
    if type(head.type) is not str:
        raise NotAnEvent("an event without a string `type`")
    return LakeEvent(
        data,
        line,
        part,
        text(head.id),
        text(head.type),
        head.timestamp,
        partition_key=text(head.partition_key),
    )
