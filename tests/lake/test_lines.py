import io
import json
import time
import tracemalloc
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cncbops.lake import lines
from cncbops.lake.lines import Block, blocks, split_documents
from cncbops.lake.objects import ObjectUnreadable

texts = st.text(st.sampled_from('ab{}[]"\\\n\r\t \u2028\u2029\u0085é\U0001f600'), max_size=8)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
objects = st.dictionaries(texts, values, max_size=3) | st.lists(values, max_size=3)
documents = st.builds(
    lambda value, ascii_only: json.dumps(value, ensure_ascii=ascii_only).encode(), objects, st.booleans()
)
junk = st.sampled_from([b"null", b"12", b'"a{b"', b"}", b"]", b"\\", b"x y", b'"q\\"{"'])
spaces = st.sampled_from([b"", b" ", b"\t", b"\r", b"  "])
sizes = st.integers(1, 40)


class Trickle(io.RawIOBase):
    """A stream that gives less than it is asked for."""

    def __init__(self, data: bytes, step: int) -> None:
        self._data, self._step = io.BytesIO(data), step

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        return self._data.readinto(memoryview(buffer)[: self._step])


@st.composite
def line_parts(draw: st.DrawFn) -> list[bytes]:
    """Documents on one line, with junk only where something else stands beside it."""
    parts = draw(st.lists(st.tuples(documents, st.none() | junk), max_size=5))
    return [part for pair in parts for part in pair if part is not None]


lakes = st.lists(line_parts(), max_size=5)


def numbered(found: Iterator[Block]) -> list[tuple[int, int, bytes]]:
    """Line, place on the line and bytes of each document, counted as a reader of blocks would."""
    pieces = []
    for block in found:
        for number, line in enumerate(block.data.split(b"\n")):
            first = block.first_part if number == 0 else 0
            pieces += [
                (block.first_line + number, first + place, piece) for place, piece in enumerate(split_documents(line))
            ]
    return pieces


@given(lakes, spaces, st.sampled_from([b"\n", b"\r\n", b"\n\n"]), st.booleans(), st.booleans(), sizes, sizes)
def test_every_document_comes_back_with_its_place(
    lake: list[list[bytes]], space: bytes, end: bytes, last: bool, bom: bool, size: int, step: int
) -> None:
    data = end.join(space.join(line) + space for line in lake) + (end if last else b"")
    stream = Trickle((b"\xef\xbb\xbf" if bom else b"") + data, step)
    found = list(blocks(stream, size))  # type: ignore[arg-type]
    assert b"".join(block.data for block in found) == data
    assert numbered(iter(found)) == [
        (1 + number * end.count(b"\n"), place, piece)
        for number, line in enumerate(lake)
        for place, piece in enumerate(line)
    ]


@given(st.binary(max_size=60) | st.text('{}[]"\\ ab\n').map(str.encode), sizes)
def test_blocks_of_any_bytes_hold_the_pieces_of_their_lines(data: bytes, size: int) -> None:
    found = list(blocks(io.BytesIO(data), size))
    expected = [
        (number, place, piece)
        for number, line in enumerate(data.removeprefix(b"\xef\xbb\xbf").split(b"\n"), 1)
        for place, piece in enumerate(split_documents(line))
    ]
    assert numbered(iter(found)) == expected


@given(st.binary(max_size=60) | st.text('{}[]"\\ ab').map(str.encode))
def test_splitting_a_line_loses_only_white_space(line: bytes) -> None:
    pieces = split_documents(line)
    at = 0
    for piece in pieces:
        found = line.index(piece, at)
        assert not line[at:found].strip(b" \t\r\n")
        assert piece == piece.strip(b" \t\r\n") != b""
        at = found + len(piece)
    assert not line[at:].strip(b" \t\r\n")


