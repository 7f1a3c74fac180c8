"""One answer of HTTP/1.1, read off a connection to its end.

Source: RFC 9112, "HTTP/1.1". What it does not allow is not guessed at: the answer counts as broken.
"""

from collections.abc import Mapping
from typing import NamedTuple, Protocol

from botocore.exceptions import IncompleteReadError

from cncbops.native import hot

LONGEST_HEAD = 64 * 1024
_HEAD_PIECE = 16 * 1024
_PIECE = 256 * 1024
_LARGEST_PIECE = 4 * 1024 * 1024
"""Room is made for at a time: what an answer says of its length is not believed before it comes."""
_END = b"\r\n"


class Broken(Exception):
    """What came is no HTTP, or ended before the answer began."""


class Reply(NamedTuple):
    """A whole answer; the names of its headers in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


Head = tuple[int, Mapping[str, str], int]
"""A usual head: the status, the headers, and how many bytes of a body follow."""


class Receiving(Protocol):
    """What bytes come from."""

    def receive(self, least: int, most: int, held: bytes = b"") -> bytes:
        """As many bytes as are there, and `least` of them unless all end before; behind those that are held."""


def read_reply(source: Receiving, first: bytes = b"") -> tuple[Reply, bool]:
    """The answer to a request that is not HEAD, and whether the connection may carry another.

    `first` is what was received of it before. Raises Broken, IncompleteReadError for a body that ends early, and what
    the source raises.
    """
    return read_rest(source, *(hot.usual_head(first) if hot else (None, first)))


def read_rest(source: Receiving, head: Head | None, came: bytes) -> tuple[Reply, bool]:
    """As `read_reply`, where the head was read if it is a usual one; `came` is what was received behind it."""
    if head is None:
        return _read_whole(_Incoming(source, came))
    status, headers, length = head
    body = came if len(came) == length else _Incoming(source, came).exactly(length)
    return Reply(status, headers, body), True


def _read_whole(incoming: "_Incoming") -> tuple[Reply, bool]:
    version, status, headers = _head(incoming)
    while 100 <= status < 200:  # interim: the answer follows
        version, status, headers = _head(incoming)
    body, is_ended = _body(incoming, status, headers)
    tokens = headers.get("connection", "").lower()
    keeps = is_ended and version == "HTTP/1.1" and "close" not in tokens and not incoming.rest
    return Reply(status, headers, body), keeps


class _Incoming:
    """The bytes of a connection; `rest` is what was received and not yet asked for."""

    def __init__(self, source: Receiving, first: bytes) -> None:
        self._receive = source.receive
        self.rest = first

    def until(self, mark: bytes) -> bytes:
        """What comes before `mark`, which is passed over."""
        while (end := self.rest.find(mark)) < 0:
            if len(self.rest) > LONGEST_HEAD:
                raise Broken("its head is too long")
            piece = self._receive(1, _HEAD_PIECE)
            if not piece:
                raise Broken("it was closed")
            self.rest = self.rest + piece if self.rest else piece
        found, self.rest = self.rest[:end], self.rest[end + len(mark) :]
        return found

    def exactly(self, count: int) -> bytes:
        if len(self.rest) >= count:
            found, self.rest = self.rest[:count], self.rest[count:]
            return found
        pieces: list[bytes] = []
        held, self.rest, missing = self.rest, b"", count
        while missing:  # nearly always one piece, in which all is put where it stays
            wanted = min(missing, _LARGEST_PIECE + len(held))
            pieces.append(self._receive(wanted - len(held), wanted - len(held), held))
            missing -= len(pieces[-1])
            if len(pieces[-1]) < wanted:
                raise IncompleteReadError(actual_bytes=count - missing, expected_bytes=count)
            held = b""
        return b"".join(pieces)

    def to_end(self) -> bytes:
        pieces = [self.rest]
        self.rest = b""
        while piece := self._receive(1, _PIECE):
            pieces.append(piece)
        return b"".join(pieces)


def _head(incoming: _Incoming) -> tuple[str, int, dict[str, str]]:
    first, *lines = incoming.until(_END * 2).decode("latin-1").split("\r\n")
    version, _, rest = first.partition(" ")
    status = rest[:3]
    if not version.startswith("HTTP/1.") or not status.isdecimal() or rest[3:4].strip():
        raise Broken("it began with no status")
    headers: dict[str, str] = {}
    for line in lines:
        name, _, value = line.partition(":")
        name = name.lower()
        headers[name] = f"{headers[name]}, {value.strip()}" if name in headers else value.strip()
    return version, int(status), headers


def _body(incoming: _Incoming, status: int, headers: Mapping[str, str]) -> tuple[bytes, bool]:
    """The body, and whether its end was said: else it ends with the connection."""
    if status in (204, 304):
        return b"", True
    if coding := headers.get("transfer-encoding"):
        if coding.lower() != "chunked":
            raise Broken("its body is encoded in an unknown way")
        return _chunks(incoming), "content-length" not in headers
    length = headers.get("content-length")
    if length is None:
        return incoming.to_end(), False
    if not (length.isascii() and length.isdecimal()):
        raise Broken("its length is no number")
    return incoming.exactly(int(length)), True


def _chunks(incoming: _Incoming) -> bytes:
    pieces = []
    while size := _chunk_size(incoming.until(_END)):
        pieces.append(incoming.exactly(size))
        if incoming.exactly(2) != _END:
            raise Broken("a chunk is longer than it says")
    while incoming.until(_END):  # trailers
        pass
    return b"".join(pieces)


def _chunk_size(line: bytes) -> int:
    digits = line.partition(b";")[0].strip()
    if not digits or digits.strip(b"0123456789abcdefABCDEF"):
        raise Broken("a chunk has no size")
    return int(digits, 16)
