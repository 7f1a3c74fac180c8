"""From the lines of an object to its events, byte for byte.

A block is nearly always of one format and without fault, so it is first decoded in one call, by
the format of its first line. Whatever that call or the format objects to sends the block through
`_line_by_line`, which names each line that is malformed and reads all the others.
"""

from collections.abc import Iterator

import msgspec

from cncbops.formats.event import LakeEvent, Malformed, NotAnEvent, mend_lone_surrogates
from cncbops.formats.families import Family, family_of
from cncbops.lake.lines import Block, split_documents

_document_decoder = msgspec.json.Decoder(msgspec.Raw)
_OBJECTIONS = (NotAnEvent, msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def decode(block: Block, family: Family | None = None) -> tuple[list[LakeEvent], list[Malformed]]:
    """The events of a block's lines, and the lines that hold none.

    `family` names the format of every line; without it each line is recognised by its content.
    """
    try:
        return _all_at_once(block, family), []
    except _OBJECTIONS:
        return _line_by_line(block, family)


def _all_at_once(block: Block, family: Family | None) -> list[LakeEvent]:
    data = block.data
    _require_utf8(data)
    if block.first_part or not data.strip():
        raise NotAnEvent("the block does not begin with a line of its own")
    family = family or family_of(data[: data.find(b"\n")] if b"\n" in data else data)
    documents = family.decoder.decode_lines(data)
    if len(documents) != data.count(b"\n") + (not data.endswith(b"\n")):
        raise NotAnEvent("lines and documents are not the same in number")
    to_event = family.to_event
    return [to_event(document, line, 0) for line, document in enumerate(documents, block.first_line)]


def _line_by_line(block: Block, family: Family | None) -> tuple[list[LakeEvent], list[Malformed]]:
    events: list[LakeEvent] = []
    malformed: list[Malformed] = []
    for document, line, part in _documents(block):
        try:
            events.append(_one(document, line, part, family))
        except _OBJECTIONS as error:
            malformed.append(Malformed(line, part, *_described(error)))
    return events, malformed


def _documents(block: Block) -> Iterator[tuple[bytes, int, int]]:
    part = block.first_part
    for line, content in enumerate(block.data.split(b"\n"), block.first_line):
        for document in [content] if _is_one_document(content) else split_documents(content):
            yield document, line, part
            part += 1
        part = 0


def _is_one_document(content: bytes) -> bool:
    try:
        _document_decoder.decode(content)
    except (msgspec.DecodeError, RecursionError):
        return False
    return True


def _one(document: bytes, line: int, part: int, family: Family | None) -> LakeEvent:
    _require_utf8(document)
    mended = mend_lone_surrogates(document)
    family = family or family_of(mended)
    event = family.to_event(family.decoder.decode(mended), line, part)
    if mended != document and isinstance(event.data, msgspec.Raw):
        event.data = _as_written(bytes(event.data), mended, document)
    return event


def _as_written(data: bytes, mended: bytes, document: bytes) -> bytes:
    start = mended.rindex(data)
    return document[start : start + len(data)]


def _require_utf8(data: bytes) -> None:
    if not data.isascii():
        data.decode()


def _described(error: Exception) -> tuple[str, str]:
    if isinstance(error, NotAnEvent | msgspec.ValidationError):
        return "NotAnEvent", str(error)
    if isinstance(error, UnicodeDecodeError):
        return "NotUtf8", f"invalid UTF-8 at byte {error.start + 1}"
    if isinstance(error, RecursionError):
        return "NotJson", "JSON nested too deeply to be decoded"
    return "NotJson", str(error)
