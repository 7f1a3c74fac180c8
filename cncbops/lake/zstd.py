"""What zstd compressed. Source: RFC 8878."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, BinaryIO

from cncbops.lake.members import Member, members
from cncbops.lake.pieces import PIECE_BYTES, Damaged

if TYPE_CHECKING:
    from zstandard import ZstdDecompressionObj

# A call has no limit to what it may give. A block of 128 KiB may take four bytes: this is at most 8 MiB.
_STEP = 256


def frames(stream: BinaryIO) -> Iterator[bytes]:
    """The plain bytes of all frames. Raises Damaged."""
    import zstandard  # here: few lakes have any of it

    def frame(stream: BinaryIO, data: bytes) -> Member:
        return _frame(zstandard.ZstdDecompressor().decompressobj(), stream, data)

    try:
        yield from members(frame)(stream)
    except zstandard.ZstdError as error:
        raise Damaged(str(error)) from error


def _frame(frame: "ZstdDecompressionObj", stream: BinaryIO, data: bytes) -> Member:
    while True:
        for at in range(0, len(data), _STEP):
            yield frame.decompress(data[at : at + _STEP])
            if frame.eof:
                return frame.unused_data + data[at + _STEP :]
        data = stream.read(PIECE_BYTES)
        if not data:
            raise Damaged("ends too early")
