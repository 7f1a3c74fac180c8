"""Where one document ends and the next begins: one a line, several on a line, or one over many lines.

A document that was cut off must not swallow those behind it: where the next line cannot go on with it, it
ends there, as broken, and what it had swallowed is looked at again. A broken document is given out too,
so that decoding names it.
"""

import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import islice, takewhile
from operator import is_not
from typing import Generic, Literal, TypeVar, cast

import msgspec
from msgspec.structs import replace

from cncbops.faults.json_text import NOT_JSON, check
from cncbops.lake.lines import Block, split_documents

LONGEST = 32 * 1024 * 1024
DEEPEST = 200
MOST_TRIES = 4  # how often a line that a broken document had swallowed is looked at again: time stays linear

T = TypeVar("T")
_is_there = partial(is_not, None)
_SPACE = b" \t\r\n"
_TOKEN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+("?)|[{}\[\]]', re.DOTALL)
_VALUE = b'"{[-0123456789tfn'
# What may stand first on a line, by what stood last before it. Behind anything else a value has ended.
_MAY_FOLLOW = {b"{": b'"}', b"[": _VALUE + b"]", b",": _VALUE, b":": _VALUE}
_AFTER_VALUE = b",:}]"


class Document(msgspec.Struct, frozen=True, gc=False):
    """One document, or what is none, without white space around it.

    It begins on `line`, from 1, as the part `part` of that line, from 0; what goes on there from the line
    before is a part, too. Both rise from document to document, whatever the blocks.
    """

    text: bytes
    line: int
    part: int


class Run(msgspec.Struct, Generic[T], frozen=True, gc=False):
    """Documents that lie each on a line of its own, one after another, as they were read; the first on `line`."""

    line: int
    values: Sequence[T]


_Read = Sequence[T | None] | Run[T]


class _Piece(msgspec.Struct, frozen=True, gc=False):
    """A piece of a line, with the white space around it."""

    text: bytes
    line: int
    is_first: bool
    tries: int = 0

    @property
    def begins_a_document(self) -> bool:
        """Whether a document begins in its line's first column, as it does unless it is a part of a longer one."""
        return self.is_first and self.text.startswith(b"{")

    def again(self) -> "_Piece":
        """The piece, to be looked at once more."""
        return replace(self, tries=self.tries + 1)


class _Extent(msgspec.Struct, frozen=True, gc=False):
    """A document's text, and the lines on which it begins and ends."""

    text: bytes
    first_line: int
    last_line: int


def documents(blocks: Iterable[Block]) -> Iterator[Document]:
    """The documents of an object's blocks.

    One over many lines ends, as broken, at LONGEST bytes and at DEEPEST levels of brackets.
    """
    return (document for document, _ in read_documents(blocks, _is_json_or_none))


def read_documents(blocks: Iterable[Block], read: Callable[[bytes], T | None]) -> Iterator[tuple[Document, T | None]]:
    """The documents with what `read` makes of those on a line of their own.

    It gives None for what is no JSON, and for whatever else it leaves to the caller, as others are.
    """

    def read_text(text: bytes) -> tuple[bytes, T] | None:
        value = read(text)
        return None if value is None else (text, value)

    for found in read_runs(blocks, lambda block: read_lines(block, read_text)):
        if isinstance(found, Document):
            yield found, None
            continue
        for number, (text, value) in enumerate(found.values, found.line):
            yield Document(text, number, 0), value


def read_runs(blocks: Iterable[Block], read: Callable[[Block], _Read[T]]) -> Iterator[Run[T] | Document]:
    """The documents, those together that `read` has read, which is given a block and gives a value for each line.

    It gives None for a line that is not one JSON text, and for whatever else it leaves to the caller, as others are;
    where there is no such line it may give a run, which is given out as it is.
    """
    line = part = 0  # where the last document ended, and which part of that line it was
    for found in _found(blocks, read):
        if isinstance(found, Run):
            line, part = found.line + len(found.values) - 1, 0
            yield found
            continue
        part = part + 1 if found.first_line == line else 0
        yield Document(found.text, found.first_line, part)
        line = found.last_line
        part = part if found.first_line == line else 0


def read_lines(block: Block, read: Callable[[bytes], T | None]) -> list[T | None]:
    """What is made of each line of a block that may be a document by itself; None for each other."""
    return [read_line(line, read) for line in block.lines()]


def read_line(line: bytes, read: Callable[[bytes], T | None]) -> T | None:
    """What is made of a line if it may be a document by itself."""
    text = line.strip(_SPACE)
    return read(text) if text.startswith(b"{") else None


def _found(blocks: Iterable[Block], read: Callable[[Block], _Read[T]]) -> Iterator["Run[T] | _Extent"]:
    begun = _Begun()
    for block in blocks:
        found = read(block)
        if isinstance(found, Run):
            if not (begun.is_amidst or block.first_part):
                yield found
                continue
            found = found.values
        yield from _found_in(block, found, begun)
    while begun:
        extent, rest = begun.broken()
        yield extent
        yield from begun.feed(rest)


def _found_in(block: Block, values: Sequence[T | None], begun: "_Begun") -> Iterator["Run[T] | _Extent"]:
    lines, at = None, 0
    while at < len(values):
        is_whole = at > 0 or not block.first_part
        run: Sequence[T] = [] if begun.is_amidst or not is_whole else _until_none(values, at)
        if run:
            yield Run(block.first_line + at, run)
            at += len(run)
            continue
        lines = lines or block.lines()
        for piece in _pieces(lines[at], block.first_line + at, is_whole):
            yield from begun.feed([piece])
        at += 1


def _until_none(values: Sequence[T | None], start: int) -> Sequence[T]:
    """Those from `start` up to the first that is None."""
    return cast("list[T]", list(takewhile(_is_there, islice(values, start, None))))


def _pieces(line: bytes, number: int, is_first: bool) -> Iterator[_Piece]:
    """A line in the pieces between which a block may end, so that none has to end there."""
    for text in _cut(line):
        yield _Piece(text, number, is_first)
        is_first = False


def _cut(line: bytes) -> Iterator[bytes]:
    is_one = not (b"{" in line or b"[" in line) or _is_json(line)  # most are, and this is sooner seen than split
    start = end = 0
    for piece in [] if is_one else split_documents(line)[:-1]:
        end = line.index(piece, end) + len(piece)
        yield line[start:end]
        start = end
    yield line[start:]


# A document, and pieces that are to be looked at again.
_Found = tuple[_Extent | None, list[_Piece]]


class _Begun:
    """The pieces of a document that has begun and not ended; none of them, most of the time."""

    def __init__(self) -> None:
        self._held: list[_Piece] = []
        self._skips = False  # the rest of a broken document, up to where one begins for certain
        self._depth = 0
        self._size = 0

    def __bool__(self) -> bool:
        return bool(self._held)

    @property
    def is_amidst(self) -> bool:
        """Whether the next line may be more of a document than one that begins there."""
        return self._skips or bool(self._held)

    def feed(self, pieces: Iterable[_Piece]) -> Iterator[_Extent]:
        """The documents that end with these pieces."""
        waiting = deque(pieces)
        while waiting:
            found, again = self._take(waiting.popleft())
            waiting.extendleft(reversed(again))
            if found:
                yield found

    def _take(self, piece: _Piece) -> _Found:
        if self._held:
            return self._go_on(piece)
        if self._skips and not piece.begins_a_document:
            return None, []
        self._skips = False
        return self._begin(piece), []

    def broken(self) -> tuple[_Extent, list[_Piece]]:
        """What has begun, as it is: it ends before the next line in which a document begins."""
        held, self._held = self._held, []
        ends = (at for at, piece in enumerate(held) if at and piece.begins_a_document and piece.tries < MOST_TRIES)
        end = next(ends, len(held))
        return _joined(held[:end]), [piece.again() for piece in held[end:]]

    def _begin(self, piece: _Piece) -> _Extent | None:
        text = piece.text.strip(_SPACE)
        if text.startswith((b"{", b"[")) and not _is_json(text):
            self._depth = self._size = 0
            if self._end(text) is None:
                self._hold(piece)
                return None
        return _joined([piece]) if text else None

    def _go_on(self, piece: _Piece) -> _Found:
        if not self._fits(piece):
            found, rest = self.broken()
            self._skips = not piece.text.lstrip(_SPACE).startswith(b"{")
            return found, [*rest, piece]
        end = self._end(piece.text)
        self._hold(piece)
        if end is None and self._size <= LONGEST:
            return None, []
        behind = piece.text[end:] if end else b""
        whole = _joined(self._held, behind)
        if not end or not _is_json(whole.text):
            self._skips = True
            return self.broken()
        self._held = []
        return whole, [_Piece(behind, piece.line, is_first=False)]

    def _hold(self, piece: _Piece) -> None:
        self._held.append(piece)
        self._size += len(piece.text)

    def _fits(self, piece: _Piece) -> bool:
        """Whether the piece can go on with what has begun."""
        first = piece.text.lstrip(_SPACE)[:1]
        last = next(filter(None, (held.text.rstrip(_SPACE)[-1:] for held in reversed(self._held))))
        return first in _MAY_FOLLOW.get(last, _AFTER_VALUE)

    def _end(self, text: bytes) -> int | None:
        """Where in the text the document ends; None where it goes on, 0 where it cannot."""
        for token in _TOKEN.finditer(text):
            if token[1] is None:
                self._depth += 1 if token[0] in b"{[" else -1
                if not 0 < self._depth <= DEEPEST:
                    return 0 if self._depth else token.end()
            elif not token[1]:
                return 0
        return None


def _joined(pieces: list[_Piece], without: bytes = b"") -> _Extent:
    text = b"".join(piece.text for piece in pieces).removesuffix(without)
    return _Extent(text.strip(_SPACE), pieces[0].line, pieces[-1].line)


def _is_json(text: bytes) -> bool:
    try:
        check(text)
    except NOT_JSON:
        return False
    return True


def _is_json_or_none(text: bytes) -> Literal[True] | None:
    return True if _is_json(text) else None
