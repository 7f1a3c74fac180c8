import bz2
import gzip
import io
import lzma
import os
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable

import cramjam
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from cncbops.lake.compression import decompressed
from cncbops.lake.objects import ObjectUnreadable
from tests.examples import more_examples

XERIAL = b"\x82SNAPPY\x00" + bytes([0, 0, 0, 1, 0, 0, 0, 1])


def u32(number: int) -> bytes:
    return number.to_bytes(4, "big")


def snappy_chunks(data: bytes, step: int) -> list[bytes]:
    return [bytes(cramjam.snappy.compress_raw(data[at : at + step])) for at in range(0, len(data), step)]


def xerial(data: bytes, step: int = 32_768) -> bytes:
    return XERIAL + b"".join(u32(len(chunk)) + chunk for chunk in snappy_chunks(data, step))


def hadoop(data: bytes, step: int = 32_768, block: int = 100_000) -> bytes:
    out = b""
    for at in range(0, len(data), block):
        plain = data[at : at + block]
        out += u32(len(plain)) + b"".join(u32(len(chunk)) + chunk for chunk in snappy_chunks(plain, step))
    return out or u32(0)


def zipped(*entries: bytes, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for number, entry in enumerate(entries):
            archive.writestr(f"0f9d2f0a-{number}", entry)
    return out.getvalue()


FORMATS: dict[str, Callable[[bytes], bytes]] = {
    "plain": bytes,
    "gzip": gzip.compress,
    "zstd": zstandard.ZstdCompressor().compress,
    "zstd of unknown size": lambda data: zstandard.ZstdCompressor(write_content_size=False).compress(data),
    "bzip2": bz2.compress,
    "zip": zipped,
    "zip, stored": lambda data: zipped(data, method=zipfile.ZIP_STORED),
    "xerial": xerial,
    "hadoop": hadoop,
}
COMPRESSED = [name for name in FORMATS if name != "plain"]
LINES = b"".join(b'{"id":"%d","type":"thing-created"}\n' % number for number in range(20_000))


def plain(raw: bytes, name: str = "x") -> bytes:
    return io.BufferedReader(decompressed(io.BytesIO(raw), name)).read()  # type: ignore[type-var]


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("name", ["x", "x.json", "x.gz", "x.zip", "x.snappy", "x.parquet"])
def test_content_decides_whatever_the_name_says(form: str, name: str) -> None:
    assert plain(FORMATS[form](LINES), name) == LINES


@pytest.mark.parametrize("form", FORMATS)
def test_an_empty_content_is_empty(form: str) -> None:
    assert plain(FORMATS[form](b"")) == b""


@more_examples(2)
@given(st.sampled_from(list(FORMATS)), st.binary(max_size=300).map(lambda data: b"{" + data), st.integers(1, 40))
def test_any_content_comes_back_from_a_stream_that_gives_little(form: str, data: bytes, step: int) -> None:
    class Trickle(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            return super().read(min(size or 0, step) if size and size > 0 else step)

    stream = decompressed(Trickle(FORMATS[form](data)), "x")
    assert b"".join(iter(lambda: stream.read(step), b"")) == data


@pytest.mark.parametrize("form", ["gzip", "zstd", "bzip2", "xerial", "hadoop"])
def test_members_one_after_the_other_are_all_read(form: str) -> None:
    compress = FORMATS[form]
    parts = [b'{"a":1}\n' * 3_000, b'{"b":2}', os.urandom(100_000)]
    assert plain(b"".join(compress(part) for part in parts)) == b"".join(parts)


def test_all_entries_of_a_zip_are_read_in_order() -> None:
    assert plain(zipped(b'{"a":1}\n', b"", b'{"b":2}\n')) == b'{"a":1}\n{"b":2}\n'


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_zip_by_a_method_that_cannot_be_bounded_is_refused(method: int) -> None:
    with pytest.raises(ObjectUnreadable, match="method"):
        plain(zipped(LINES, method=method))


def test_a_zip_above_what_is_kept_in_memory_is_read_from_the_disk() -> None:
    big = os.urandom(17 * 1024 * 1024)
    assert plain(zipped(big, method=zipfile.ZIP_STORED)) == big


def test_a_skippable_zstd_frame_is_skipped() -> None:
    assert plain(b"\x50\x2a\x4d\x18" + (3).to_bytes(4, "little") + b"abc" + FORMATS["zstd"](LINES)) == LINES


@pytest.mark.parametrize("form", COMPRESSED)
@pytest.mark.parametrize("kept", [0.3, 0.7, 0.999])
def test_a_truncated_object_is_corrupt_in_one_line(form: str, kept: float) -> None:
    raw = FORMATS[form](LINES)
    with pytest.raises(ObjectUnreadable) as failed:
        plain(raw[: int(len(raw) * kept)], "lake\n.gz")
    assert failed.value.error == "CorruptObject"
    assert "\n" not in failed.value.message


@more_examples(10)
@given(st.sampled_from(COMPRESSED), st.integers(0, 10**6), st.integers(1, 255))
def test_a_damaged_object_is_corrupt_or_read_but_never_another_error(form: str, place: int, flip: int) -> None:
    raw = bytearray(FORMATS[form](LINES[:3_000]))
    raw[place % len(raw)] ^= flip
    try:
        plain(bytes(raw))
    except ObjectUnreadable as failed:
        assert failed.error == "CorruptObject"  # noqa: PT017


@more_examples(5)
@given(
    st.sampled_from([b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"BZh9", b"PK\x03\x04", XERIAL, bytes(3) + b"\x09", b""]),
    st.binary(),
)
def test_rubbish_behind_a_magic_is_never_another_error(magic: bytes, rubbish: bytes) -> None:
    try:
        plain(magic + rubbish)
    except ObjectUnreadable as failed:
        assert failed.error in ("CorruptObject", "UnsupportedFormat")  # noqa: PT017


def test_what_was_read_before_the_damage_is_given_first() -> None:
    raw = gzip.compress(os.urandom(1_000_000))
    stream = decompressed(io.BytesIO(raw[:-100]), "x")
    got: list[bytes] = []
    with pytest.raises(ObjectUnreadable):
        got.extend(iter(lambda: stream.read(1024 * 1024), b""))
    assert len(b"".join(got)) > 990_000


@pytest.mark.parametrize(
    "magic", [b"PAR1", b"ORC", lzma.compress(b"{}"), b"\x04\x22\x4d\x18", bytes(cramjam.snappy.compress(b"{}"))]
)
def test_formats_that_are_not_read_are_named_as_unsupported(magic: bytes) -> None:
    with pytest.raises(ObjectUnreadable) as failed:
        decompressed(io.BytesIO(magic + bytes(100)), "x.gz")
    assert failed.value.error == "UnsupportedFormat"


@pytest.mark.parametrize(
    "raw",
    [
        XERIAL + u32(2**31) + b"x",
        XERIAL + u32(8) + b"\xff\xff\xff\xff\x07xxx",
        hadoop(LINES) + u32(100) + u32(2**31) + b"x",
        hadoop(LINES) + u32(2**31) + u32(8) + b"\xff\xff\xff\xff\x07xxx",
    ],
)
def test_snappy_lengths_that_cannot_be_are_not_believed(raw: bytes) -> None:
    tracemalloc.start()
    with pytest.raises(ObjectUnreadable, match="claims"):
        plain(raw)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8 * 1024 * 1024


def test_hadoop_chunks_that_give_more_than_their_block_are_corrupt() -> None:
    with pytest.raises(ObjectUnreadable, match="more than it says"):
        plain(u32(5) + b"".join(u32(len(chunk)) + chunk for chunk in snappy_chunks(b"abcdef", 3)))


@pytest.mark.parametrize("text", [b"\x00", bytes(8), bytes(3) + b"\x05" + u32(2**30) + b"\x05" + bytes(20), bytes(20)])
def test_what_only_begins_like_hadoop_snappy_is_plain(text: bytes) -> None:
    assert plain(text) == text


def gzip_bomb(size: int) -> bytes:
    member = zlib.compressobj(9, wbits=31)
    return b"".join(member.compress(bytes(1024 * 1024)) for _ in range(size >> 20)) + member.flush()


BOMBS: dict[str, Callable[[int], bytes]] = {
    "gzip": gzip_bomb,
    "zstd": lambda size: zstandard.ZstdCompressor().compress(bytes(size)),
    "bzip2": lambda size: bz2.compress(bytes(size), 1),
    "zip": lambda size: zipped(bytes(size)),
    "xerial": lambda size: (
        XERIAL + 64 * (lambda c: u32(len(c)) + c)(bytes(cramjam.snappy.compress_raw(bytes(size // 64))))
    ),
}


@pytest.mark.parametrize("form", BOMBS)
def test_a_decompression_bomb_is_read_block_by_block(form: str) -> None:
    size = 32 * 1024 * 1024
    raw = BOMBS[form](size)
    tracemalloc.start()
    stream, got = decompressed(io.BytesIO(raw), "x"), 0
    while piece := stream.read(65_536):
        got += len(piece)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert got == size
    assert peak < 24 * 1024 * 1024
