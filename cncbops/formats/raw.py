"""An event by itself, with nothing around it."""

from collections.abc import Mapping

import msgspec

from cncbops.formats.event import Bytes, Head, LakeEvent, NotAnEvent, decode_head, head_of

_SPACE = b" \t\r\n"
_decode = msgspec.json.Decoder(msgspec.Raw).decode
_decode_fields = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


def recognise(fields: Mapping[str, msgspec.Raw]) -> bool:
    """Whether a line's fields are an event's own: it has a string `type`."""
    return memoryview(fields["type"])[0] == ord(b'"') if "type" in fields else False


def read(document: Bytes, line: int, part: int) -> LakeEvent:
    """The line itself. Raises NotAnEvent if it has no type, msgspec.DecodeError if not JSON."""
    head = _head_of(document)
    # Of a buffer, whose text is not the line's, the event is a view.
    data = document.strip(_SPACE) if type(document) is bytes else _decode(document)
    return LakeEvent(data, line, part, head.id, head.type, head.timestamp, partition_key=head.partition_key)


def _head_of(document: Bytes) -> Head[str]:
    try:
        head = decode_head(document)
        is_event = head.type is not None
    except msgspec.ValidationError:
        head = head_of(document)
        is_event = recognise(_decode_fields(document))
    if not is_event:
        raise NotAnEvent("an event without a string `type`")
    return head
