"""Members (gzip, bzip2) and frames (zstd), of which there may be several one after the other.

Source: RFC 1952 (gzip).
"""

import bz2
import zlib
from collections.abc import Callable, Generator, Iterator
from typing import BinaryIO

from cncbops.lake.pieces import PIECE_BYTES, Damaged

# A member yields its plain bytes and returns what follows it in the bytes already read.
Member = Generator[bytes, None, bytes]


def members(member: Callable[[BinaryIO, bytes], Member]) -> Callable[[BinaryIO], Iterator[bytes]]:
    """Members (gzip) or frames (zstd) one after the other, as concatenating files makes them."""

    def pieces(stream: BinaryIO) -> Iterator[bytes]:
        data = stream.read(PIECE_BYTES)
        while data:
            data = (yield from member(stream, data)) or stream.read(PIECE_BYTES)

    return pieces


def gzip_member(stream: BinaryIO, data: bytes) -> Member:
    member = zlib.decompressobj(wbits=31)
    while not member.eof:
        piece = member.decompress(data, PIECE_BYTES)
        if not piece and not data:
            raise Damaged("ends too early")
        yield piece
        data = member.unconsumed_tail or stream.read(0 if member.eof else PIECE_BYTES)
    return member.unused_data


def bzip2_member(stream: BinaryIO, data: bytes) -> Member:
    member = bz2.BZ2Decompressor()
    while not member.eof:
        try:
            piece = member.decompress(data, PIECE_BYTES)
        except OSError as error:
            raise Damaged(str(error)) from error
        if not piece and not data and member.needs_input:
            raise Damaged("ends too early")
        yield piece
        data = stream.read(PIECE_BYTES) if member.needs_input else b""
    return member.unused_data
