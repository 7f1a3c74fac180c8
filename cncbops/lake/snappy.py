"""The two framings of Snappy that Firehose writes.

Sources: snappy-java SnappyOutputStream (Xerial framing) and Hadoop BlockCompressorStream.
"""

from collections.abc import Iterator
from typing import BinaryIO

from cncbops.lake.pieces import Damaged, exactly

XERIAL = b"\x82SNAPPY\x00"
# Lengths come from the object: what Firehose writes is far below.
_LARGEST_BLOCK = 64 * 1024 * 1024


def xerial_blocks(stream: BinaryIO) -> Iterator[bytes]:
    """The plain bytes of Xerial framing. Raises Damaged."""
    while start := stream.read(4):
        if start == XERIAL[:4]:  # the first header, and those of streams appended to it
            exactly(stream, 12)
        else:
            yield _block(stream, _u32(start))


def hadoop_blocks(stream: BinaryIO) -> Iterator[bytes]:
    """The plain bytes of Hadoop's framing. Raises Damaged."""
    while start := stream.read(4):
        left = _u32(start)
        while left > 0:
            plain = _block(stream, _u32(stream.read(4)))
            left -= len(plain)
            yield plain
        if left < 0:
            raise Damaged("holds more than it says")


def _block(stream: BinaryIO, length: int) -> bytes:
    if length > _LARGEST_BLOCK:
        raise Damaged(f"claims a block of {length} bytes")
    return _plain(exactly(stream, length))


def _plain(block: bytes) -> bytes:
    import cramjam  # here: few lakes have any of it

    try:
        if cramjam.snappy.decompress_raw_len(block) > _LARGEST_BLOCK:
            raise Damaged("claims a plain block over 64 MiB")
        return bytes(cramjam.snappy.decompress_raw(block))
    except cramjam.DecompressionError as error:
        raise Damaged(str(error)) from error


def _u32(data: bytes) -> int:
    if len(data) < 4:
        raise Damaged("ends too early")
    return int.from_bytes(data, "big")


def is_hadoop(head: bytes) -> bool:
    """Whether Hadoop's framing may begin so.

    It has no magic: a plain length below 16 MiB, a chunk's length, and the chunk's own plain length.
    """
    if head == bytes(4):  # Hadoop's empty stream
        return True
    if len(head) < 10:
        return False
    plain, chunk = _u32(head[:4]), _u32(head[4:8])
    first = _varint(head[8:13])
    return 0 < chunk <= _LARGEST_BLOCK and first is not None and 0 < first <= plain


def _varint(data: bytes) -> int | None:
    value = 0
    for place, byte in enumerate(data):
        value |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            return value
    return None
