"""Blocks of whole lines, and the JSON documents that stand on one line.

Lines end at the byte `\\n` only: text-mode splitting would also cut at U+2028, U+2029 and U+0085,
which may stand inside a JSON string. Firehose joins records byte for byte, so where nobody added a
newline a whole object is one line of `{...}{...}`: such a line is cut between its documents, to
bound memory by the largest document and not by the object.
"""

import re
from collections.abc import Iterator
from io import BytesIO
from itertools import chain
from typing import BinaryIO

from msgspec import Struct

from cncbops.lake.objects import ObjectUnreadable

BLOCK_SIZE = 1024 * 1024
# Far above any event: a Kinesis record holds at most 10 MiB, an EventBridge event 1 MiB.
LONGEST_DOCUMENT = 64 * 1024 * 1024

_BOM = b"\xef\xbb\xbf"
_SPACE = b" \t\r\n"
# Possessive (`*+`) runs and bounded groups: nothing is tried twice, and time and memory are bounded
# whatever a line holds. Possessive groups that can fail midway lose their place in Python before
# 3.11.5 (python/cpython #106052).
_REST_OF_STRING = rb'[^"\\]*+(?:\\.[^"\\]*+)*+'
_STRING = rb'"' + _REST_OF_STRING + rb'"'
_RUN = rb'[^"{}\[\]]*+'
_FEW = rb"{0,1000}"


def _nested(depth: int) -> bytes:
    """A document of at most `depth` levels of brackets, whatever their kind, and few parts on each."""
    part = _STRING + (b"|" + _nested(depth - 1) if depth > 1 else b"")
    return rb"[{\[]" + _RUN + rb"(?:(?:" + part + rb")" + _RUN + rb")" + _FEW + rb"[}\]]"


_IN_STRING = re.compile(_REST_OF_STRING, re.DOTALL)
_TO_BRACKET = re.compile(_RUN + rb"(?:" + _STRING + _RUN + rb")" + _FEW, re.DOTALL)
# Nearly every event, at one go: twice as fast as going from bracket to bracket.
_SHALLOW = re.compile(_nested(8), re.DOTALL)


class Block(Struct, frozen=True):
    """Bytes of whole lines, the last newline included if the object has it.

    `first_line` is the number of the first line, from 1. Where a long line was cut between its
    documents, `first_part` is how many pieces (as split_documents counts) came in earlier blocks.
    """

    data: bytes
    first_line: int
    first_part: int

    def lines(self) -> list[bytes]:
        """Each with its newline, if it has one."""
        return BytesIO(self.data).readlines()  # at b"\n" only; five times as fast as bytes.split


def blocks(stream: BinaryIO, size: int = BLOCK_SIZE) -> Iterator[Block]:
    """The stream in blocks of about `size` bytes, without a byte order mark at its start.

    Raises ObjectUnreadable (LineTooLong) for a document of more than LONGEST_DOCUMENT bytes, and what
    the stream raises; what is whole before the failure is yielded first.
    """
    pending = _Pending()
    try:
        for chunk in chain([_without_bom(stream)], iter(lambda: stream.read(pending.room(size)), b"")):
            pending.add(chunk)
            if len(pending.data) < size:
                continue
            if end := pending.whole():
                yield pending.take(end)
            elif len(pending.data) > LONGEST_DOCUMENT:
                raise pending.too_long()
    except ObjectUnreadable:
        if end := pending.whole():
            yield pending.take(end)
        raise
    if pending.data:
        yield pending.take(len(pending.data))


def split_documents(line: bytes) -> list[bytes]:
    """The JSON objects and arrays of one line, byte for byte, without the white space around them.

    What stands between or after them is a piece of its own, so that it can be reported.
    """
    scanner = _Scanner()
    pieces = [line[start:end] for start, end in scanner.pieces(line)]
    rest = line[scanner.mark :].strip(_SPACE)
    return [*pieces, rest] if rest else pieces


def _without_bom(stream: BinaryIO) -> bytes:
    head = b""
    while len(head) < len(_BOM) and (more := stream.read(len(_BOM) - len(head))):
        head += more
    return head.removeprefix(_BOM)


