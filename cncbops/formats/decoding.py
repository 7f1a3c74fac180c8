"""From the lines of an object to its events, byte for byte.

Nearly every line is one event without fault, in the format of the first line of its block, so it is
first read as just that. Any objection sends the line the careful way, which tells the documents on it
apart, recognises each, and names those that are malformed. Only a line that fits two formats could
tell the ways apart: it is read as the first line of its block where that can be done.
"""

from collections.abc import Iterable, Sequence
from io import BytesIO
from itertools import groupby
from operator import attrgetter

import msgspec

from cncbops.formats.event import LakeEvent, Malformed, NotAnEvent, mend_lone_surrogates
from cncbops.formats.families import Family, family_of
from cncbops.lake.lines import Block, split_documents
from cncbops.native import hot

_values = msgspec.json.Decoder(msgspec.Raw).decode_lines
_OBJECTIONS = (NotAnEvent, msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_Found = tuple[list[LakeEvent], list[Malformed]]


def decode(block: Block, family: Family | None = None) -> _Found:
    """The events of a block's lines, and the lines that hold none.

    `family` names the format of every line; without it each line is recognised by its content.
    """
    return decode_as(usual_family(block, family), block, family)


def usual_family(block: Block, family: Family | None = None) -> Family | None:
    """The format in which the lines of a block are first read; None where each is to be read carefully."""
    if block.first_part:
        return None
    try:
        return family or family_of(BytesIO(block.data).readline())
    except _OBJECTIONS:
        return None


def decode_as(usual: Family | None, block: Block, family: Family | None) -> _Found:
    """The same as `decode`, where the block's usual format is known."""
    if usual is None or not _is_utf8(block.data):
        return _carefully(block, family)
    return _one_a_line(block, usual, family)


def documents_of(block: Block, events: Iterable[LakeEvent]) -> list[bytes]:
    """What some of a block's events, in their order, were read from: the whole line, or the event's part of it."""
    lines = block.lines()
    found = []
    for line, on_line in groupby(events, attrgetter("line")):
        documents = _documents(lines[line - block.first_line].removesuffix(b"\n"))
        first = block.first_part if line == block.first_line else 0
        found += [documents[event.part - first] for event in on_line]
    return found


def _one_a_line(block: Block, usual: Family, family: Family | None) -> _Found:
    found: _Found = [], []
    add, read = found[0].append, usual.read
    for line, content in enumerate(_seen_through(block, usual), block.first_line):
        if isinstance(content, LakeEvent):
            add(content)
            continue
        try:
            add(read(content, line, 0))
        except _OBJECTIONS:
            _read_carefully(content, line, 0, family, found)
    return found


def _seen_through(block: Block, usual: Family) -> Sequence[LakeEvent | bytes]:
    """The events of lines, and the lines that are still to be read."""
    if usual.in_c:
        return hot.read_events(usual.name, LakeEvent, block.data, block.first_line)
    return block.lines()


def _carefully(block: Block, family: Family | None) -> _Found:
    found: _Found = [], []
    part = block.first_part
    for line, content in enumerate(block.lines(), block.first_line):
        _read_carefully(content, line, part, family, found)
        part = 0
    return found


def _read_carefully(content: bytes, line: int, part: int, family: Family | None, found: _Found) -> None:
    """Find the documents of a line, of which the first is its part number `part`."""
    events, malformed = found
    for number, document in enumerate(_documents(content.removesuffix(b"\n")), part):
        try:
            events.append(_one(document, line, number, family))
        except _OBJECTIONS as error:
            malformed.append(Malformed(line, number, *_described(error)))


def _documents(content: bytes) -> list[bytes]:
    """What `split_documents` tells apart, and what is one JSON value of any kind; most is, and sooner seen."""
    try:
        values = _values(content)
    except (msgspec.DecodeError, RecursionError):
        return split_documents(content)
    if len(values) == 1:
        return [content]
    documents = list(map(bytes, values))
    return documents if all(map(_is_bracketed, documents)) else split_documents(content)


def _is_bracketed(document: bytes) -> bool:
    return document.startswith((b"{", b"["))


def _one(document: bytes, line: int, part: int, family: Family | None) -> LakeEvent:
    _require_utf8(document)
    mended = mend_lone_surrogates(document)
    family = family or family_of(mended)
    if mended is document:
        return family.read(document, line, part)
    buffer = bytearray(mended)
    event = family.read(buffer, line, part)
    buffer[:] = document  # of the same length: the event's data, a view of the buffer, is now as written
    return event


def _require_utf8(data: bytes) -> None:
    if not data.isascii():
        data.decode()


def _is_utf8(data: bytes) -> bool:
    try:
        _require_utf8(data)
    except UnicodeDecodeError:
        return False
    return True


def _described(error: Exception) -> tuple[str, str]:
    if isinstance(error, NotAnEvent | msgspec.ValidationError):
        return "NotAnEvent", str(error)
    if isinstance(error, UnicodeDecodeError):
        return "NotUtf8", f"invalid UTF-8 at byte {error.start + 1}"
    if isinstance(error, RecursionError):
        return "NotJson", "JSON nested too deeply to be decoded"
    return "NotJson", str(error)
