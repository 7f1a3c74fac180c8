"""Plain bytes of an object, whatever it was compressed with.

Content decides, never the name: Firehose's FileExtension renames objects without changing them, and
nothing keeps an upload from a wrong suffix. Every format is read piece by piece, a decompression
bomb too; only ZIP, whose directory is at its end, goes through a temporary file (0600).

Sources: RFC 1952 (gzip), RFC 8878 (zstd), PKWARE APPNOTE (ZIP); snappy-java SnappyOutputStream
(Xerial framing) and Hadoop BlockCompressorStream for the two framings of Firehose.
"""

import bz2
import io
import shutil
import struct
import zipfile
import zlib
from collections.abc import Callable, Generator, Iterator
from tempfile import SpooledTemporaryFile
from typing import BinaryIO, cast

import cramjam
import zstandard
from msgspec import Struct

from cncbops.errors import CannotRun
from cncbops.lake.objects import ObjectUnreadable

_CHUNK = 64 * 1024
_HEAD = 16
# zstd's one-shot calls have no output limit. A block of 128 KiB may take four bytes: at most 8 MiB.
_ZSTD_STEP = 256
_ZIP_IN_MEMORY = 16 * 1024 * 1024
# Snappy lengths come from the object: what Firehose writes is far below.
_SNAPPY_BLOCK = 64 * 1024 * 1024
_XERIAL = b"\x82SNAPPY\x00"
_UNSUPPORTED = {b"PAR1": "Parquet", b"ORC": "ORC"}


class _Damaged(Exception):
    """Compressed data is not what its format asks for."""


_DAMAGE = (
    _Damaged,
    zlib.error,
    zstandard.ZstdError,
    cramjam.DecompressionError,
)


def decompressed(raw: BinaryIO, name: str) -> BinaryIO:
    """The plain content of `raw`, which its caller closes. `name` is for messages only.

    Raises ObjectUnreadable: UnsupportedFormat for Parquet and ORC; from reads, CorruptObject.
    """
    head = _read_up_to(raw, _HEAD)
    for magic, kind in _UNSUPPORTED.items():
        if head.startswith(magic):
            raise ObjectUnreadable("UnsupportedFormat", f"{name!r} is {kind}: events are read from JSON")
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


def stream_of(pieces: Iterator[bytes]) -> BinaryIO:
    """A stream of the bytes that `pieces` yields, pulled as they are read.

    A read may give less than asked for: what came before a failure is given before it is raised.
    """
    return cast(BinaryIO, _Pieces(pieces))


def chunks(raw: BinaryIO, head: bytes = b"") -> Iterator[bytes]:
    """The bytes of `raw` after those already read from it, which are put back in front."""
    if head:
        yield head
    while chunk := raw.read(_CHUNK):
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
        yield from codec.pieces(io.BufferedReader(_Pieces(compressed), _CHUNK))
    except _DAMAGE as error:
        reason = " ".join(str(error).split()) or "damaged"
        raise ObjectUnreadable("CorruptObject", f"{codec.kind} data of {name!r}: {reason}") from error


# A member yields its plain bytes and returns what follows it in the bytes already read.
_Member = Generator[bytes, None, bytes]


def _members(member: Callable[[BinaryIO, bytes], _Member]) -> Callable[[BinaryIO], Iterator[bytes]]:
    """Members (gzip) or frames (zstd) one after the other, as concatenating files makes them."""

    def pieces(stream: BinaryIO) -> Iterator[bytes]:
        data = stream.read(_CHUNK)
        while data:
            data = (yield from member(stream, data)) or stream.read(_CHUNK)

    return pieces


def _gzip_member(stream: BinaryIO, data: bytes) -> _Member:
    member = zlib.decompressobj(wbits=31)
    while not member.eof:
        piece = member.decompress(data, _CHUNK)
        if not piece and not data:
            raise _Damaged("ends too early")
        yield piece
        data = member.unconsumed_tail or stream.read(0 if member.eof else _CHUNK)
    return member.unused_data


def _bzip2_member(stream: BinaryIO, data: bytes) -> _Member:
    member = bz2.BZ2Decompressor()
    while not member.eof:
        try:
            piece = member.decompress(data, _CHUNK)
        except OSError as error:
            raise _Damaged(str(error)) from error
        if not piece and not data and member.needs_input:
            raise _Damaged("ends too early")
        yield piece
        data = stream.read(_CHUNK) if member.needs_input else b""
    return member.unused_data


