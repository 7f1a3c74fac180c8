"""Where documents begin and end, whatever the object, and however it is cut into blocks."""

import io
import json
import time
import tracemalloc

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cncbops.faults import documents as subject
from cncbops.faults.documents import documents, read_documents
from cncbops.lake.lines import blocks
from tests.faults import fault_texts as texts
from tests.formats import json_texts

_values = st.recursive(
    st.sampled_from([1, None, "", "}{", "[", '\\"{', "a\nb", "\u2028"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "type", "}"]), inner, max_size=3),
    max_leaves=8,
)
_objects = st.dictionaries(st.sampled_from(["uow", "b", "{"]), _values, min_size=1, max_size=3)
_indents = st.sampled_from([None, None, 0, 1, 2, 4, "\t"])
_documents = st.builds(lambda value, indent: json.dumps(value, indent=indent).encode(), _objects, _indents)
_sizes = st.sampled_from([1, 7, 100, 100_000])
_pieces = st.sampled_from([*'{}[]",:x1 \n\\', '"a"', '{"b":1}', '\n{"c":[]}', '"d":{},', "\r\n"])
_broken = st.lists(_pieces, max_size=14).map(lambda drawn: "".join(drawn).encode())


def split(data: bytes, size: int = 100_000) -> list[bytes]:
    return [each.text for each in documents(blocks(io.BytesIO(data), size))]


def places(data: bytes) -> list[tuple[int, int]]:
    return [(each.line, each.part) for each in documents(blocks(io.BytesIO(data)))]


@given(st.lists(_documents, max_size=5), st.sampled_from([b"\n", b"", b"\r\n", b"\n\n", b" "]), st.booleans(), _sizes)
def test_documents_on_a_line_or_over_many_come_out_byte_for_byte(
    made: list[bytes], between: bytes, last: bool, size: int
) -> None:
    assert split(between.join(made) + (between if last else b""), size) == made


@given(st.lists(json_texts.events(), max_size=4), _sizes)
def test_lines_come_out_byte_for_byte(lines: list[bytes], size: int) -> None:
    assert split(b"\n".join(lines), size) == [line.strip(texts.SPACE) for line in lines]


def test_a_document_is_named_by_the_line_and_the_place_at_which_it_begins() -> None:
    assert places(b'\n{"a":1}{"b":2}\n{\n "c": 3\n}{"d":4} {\n}\n{"e":5}') == [
        (2, 0),
        (2, 1),
        (3, 0),
        (5, 1),
        (5, 2),
        (7, 0),
    ]


GOOD = [b'{"type":"fault","n":%d}' % number for number in range(3)]


@given(st.integers(1, len(texts.of_record(texts.record())) - 1), _sizes)
def test_a_line_cut_off_anywhere_costs_no_other(end: int, size: int) -> None:
    broken = texts.of_record(texts.record())[:end]
    assert split(b"\n".join([GOOD[0], broken, *GOOD[1:], b""]), size) == [GOOD[0], broken, *GOOD[1:]]


@given(st.lists(st.integers(1, len(texts.of_record(texts.record())) - 1), min_size=20, max_size=20))
def test_many_lines_cut_off_cost_none_between_them(ends: list[int]) -> None:
    broken = [texts.of_record(texts.record())[:end] for end in ends]
    lines = [line for each in broken for line in (each, *GOOD)]
    assert split(b"\n".join(lines)) == lines


@given(st.integers(1, 400), st.sampled_from([0, 2]))
def test_a_document_over_many_lines_cut_off_anywhere_costs_none_behind_it(end: int, indent: int) -> None:
    whole = json.dumps(json.loads(texts.of_record(texts.record())), indent=indent).encode()
    broken = whole[: min(end, len(whole) - 1)].strip()
    found = split(b"\n".join([broken, *GOOD]))
    assert found[-3:] == GOOD
    assert found[0] == broken


@pytest.mark.parametrize("junk", [b"x", b"12", b'"text"', b"}", b"]}", b"a\nb", b",", b'"{', b"[1,\n2]"])
def test_what_is_no_document_is_given_out_and_costs_no_other(junk: bytes) -> None:
    assert [each for each in split(b"\n".join([GOOD[0], junk, *GOOD[1:]])) if each in GOOD] == GOOD
    assert len(split(b"\n".join([GOOD[0], junk, *GOOD[1:]]))) > 3


@example(b"{\n}\x00[", 1)
@given(st.binary(max_size=80) | st.text('{}[]",:1 \\\n').map(str.encode) | _broken, _sizes)
def test_of_any_bytes_nothing_but_the_rest_of_broken_documents_is_left_out(data: bytes, size: int) -> None:
    found = list(documents(blocks(io.BytesIO(data), size)))
    named = [(each.line, each.part) for each in found]
    assert named == sorted(set(named))
    assert all(each.text and each.text in data for each in found)


@example(b"{\n}\x00[")
@example(b'{\n"a" 1 {"b":1}\n}')
@given(_broken)
def test_documents_and_their_places_are_the_same_however_the_object_is_cut_into_blocks(data: bytes) -> None:
    at_once = list(documents(blocks(io.BytesIO(data))))
    for size in (1, 2, 7):
        assert list(documents(blocks(io.BytesIO(data), size))) == at_once


@given(_broken | st.lists(st.sampled_from([*GOOD, b"{", b"", b"]}", b"x"]), max_size=6).map(b"\n".join))
def test_documents_on_lines_of_their_own_are_the_same_whether_they_are_read_at_once_or_not(data: bytes) -> None:
    slowly = read_documents(blocks(io.BytesIO(data)), lambda _: None)
    assert [document for document, _ in slowly] == list(documents(blocks(io.BytesIO(data))))


def test_the_end_of_a_document_on_a_line_is_a_part_of_it_and_so_is_what_stands_behind_it() -> None:
    for size in (1, 100):
        found = documents(blocks(io.BytesIO(b'{\n}x {"a":1}[\n]'), size))
        assert [(each.text, each.line, each.part) for each in found] == [
            (b"{\n}", 1, 0),
            (b"x", 2, 1),
            (b'{"a":1}', 2, 2),
            (b"[\n]", 2, 3),
        ]


def test_nothing_is_in_an_empty_object() -> None:
    assert split(b"") == split(b"\n \r\n") == []


def test_a_document_over_many_lines_that_is_too_long_ends_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subject, "LONGEST", 10_000)
    long = b"{\n" + b' "name": {"type":"fault"},\n' * 1_000 + b' "last": 1\n}\n'
    found = split(long + GOOD[0])
    assert found[-1] == GOOD[0]
    assert len(found) == 2
    assert len(found[0]) < 11_000


def test_memory_is_bounded_by_the_document_and_not_by_the_object() -> None:
    document = json.dumps(json.loads(texts.of_record(texts.record())), indent=2).encode() + b"\n"
    tracemalloc.start()
    count = sum(1 for _ in documents(blocks(io.BytesIO(document * 400), 8_192)))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count == 400
    assert peak < len(document) * 400 + 100_000  # what is read from, and blocks: not a quarter of it once more


@pytest.mark.parametrize("line", [b'{"a":\n', b"{\n", b'{"a":[\n', b'{"a":"\n', b"[\n", b"[{},\n", b"{},\n"])
def test_no_object_takes_more_than_its_length_in_time(line: bytes) -> None:
    began = time.process_time()
    split(line * (25_000 // len(line)))
    assert time.process_time() - began < 1.5
