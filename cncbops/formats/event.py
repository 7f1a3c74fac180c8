"""An event as a line of the lake holds it, whatever the line's format.

`data` is a slice of the line, byte for byte. Nothing here re-serialises an event: floats, big
integers, key order, escapes and duplicate keys reach the function as the producer wrote them.
"""

import re
from typing import Annotated, Any, Generic, TypeVar

import msgspec

Bytes = msgspec.Raw | bytes | bytearray
Text = Annotated[str, msgspec.Meta(min_length=1)]
"""What a field that is text holds but for odd lines, so that most lines need no look at each of their fields."""

T = TypeVar("T")


class LakeEvent(msgspec.Struct, gc=False):
    """One event, with what its line kept of the Kinesis record it arrived in.

    `line` is the 1-based line of the decompressed object, `part` the event's place (from 0) among
    several on that line. `timestamp` is the event's own, as written; `arrival_ms` milliseconds.
    `source` is what an EventBridge event names as its own. What the lake did not keep of the record
    is None until `kinesis.synthesis` fills it in and says so.
    """

    data: Bytes
    line: int
    part: int
    event_id: str | None
    type: str | None
    timestamp: Any
    partition_key: str | None = None
    sequence_number: str | None = None
    shard_id: str | None = None
    arrival_ms: int | None = None
    region: str | None = None
    account: str | None = None
    delivery_stream_arn: str | None = None
    source: str | None = None
    synthesized: bool = False


class Malformed(msgspec.Struct, frozen=True):
    """A line that holds no event: where it is and why, never what it says."""

    line: int
    part: int
    error: str
    message: str


class NotAnEvent(ValueError):
    """A document is JSON, but not an event of the format at hand."""


class Head(msgspec.Struct, Generic[T], gc=False, rename="camel"):
    """The fields of an event that selection and reports look at."""

    id: T | None = None
    type: T | None = None
    timestamp: Any = None
    partition_key: T | None = None


decode_head = msgspec.json.Decoder(Head[Text]).decode
"""The head of an event whose fields are what they should be. Raises ValidationError for any other."""

_decode_any_head = msgspec.json.Decoder(Head[Any]).decode
_fields_decoder = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ESCAPE = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)


def head_of(data: Bytes) -> Head[str]:
    """The head of an event, its fields as text; an empty one where the event is no JSON object.

    A number that is too large to be read counts as missing. Raises msgspec.DecodeError if `data`
    is not JSON.
    """
    try:
        return decode_head(data)
    except msgspec.ValidationError:
        head = _odd_head(data)
    return Head(text(head.id), text(head.type), head.timestamp, text(head.partition_key))


def _odd_head(data: Bytes) -> Head[Any]:
    try:
        return _decode_any_head(data)
    except msgspec.ValidationError:
        pass
    try:
        fields = _fields_decoder.decode(data)
    except msgspec.ValidationError:
        msgspec.json.decode(data, type=msgspec.Raw)
        return Head()
    return Head(*(_value(fields.get(name)) for name in Head.__struct_encode_fields__))


def _value(raw: msgspec.Raw | None) -> Any:
    try:
        return None if raw is None else msgspec.json.decode(raw)
    except msgspec.ValidationError:
        return None


def text(value: Any) -> str | None:
    """A field as text: strings as they are, integers in decimal, anything else and "" as None."""
    if type(value) is str:
        return value or None
    return str(value) if type(value) is int else None


def mend_lone_surrogates(document: bytes) -> bytes:
    """The document with each unpaired surrogate escape replaced by U+FFFD, at the same length.

    JavaScript writes such escapes and JSON allows them; msgspec refuses them even in what it
    skips. As the length stays, offsets in the mended copy are offsets in the original.
    """
    if b"\\" not in document:
        return document
    return _ESCAPE.sub(lambda match: rb"\ufffd" if match[1] else match[0], document)