def _newlines(data: bytes) -> int:
    """How many lines end in some bytes: found by memchr, in a quarter of the time that bytes.count takes."""
    lines = BytesIO(data).readlines()
    return len(lines) - bool(lines and not lines[-1].endswith(b"\n"))


class _Pending:
    """What has been read and not yet given away."""

    def __init__(self) -> None:
        self.data = bytearray()
        self._lines_end = 0
        self._line = 1
        self._part = 0
        self._parts_seen = 0
        self._scanner = _Scanner()

    def add(self, chunk: bytes) -> None:
        if newline := chunk.rfind(b"\n") + 1:
            self._lines_end = len(self.data) + newline
        self.data += chunk

    def room(self, size: int) -> int:
        """What is missing to a block of `size`, or that much again if its first piece is longer."""
        return size - len(self.data) if len(self.data) < size else size

    def whole(self) -> int:
        """Where the whole lines end or, in the midst of the first line, its whole pieces; else 0."""
        if self._lines_end:
            return self._lines_end
        end = 0
        for _, end in self._scanner.pieces(self.data):  # noqa: B007  the last one counts
            self._parts_seen += 1
        return end

    def take(self, end: int) -> Block:
        """The block up to `end`: after a newline, after a piece, or the end of the object."""
        block = Block(bytes(memoryview(self.data)[:end]), self._line, self._part)
        del self.data[:end]
        newlines = _newlines(block.data)
        if newlines:
            self._line += newlines
            self._lines_end = self._parts_seen = 0
            self._scanner = _Scanner()
        else:
            self._scanner.forget(end)
        self._part = self._parts_seen
        return block

    def too_long(self) -> ObjectUnreadable:
        mib = LONGEST_DOCUMENT // 1024**2
        return ObjectUnreadable("LineTooLong", f"line {self._line} holds a document of over {mib} MiB")


class _Scanner:
    """Finds documents in one line that arrives bit by bit, and looks at each byte once.

    `mark` is where the document, or the gap between documents, begins that is still open.
    """

    def __init__(self) -> None:
        self.mark = 0
        self._at = 0
        self._depth = 0
        self._in_string = False

    def forget(self, count: int) -> None:
        """The first `count` bytes, all of them whole pieces, are no longer there."""
        self.mark -= count
        self._at -= count

    def pieces(self, line: bytes | bytearray) -> Iterator[tuple[int, int]]:
        """Start and end of each piece that is now whole; call again when the line has grown."""
        while self._to_bracket(line):
            if line[self._at] in b"{[":
                if not self._depth:
                    yield from self._gap(line)
                self._open(line)
            elif self._depth:
                self._depth -= 1
                self._at += 1
            else:
                self._at += 1  # closes nothing: part of a gap
                continue
            if not self._depth:
                yield self.mark, self._at
                self.mark = self._at

    def _open(self, line: bytes | bytearray) -> None:
        """Past an opening bracket, or at once past the whole of a document that is shallow."""
        whole = None if self._depth else _SHALLOW.match(line, self._at)
        self._depth += not whole
        self._at = whole.end() if whole else self._at + 1

    def _gap(self, line: bytes | bytearray) -> Iterator[tuple[int, int]]:
        """What stands before the document that begins here, if it is more than white space."""
        gap = line[self.mark : self._at].rstrip(_SPACE)
        start, self.mark = self.mark, self._at
        if gap:
            yield start + len(gap) - len(gap.lstrip(_SPACE)), start + len(gap)

    def _to_bracket(self, line: bytes | bytearray) -> bool:
        """Move to the next bracket outside a string; False if what is there ends before one."""
        while self._at < len(line):
            if self._in_string:
                self._at = _end(_IN_STRING, line, self._at)
                if line[self._at : self._at + 1] != b'"':
                    return False
                self._at += 1
                self._in_string = False
            self._at = _end(_TO_BRACKET, line, self._at)
            if line[self._at : self._at + 1] != b'"':
                return self._at < len(line)
            self._at += 1
            self._in_string = True
        return False


def _end(pattern: re.Pattern[bytes], line: bytes | bytearray, start: int) -> int:
    found = pattern.match(line, start)
    return found.end() if found else start