def _zstd_frame(stream: BinaryIO, data: bytes) -> _Member:
    frame = zstandard.ZstdDecompressor().decompressobj()
    while True:
        for at in range(0, len(data), _ZSTD_STEP):
            yield frame.decompress(data[at : at + _ZSTD_STEP])
            if frame.eof:
                return frame.unused_data + data[at + _ZSTD_STEP :]
        data = stream.read(_CHUNK)
        if not data:
            raise _Damaged("ends too early")


def _zip_entries(stream: BinaryIO) -> Iterator[bytes]:
    with SpooledTemporaryFile(max_size=_ZIP_IN_MEMORY) as spool:
        _spool(stream, cast(BinaryIO, spool))
        try:
            with zipfile.ZipFile(cast(BinaryIO, spool)) as archive:
                for entry in archive.infolist():
                    yield from _zip_entry(archive, entry)
        except (zipfile.BadZipFile, EOFError, ValueError, struct.error, NotImplementedError) as error:
            raise _Damaged(str(error)) from error


def _zip_entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Iterator[bytes]:
    if entry.flag_bits & 1:
        raise _Damaged("is encrypted")
    # zipfile undoes the others without a limit to what one read may give.
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise _Damaged(f"is compressed by method {entry.compress_type}, not stored or deflated")
    with archive.open(entry) as content:
        yield from chunks(cast(BinaryIO, content))


def _spool(stream: BinaryIO, spool: BinaryIO) -> None:
    try:
        shutil.copyfileobj(stream, spool, _CHUNK)
        spool.seek(0)
    except OSError as error:
        raise CannotRun(
            f"no temporary file could be written: {error.strerror}",
            "Make room, or set TMPDIR to a larger disk",
        ) from error


def _xerial_blocks(stream: BinaryIO) -> Iterator[bytes]:
    while start := stream.read(4):
        if start == _XERIAL[:4]:  # the first header, and those of streams appended to it
            _exactly(stream, 12)
        else:
            yield _snappy_block(stream, _u32(start))


def _hadoop_blocks(stream: BinaryIO) -> Iterator[bytes]:
    while start := stream.read(4):
        left = _u32(start)
        while left > 0:
            plain = _snappy_block(stream, _u32(stream.read(4)))
            left -= len(plain)
            yield plain
        if left < 0:
            raise _Damaged("holds more than it says")


def _snappy_block(stream: BinaryIO, length: int) -> bytes:
    if length > _SNAPPY_BLOCK:
        raise _Damaged(f"claims a block of {length} bytes")
    block = _exactly(stream, length)
    if cramjam.snappy.decompress_raw_len(block) > _SNAPPY_BLOCK:
        raise _Damaged("claims a plain block over 64 MiB")
    return bytes(cramjam.snappy.decompress_raw(block))


def _exactly(stream: BinaryIO, count: int) -> bytes:
    data = stream.read(count)
    if len(data) < count:
        raise _Damaged("ends too early")
    return data


def _u32(data: bytes) -> int:
    if len(data) < 4:
        raise _Damaged("ends too early")
    return int.from_bytes(data, "big")


def _is_hadoop_snappy(head: bytes) -> bool:
    """No magic: a plain length below 16 MiB, a chunk's length, and the chunk's own plain length."""
    if head == bytes(4):  # Hadoop's empty stream
        return True
    if len(head) < 10:
        return False
    plain, chunk = _u32(head[:4]), _u32(head[4:8])
    first = _varint(head[8:13])
    return 0 < chunk <= _SNAPPY_BLOCK and first is not None and 0 < first <= plain


def _varint(data: bytes) -> int | None:
    value = 0
    for place, byte in enumerate(data):
        value |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            return value
    return None


_ZSTD = _Codec("zstd", _members(_zstd_frame))
_ZIP = _Codec("ZIP", _zip_entries)
_CODECS = {
    b"\x1f\x8b": _Codec("gzip", _members(_gzip_member)),
    b"\x28\xb5\x2f\xfd": _ZSTD,
    # One of the sixteen kinds of skippable frame that may stand before a frame.
    **{bytes([0x50 + kind]) + b"\x2a\x4d\x18": _ZSTD for kind in range(16)},
    b"BZh": _Codec("bzip2", _members(_bzip2_member)),
    b"PK\x03\x04": _ZIP,
    b"PK\x05\x06": _ZIP,
    _XERIAL: _Codec("Snappy", _xerial_blocks),
    b"\x00": _Codec("Snappy", _hadoop_blocks, _is_hadoop_snappy),
}
"""By the first bytes of what is compressed; none begins as another does."""
_MAGICS = tuple(_CODECS)
