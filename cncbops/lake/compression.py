"""Plain bytes of an object, whatever it was compressed with.

Content decides, never the name: Firehose's FileExtension renames objects without changing them, and
nothing keeps an upload from a wrong suffix. Every format is read piece by piece, a decompression
bomb too; only ZIP goes through a temporary file.
"""

import zlib
from collections.abc import Callable, Iterator
from typing import BinaryIO

from msgspec import Struct

from cncbops.lake.members import bzip2_member, gzip_member, members
from cncbops.lake.objects import ObjectUnreadable
from cncbops.lake.pieces import Damaged, buffered, chunks, stream_of
from cncbops.lake.snappy import XERIAL, hadoop_blocks, is_hadoop, xerial_blocks
from cncbops.lake.zipped import entries
from cncbops.lake.zstd import frames

_HEAD = 16
_UNSUPPORTED = {
    b"PAR1": "Parquet",
    b"ORC": "ORC",
    b"\xfd7zXZ\x00": "compressed by xz",
    b"\x04\x22\x4d\x18": "compressed by LZ4",
    b"\xff\x06\x00\x00sNaPpY": "Snappy in a framing that Firehose does not write",
}

_READ = "events are read from JSON, plain or in gzip, bzip2, zstd, ZIP, or Snappy as Firehose writes it"


def decompressed(raw: BinaryIO, name: str) -> BinaryIO:
    """The plain content of `raw`, which its caller closes. `name` is for messages only.

    Raises ObjectUnreadable: UnsupportedFormat for what is not read, such as Parquet; from reads, CorruptObject.
    """
    head = _read_up_to(raw, _HEAD)
    for magic, kind in _UNSUPPORTED.items():
        if head.startswith(magic):
            raise ObjectUnreadable("UnsupportedFormat", f"{name!r} is {kind}: {_READ}")
    pieces = chunks(raw, head)
    codec = _codec(head)
    return stream_of(_checked(codec, pieces, name) if codec else pieces)


def plain_if_small(content: bytes, limit: int) -> bytes | None:
    """The plain content of a whole object where that is fewer than `limit` bytes, at no more than one copy.

    None where it is more, where the object is damaged, or in a form that is only read piece by piece.
    """
    head = content[:_HEAD]
    if head.startswith(tuple(_UNSUPPORTED)):
        return None
    codec = _codec(head)
    if codec is None:
        return content if len(content) < limit else None
    return _gunzipped(content, limit) if codec.kind == "gzip" else None


def _gunzipped(content: bytes, limit: int) -> bytes | None:
    plain, left = b"", content
    while left:
        member = zlib.decompressobj(wbits=31)
        try:
            plain += member.decompress(left, limit - len(plain))
        except zlib.error:
            return None
        if not member.eof or len(plain) >= limit:
            return None
        left = member.unused_data
    return plain


def _read_up_to(raw: BinaryIO, count: int) -> bytes:
    data = b""
    while len(data) < count and (more := raw.read(count - len(data))):
        data += more
    return data


class _Codec(Struct, frozen=True):
    """How a compression is undone piece by piece, and seen of the first bytes where its magic does not tell it."""

    kind: str
    pieces: Callable[[BinaryIO], Iterator[bytes]]
    is_it: Callable[[bytes], bool] = lambda _: True


def _codec(head: bytes) -> "_Codec | None":
    if not head.startswith(_MAGICS):  # nearly all objects: one look for all
        return None
    found = next(codec for magic, codec in _CODECS.items() if head.startswith(magic))
    return found if found.is_it(head) else None


def _checked(codec: _Codec, compressed: Iterator[bytes], name: str) -> Iterator[bytes]:
    try:
        yield from codec.pieces(buffered(compressed))
    except (Damaged, zlib.error) as error:
        reason = " ".join(str(error).split()) or "damaged"
        raise ObjectUnreadable("CorruptObject", f"{codec.kind} data of {name!r}: {reason}") from error


_ZSTD = _Codec("zstd", frames)
_ZIP = _Codec("ZIP", entries)
_CODECS = {
    b"\x1f\x8b": _Codec("gzip", members(gzip_member)),
    b"\x28\xb5\x2f\xfd": _ZSTD,
    # One of the sixteen kinds of skippable frame that may stand before a frame.
    **{bytes([0x50 + kind]) + b"\x2a\x4d\x18": _ZSTD for kind in range(16)},
    b"BZh": _Codec("bzip2", members(bzip2_member)),
    b"PK\x03\x04": _ZIP,
    b"PK\x05\x06": _ZIP,
    XERIAL: _Codec("Snappy", xerial_blocks),
    b"\x00": _Codec("Snappy", hadoop_blocks, is_hadoop),
}
"""By the first bytes of what is compressed; none begins as another does."""
_MAGICS = tuple(_CODECS)
