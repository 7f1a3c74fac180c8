"""Bytes that come piece by piece, as a stream; what undoes a compression takes such a one, and yields pieces."""

import io
from collections.abc import Iterator
from typing import BinaryIO, cast

PIECE_BYTES = 64 * 1024


class Damaged(Exception):
    """Compressed data is not what its format asks for."""


def stream_of(pieces: Iterator[bytes]) -> BinaryIO:
    """A stream of the bytes that `pieces` yields, pulled as they are read.

    A read may give less than asked for: what came before a failure is given before it is raised.
    """
    return cast(BinaryIO, _Pieces(pieces))


def buffered(pieces: Iterator[bytes]) -> BinaryIO:
    """The same, of which a read gives all that was asked for, unless it ends."""
    return io.BufferedReader(_Pieces(pieces), PIECE_BYTES)


def chunks(raw: BinaryIO, head: bytes = b"") -> Iterator[bytes]:
    """The bytes of `raw` after those already read from it, which are put back in front."""
    if head:
        yield head
    while chunk := raw.read(PIECE_BYTES):
        yield chunk


class _Pieces(io.RawIOBase):
    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        piece = self._some(len(buffer))
        buffer[: len(piece)] = piece
        return len(piece)

    def read(self, size: int | None = -1) -> bytes:
        """As io.RawIOBase reads, without a buffer of `size` bytes for whatever little comes."""
        return self.readall() if size is None or size < 0 else bytes(self._some(size))

    def _some(self, size: int) -> memoryview:
        while not self._rest:
            piece = next(self._pieces, None)
            if piece is None:
                break
            self._rest = memoryview(piece)
        some, self._rest = self._rest[:size], self._rest[size:]
        return some


def exactly(stream: BinaryIO, count: int) -> bytes:
    """So many bytes of a stream. Raises Damaged where it ends before."""
    data = stream.read(count)
    if len(data) < count:
        raise Damaged("ends too early")
    return data
