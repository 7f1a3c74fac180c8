"""From the lines of an object to its events, byte for byte.

A block is nearly always of one format and without fault, one event a line, so it is first read as
just that, in the format of its first line. Any objection sends the block through `_line_by_line`,
which names each line that is malformed and reads all the others. Only a line that fits two formats
could tell the ways apart: it is read as the first line of its block where that can be done.
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
        return _one_a_line(block, family), []
    except _OBJECTIONS:
        return _line_by_line(block, family)


def _one_a_line(block: Block, family: Family | None) -> list[LakeEvent]:
    _require_utf8(block.data)
    if block.first_part:
        raise NotAnEvent("the block does not begin with a line of its own")
    lines = block.data.removesuffix(b"\n").split(b"\n")
    family = family or family_of(lines[0])
    decode_line, to_event = family.decoder.decode, family.to_event
    return [to_event(decode_line(content), line, 0) for line, content in enumerate(lines, block.first_line)]


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
    buffer = bytearray(mended)
    event = family.to_event(family.decoder.decode(buffer), line, part)
    buffer[:] = document  # of the same length: the event's data, a view of the buffer, is now as written
    return event


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
