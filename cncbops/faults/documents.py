"""Where one document ends and the next begins: one a line, several on a line, or one over many lines.

A document that was cut off must not swallow those behind it: where the next line cannot go on with it, it
ends there, as broken, and what it had swallowed is looked at again. A broken document is given out too,
so that decoding names it.
"""

import re
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from cncbops.faults.json_text import NOT_JSON, check
from cncbops.lake.lines import Block, split_documents

LONGEST = 32 * 1024 * 1024
DEEPEST = 200
MOST_TRIES = 4  # how often a line that a broken document had swallowed is looked at again: time stays linear

_SPACE = b" \t\r\n"
_TOKEN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+("?)|[{}\[\]]', re.DOTALL)
_VALUE = b'"{[-0123456789tfn'
# What may stand first on a line, by what stood last before it. Behind anything else a value has ended.
_MAY_FOLLOW = {b"{": b'"}', b"[": _VALUE + b"]", b",": _VALUE, b":": _VALUE}
_AFTER_VALUE = b",:}]"


@dataclass(frozen=True, slots=True)
class Document:
    """One document, or what is none, without white space around it.

    It begins on `line`, from 1, as the part `part` of that line, from 0.
    """

    text: bytes
    line: int
    part: int


@dataclass(frozen=True, slots=True)
class _Line:
    """A line with its end, or what is left of one; `part` is the place of what comes next on it."""

    text: bytes
    number: int
    part: int
    tries: int = 0

    @property
    def begins_a_document(self) -> bool:
        """Whether a document begins in its first column, as it does unless it is a part of one over many lines."""
        return self.part == 0 and self.text.startswith(b"{")

    def again(self) -> "_Line":
        """The line, to be looked at once more."""
        return replace(self, tries=self.tries + 1)


def documents(blocks: Iterable[Block]) -> Iterator[Document]:
    """The documents of an object's blocks.

    One over many lines ends, as broken, at LONGEST bytes and at DEEPEST levels of brackets.
    """
    begun = _Begun()
    for line in _lines(blocks):
        yield from begun.feed([line])
    while begun:
        found, rest = begun.broken()
        yield from found
        yield from begun.feed(rest)


def _lines(blocks: Iterable[Block]) -> Iterator[_Line]:
    for block in blocks:
        part = block.first_part
        for number, text in enumerate(re.findall(rb"[^\n]*\n|[^\n]+", block.data), block.first_line):
            yield _Line(text, number, part)
            part = 0


# Documents, and lines that are to be looked at again.
_Found = tuple[list[Document], list[_Line]]


class _Begun:
    """The lines of a document that has begun and not ended; none of them, most of the time."""

    def __init__(self) -> None:
        self._lines: list[_Line] = []
        self._skips = False  # the rest of a broken document, up to where one begins for certain
        self._depth = 0
        self._size = 0

    def __bool__(self) -> bool:
        return bool(self._lines)

    def feed(self, lines: Iterable[_Line]) -> Iterator[Document]:
        """The documents that end with these lines."""
        waiting = deque(lines)
        while waiting:
            found, again = self._take(waiting.popleft())
            waiting.extendleft(reversed(again))
            yield from found

    def _take(self, line: _Line) -> _Found:
        if self._lines:
            return self._go_on(line)
        if self._skips and not line.begins_a_document:
            return [], []
        self._skips = False
        return self._begin(line), []

    def broken(self) -> _Found:
        """What has begun, as it is: it ends before the next line in which a document begins."""
        lines, self._lines = self._lines, []
        ends = (at for at, line in enumerate(lines) if at and line.begins_a_document and line.tries < MOST_TRIES)
        end = next(ends, len(lines))
        return [_joined(lines[:end])], [line.again() for line in lines[end:]]

    def _begin(self, line: _Line) -> list[Document]:
        text = line.text.strip(_SPACE)
        pieces = [text] if not text or _is_json(text) else split_documents(line.text)
        found = [Document(piece, line.number, part) for part, piece in enumerate(pieces, line.part) if piece]
        if not found or _is_json(found[-1].text):
            return found
        self._depth = self._size = 0
        last = found[-1]
        if last.text[:1] in b"{[" and self._end(last.text) is None:
            start = len(line.text.rstrip(_SPACE)) - len(last.text)
            self._hold(_Line(line.text[start:], last.line, last.part))
            return found[:-1]
        return found

    def _go_on(self, line: _Line) -> _Found:
        if not self._fits(line):
            found, rest = self.broken()
            self._skips = not line.text.lstrip(_SPACE).startswith(b"{")
            return found, [*rest, line]
        end = self._end(line.text)
        self._hold(line)
        if end is None and self._size <= LONGEST:
            return [], []
        behind = line.text[end:] if end else b""
        whole = _joined(self._lines, behind)
        if not end or not _is_json(whole.text):
            self._skips = True
            return self.broken()
        self._lines = []
        return [whole], [_Line(behind, line.number, line.part + 1)]

    def _hold(self, line: _Line) -> None:
        self._lines.append(line)
        self._size += len(line.text)

    def _fits(self, line: _Line) -> bool:
        """Whether the line can go on with what has begun."""
        first = line.text.lstrip(_SPACE)[:1]
        last = next(filter(None, (held.text.rstrip(_SPACE)[-1:] for held in reversed(self._lines))))
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


def _joined(lines: list[_Line], without: bytes = b"") -> Document:
    text = b"".join(line.text for line in lines).removesuffix(without)
    return Document(text.strip(_SPACE), lines[0].number, lines[0].part)


def _is_json(text: bytes) -> bool:
    try:
        check(text)
    except NOT_JSON:
        return False
    return True