@pytest.mark.parametrize(
    ("line", "pieces"),
    [
        (b"", []),
        (b" \t\r", []),
        (b'{"a":1}{"a":2}', [b'{"a":1}', b'{"a":2}']),
        (b'[1] [2],{"a":3}', [b"[1]", b"[2]", b",", b'{"a":3}']),
        (b'{"a":"}{\\"}{"}{"b":2}', [b'{"a":"}{\\"}{"}', b'{"b":2}']),
        (b'{"a":1} junk {"b":2} tail ', [b'{"a":1}', b"junk", b'{"b":2}', b"tail"]),
        (b'{"a":1}{"b":', [b'{"a":1}', b'{"b":']),
        (b'"{}" 1 null', [b'"{}" 1 null']),
        (b'}{"a":1}', [b"}", b'{"a":1}']),
    ],
)
def test_documents_of_a_line_are_exact_slices(line: bytes, pieces: list[bytes]) -> None:
    assert split_documents(line) == pieces


def test_an_empty_object_yields_nothing() -> None:
    assert list(blocks(io.BytesIO(b""))) == []
    assert list(blocks(io.BytesIO(b"\xef\xbb\xbf"))) == []


def test_blocks_are_cut_after_whole_lines_of_about_their_size() -> None:
    line = b'{"text":"' + "\u2028\u2029\x85".encode() * 5 + b'"}\n'
    data = line * 1_000
    found = list(blocks(io.BytesIO(data), 4_096))
    assert all(block.data.endswith(b"}\n") for block in found)
    assert all(len(block.data) <= 4_096 for block in found)
    assert len(found) <= len(data) // (4_096 - len(line)) + 1


def test_an_object_without_newlines_takes_no_more_memory_than_blocks() -> None:
    document = json.dumps({"a": "}{" * 50, "b": [{}]}).encode()
    tracemalloc.start()
    count = sum(len(split_documents(block.data)) for block in blocks(Repeated(document, 20_000), 65_536))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count == 20_000
    assert peak < 1024 * 1024


class Repeated(io.BytesIO):
    """A document over and over, made as it is read."""

    def __init__(self, document: bytes, times: int) -> None:
        super().__init__()
        self._parts = iter(range(0, times, 100))
        self._document = document * 100
        self._rest = b""

    def read(self, size: int | None = -1) -> bytes:
        if not self._rest:
            self._rest = self._document if next(self._parts, None) is not None else b""
        part, self._rest = self._rest[:size], self._rest[size:]
        return part


@pytest.mark.parametrize("unit", [b"}{", b'\\"', b"\\\\", b" ", b"{}"])
def test_a_string_of_anything_is_split_in_linear_time(unit: bytes) -> None:
    line = b'{"a":"' + unit * 4_000_000 + b'"}'
    start = time.process_time()
    found = list(blocks(io.BytesIO(line * 2), 65_536))
    assert time.process_time() - start < 10
    assert [block.first_part for block in found] == [0, 1]
    assert split_documents(found[0].data) == [line]


def test_a_document_without_an_end_fails_its_object_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "LONGEST_DOCUMENT", 1_000)
    found = blocks(io.BytesIO(b'{"a":1}\n{"b":2}{"c":"' + b"x" * 2_000), 64)
    assert numbered(take_until_failure(found, "LineTooLong")) == [(1, 0, b'{"a":1}'), (2, 0, b'{"b":2}')]


def test_a_long_document_within_the_limit_is_whole() -> None:
    line = b'{"a":"' + b"x" * 3_000_000 + b'"}'
    assert [block.data for block in blocks(io.BytesIO(line + b"\n" + line), 65_536)] == [line + b"\n", line]


def test_what_was_whole_before_a_failure_is_yielded() -> None:
    class Broken(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            data = super().read(size)
            if not data:
                raise ObjectUnreadable("CorruptObject", "ends too early")
            return data

    found = blocks(Broken(b'{"a":1}\n{"b":2}\n{"c"'))
    assert numbered(take_until_failure(found, "CorruptObject")) == [(1, 0, b'{"a":1}'), (2, 0, b'{"b":2}')]


def take_until_failure(found: Iterator[Block], error: str) -> Iterator[Block]:
    with pytest.raises(ObjectUnreadable) as failed:
        yield from found
    assert failed.value.error == error
