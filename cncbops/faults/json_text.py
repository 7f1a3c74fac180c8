"""JSON taken apart level by level, each value as the bytes that stand in the document.

Values come as msgspec.Raw: views of the text they stand in. The lone surrogates that msgspec refuses
are mended for as long as a text is being read, and then put back.
"""

import base64
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import msgspec

from cncbops.formats.event import Bytes, Head, head_of, mend_lone_surrogates, text
from cncbops.formats.timestamp import event_time_ms

Fields = dict[str, msgspec.Raw]
NOT_JSON = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)

_EPOCH = datetime.fromtimestamp(0, UTC)
T = TypeVar("T")
_fields = msgspec.json.Decoder(Fields)
_elements = msgspec.json.Decoder(list[msgspec.Raw])
_any: msgspec.json.Decoder[Any] = msgspec.json.Decoder()
_raw = msgspec.json.Decoder(msgspec.Raw)


def _decode(decoder: msgspec.json.Decoder[T], document: Bytes) -> T:
    try:
        return decoder.decode(document)
    except msgspec.ValidationError:
        raise
    except msgspec.DecodeError:
        original = bytes(document)
        mended = mend_lone_surrogates(original)
        if mended == original:
            raise
    buffer = bytearray(mended)
    found = decoder.decode(buffer)
    buffer[:] = original  # of the same length: what was found, views of the buffer, is now as written
    return found


def check(document: Bytes) -> None:
    """Raises one of NOT_JSON if this is not one JSON value in UTF-8."""
    bytes(document).decode()
    _decode(_raw, document)


def fields_of(document: Bytes) -> Fields:
    """The fields of an object; of repeated ones the last. Raises ValidationError if it is none, or NOT_JSON."""
    return _decode(_fields, document)


def fields_in(document: Bytes | None) -> Fields:
    """The fields of an object; none where there is no object."""
    try:
        return {} if document is None else fields_of(document)
    except NOT_JSON:
        return {}


def elements_in(document: Bytes | None) -> list[msgspec.Raw]:
    """The elements of an array; none where there is no array."""
    try:
        return [] if document is None else _decode(_elements, document)
    except NOT_JSON:
        return []


def value_in(document: Bytes | None) -> Any:
    """The value of a text, None where there is none or msgspec cannot hold it (a number of 5,000 digits)."""
    try:
        return None if document is None else _decode(_any, document)
    except NOT_JSON:
        return None


def text_in(document: Bytes | None) -> str | None:
    """Strings as they are and integers in decimal; anything else, and "", as None."""
    return text(value_in(document))


def head_in(document: Bytes) -> Head[str]:
    """The head of an event; an empty one where this is no event."""
    try:
        return head_of(mend_lone_surrogates(bytes(document)))
    except NOT_JSON:
        return Head()


def type_in(event: object) -> str | None:
    """The type of an event, in bytes or as text; None where this is no event."""
    if isinstance(event, str):
        event = event.encode(errors="replace")
    return head_in(event).type if isinstance(event, bytes) else None


def base64_in(data: object) -> bytes:
    """What stands in base64; nothing where none does."""
    try:
        return base64.b64decode(data) if isinstance(data, str) else b""
    except ValueError:
        return b""


def starts_with(document: Bytes, start: bytes) -> bool:
    """Whether a text begins so."""
    return bytes(memoryview(document)[: len(start)]) == start


def time_in(document: Bytes | None) -> int | None:
    """Milliseconds since the epoch, from milliseconds or from an ISO 8601 date and time (UTC if it says nothing)."""
    value = value_in(document)
    known = event_time_ms(value)
    if known is not None or not isinstance(value, str):
        return known
    try:
        time = datetime.fromisoformat(value)
        return event_time_ms(
            ((time if time.tzinfo else time.replace(tzinfo=UTC)) - _EPOCH) // timedelta(milliseconds=1)
        )
    except (ValueError, OverflowError):
        return None
