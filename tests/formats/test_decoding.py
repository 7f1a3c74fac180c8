"""Blocks of lines to events: every byte, every line number, every malformed line."""

import io

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cncbops.formats import cookbook
from cncbops.formats import decoding as subject
from cncbops.formats import event as event_module
from cncbops.formats.decoding import decode, documents_of
from cncbops.formats.event import LakeEvent, Malformed
from cncbops.formats.families import BY_NAME, Family
from cncbops.lake.lines import Block, blocks
from tests.e2e.lakes import (
    envelope,
    hostile_events,
    join,
)
from tests.formats import json_texts
from tests.formats.line_texts import WRAPS, odd_envelopes, wrapped_events

SPACE = b" \t\r\n"
SECRET = b"s3cr3t"
Place = tuple[int, int]


def nested(depth: int) -> bytes:
    return b'{"type":"s3cr3t","deep":' + b"[" * depth + b"]" * depth + b"}"


TOO_DEEP = nested(20_000)
"""For the decoder, and yet soon looked through: bracket by bracket, a few times in each example that draws it."""
MALFORMED = (
    b"s3cr3t",
    b'{"type":"s3cr3t"',
    b'"s3cr3t"',
    b"12",
    b"null",
    b"[]",
    b'{"id":"s3cr3t"}',
    b'{"type":7}',
    b'{"type":"\xffs3cr3t"}',
    b'{"type":"s3cr3t\x01"}',
    b'{"event":null,"firehoseRecordMetadata":{}}',
    b'{"event":{"type":"s3cr3t"},"kinesisRecordMetadata":null,"firehoseRecordMetadata":null}',
    b'{"event":{},"kinesisRecordMetadata":"s3cr3t"}',
    b'{"detail":null,"detail-type":"s3cr3t"}',
    b'{"rawData":"not base64","attemptsMade":4}',
    b'{"rawData":"czNjcjN0","attemptsMade":4}',
    TOO_DEEP,
)


def events_in(data: bytes, family: Family | None = None) -> list[bytes]:
    events, malformed = decode(Block(data, 1, 0), family)
    assert malformed == []
    return [bytes(event.data) for event in events]


def places_in(*cut: Block) -> tuple[list[tuple[int, int, bytes]], list[Place]]:
    """Where each event and each malformed line of some blocks is, and the bytes of the events."""
    events, malformed = [], []
    for block in cut:
        found, wrong = decode(block)
        events += [(event.line, event.part, bytes(event.data)) for event in found]
        malformed += [(line.line, line.part) for line in wrong]
    return events, malformed


def as_carried(event: bytes, wrap: str) -> bytes:
    """White space around a JSON value is not part of it, except where the event came in base64."""
    return event if wrap == "firehose-error" else event.strip(SPACE)


@pytest.mark.parametrize("wrap", WRAPS)
@given(event=json_texts.events())
def test_an_event_comes_out_byte_for_byte_from_every_format(wrap: str, event: bytes) -> None:
    assert events_in(WRAPS[wrap](event)) == [as_carried(event, wrap)]


@pytest.mark.parametrize("wrap", WRAPS)
def test_hostile_events_come_out_byte_for_byte_among_one_another(wrap: str) -> None:
    hostile = hostile_events()
    assert events_in(join(map(WRAPS[wrap], hostile))) == [as_carried(event, wrap) for event in hostile]


@given(st.lists(wrapped_events, max_size=6))
def test_formats_may_be_mixed_in_one_block(lines: list[tuple[str, bytes]]) -> None:
    data = join(WRAPS[wrap](event) for wrap, event in lines)
    assert events_in(data) == [as_carried(event, wrap) for wrap, event in lines]


def test_a_half_of_a_surrogate_pair_is_not_mistaken_for_another_in_the_same_line() -> None:
    event = rb'{"type":"t","half":"\udc00"}'
    copy = event.replace(rb"\udc00", rb"\ud800")
    line = b'{"event":' + event + b',"copy":' + copy + b',"firehoseRecordMetadata":{}}'
    assert events_in(line) == [event]


@st.composite
def lakes(draw: st.DrawFn) -> tuple[bytes, list[tuple[int, int, bytes]], list[Place]]:
    """An object's bytes, and where its events and its malformed lines are."""
    lines: list[bytes] = []
    events, malformed = [], []
    for number in range(1, draw(st.integers(1, 7)) + 1):
        kind = draw(st.sampled_from(["event", "event", "events", "blank", "malformed"]))
        if kind == "malformed":
            malformed.append((number, 0))
            content = draw(st.sampled_from(MALFORMED))
        else:
            least, most = {"event": (1, 1), "events": (2, 3), "blank": (0, 0)}[kind]
            drawn = draw(st.lists(wrapped_events, min_size=least, max_size=most))
            events += [(number, part, as_carried(event, wrap)) for part, (wrap, event) in enumerate(drawn)]
            content = b"".join(WRAPS[wrap](event) for wrap, event in drawn)
        lines.append(content + draw(st.sampled_from([b"", b"\r", b" "])))
    return b"\n".join(lines) + draw(st.sampled_from([b"", b"\n"])), events, malformed


@settings(deadline=None)
@given(lake=lakes(), size=st.sampled_from([1, 64, 1000, 10_000, 100_000]))
def test_lines_and_parts_are_numbered_alike_however_the_object_is_cut(
    lake: tuple[bytes, list[tuple[int, int, bytes]], list[Place]], size: int
) -> None:
    data, events, malformed = lake
    assert places_in(Block(data, 1, 0)) == (events, malformed)
    assert places_in(*blocks(io.BytesIO(data), size)) == (events, malformed)


@given(lake=lakes(), size=st.sampled_from([1, 64, 10_000, 100_000]))
def test_each_event_knows_the_document_it_was_read_from_however_the_object_is_cut(
    lake: tuple[bytes, list[tuple[int, int, bytes]], list[Place]], size: int
) -> None:
    data, events, _ = lake
    documents = [each for block in blocks(io.BytesIO(data), size) for each in documents_of(block, decode(block)[0])]
    assert [events_in(document) for document in documents] == [[event] for _, _, event in events]
    lines = data.split(b"\n")
    assert all(document in lines[line - 1] for document, (line, _, _) in zip(documents, events, strict=True))


def test_the_document_of_an_event_alone_on_its_line_is_the_line() -> None:
    block = Block(b' {"type":"a"} \r\n{"type":"b"} {"type":"c"}\n', 1, 0)
    events, _ = decode(block)
    assert documents_of(block, events) == [b' {"type":"a"} \r', b'{"type":"b"}', b'{"type":"c"}']
    assert documents_of(block, events[2:]) == [b'{"type":"c"}']


def test_as_many_documents_as_lines_are_not_taken_for_one_a_line() -> None:
    data = b'{"type":"a"}\n{"type":"b"}{"type":"c"}\n\n{"type":"d"}\n'
    events, _ = places_in(Block(data, 1, 0))
    assert [(line, part) for line, part, _ in events] == [(1, 0), (2, 0), (2, 1), (4, 0)]


def test_what_stands_between_documents_is_one_part_of_their_line() -> None:
    events, malformed = places_in(Block(b'{"type":"a"}1 2{"type":"b"}\n1 2\n', 1, 0))
    assert [(line, part) for line, part, _ in events] == [(1, 0), (1, 2)]
    assert malformed == [(1, 1), (2, 0)]


def test_a_document_over_several_lines_is_no_event() -> None:
    events, malformed = places_in(Block(b'{"type":"a"}\n{"type":\n"b"}\n{"type":"c"}\n', 1, 0))
    assert [line for line, _, _ in events] == [1, 4]
    assert [line for line, _ in malformed] == [2, 3]


def test_numbers_go_on_from_the_blocks_before() -> None:
    events, malformed = places_in(Block(b'{"type":"a"}{"type":"b"}\n{"type":"c"}\n?', 41, 5))
    assert [(line, part) for line, part, _ in events] == [(41, 5), (41, 6), (42, 0)]
    assert malformed == [(43, 0)]


@pytest.mark.parametrize("data", [b"", b"\n", b"\r\n", b" \n\t\n\n"])
def test_blank_lines_hold_nothing_and_are_not_malformed(data: bytes) -> None:
    assert decode(Block(data, 1, 0)) == ([], [])


@pytest.mark.parametrize("line", MALFORMED, ids=range(len(MALFORMED)))
def test_a_malformed_line_is_named_without_its_content_and_the_others_are_read(line: bytes) -> None:
    good = b'{"type":"thing-created"}'
    events, malformed = decode(Block(b"\n".join([good, line, good, b""]), 10, 0))
    assert [event.line for event in events] == [10, 12]
    assert [(wrong.line, wrong.part) for wrong in malformed] == [(11, 0)]
    assert malformed[0].error in ("NotJson", "NotUtf8", "NotAnEvent")
    assert malformed[0].message
    assert "\n" not in malformed[0].message
    assert len(malformed[0].message) < 150
    assert SECRET.decode() not in malformed[0].message


@pytest.mark.parametrize(
    ("line", "error"),
    [
        (b"{", "NotJson"),
        (nested(200_000), "NotJson"),
        (b'{"type":"\xff"}', "NotUtf8"),
        (b'{"type":"\xed\xa0\x80"}', "NotUtf8"),
        (b"[1]", "NotAnEvent"),
        (b'{"a":1}', "NotAnEvent"),
    ],
)
def test_the_error_says_what_kind_of_malformed_it_is(line: bytes, error: str) -> None:
    _, malformed = decode(Block(line, 1, 0))
    assert [wrong.error for wrong in malformed] == [error]


def test_an_event_as_deep_as_any_real_one_is_read() -> None:
    event = b'{"type":"thing-created","deep":' + b"[" * 200 + b"]" * 200 + b"}"
    assert events_in(envelope(event, "key", 1)) == [event]


@pytest.mark.parametrize("name", BY_NAME)
def test_a_format_given_by_name_reads_lines_of_its_own_only(name: str) -> None:
    event = b'{"type":"thing-created"}'
    lines = {family: WRAPS[family](event) for family in BY_NAME}
    events, malformed = decode(Block(join(lines.values()), 1, 0), BY_NAME[name])
    assert [bytes(each.data) for each in events] == [event]
    assert events[0].line == list(lines).index(name) + 1
    assert len(malformed) == len(lines) - 1


def test_a_format_given_by_name_settles_what_recognition_would_read_otherwise() -> None:
    line = b'{"type":"thing-created","detail":{"type":"inner"},"detail-type":"inner"}'
    assert events_in(line) == [b'{"type":"inner"}']
    assert events_in(line, BY_NAME["raw"]) == [line]


def test_events_outlive_the_block_they_were_read_from() -> None:
    line = WRAPS["envelope"](rb'{"type":"t","half":"\ud800"}')
    (event,), _ = decode(Block(line, 1, 0))
    assert isinstance(event.data, msgspec.Raw)
    decode(Block(WRAPS["envelope"](rb'{"type":"u","half":"\udc00"}'), 1, 0))
    assert bytes(event.data) == rb'{"type":"t","half":"\ud800"}'


_lines = st.one_of(
    wrapped_events.map(lambda drawn: WRAPS[drawn[0]](drawn[1])),
    odd_envelopes(),
    st.sampled_from(MALFORMED[:-1]),
    st.sampled_from([b"", b" \r", b'{"type":"a"}{"type":"b"}', b'{"type":"a"}7', b"1 2"]),
)


@given(lines=st.lists(_lines, max_size=5), part=st.sampled_from([0, 0, 3]), name=st.sampled_from([None, *BY_NAME]))
def test_lines_read_at_once_are_what_the_careful_way_finds(lines: list[bytes], part: int, name: str | None) -> None:
    block = Block(b"\n".join(lines), 7, part)
    family = BY_NAME[name] if name else None
    carefully = subject._carefully(block, family)
    assert _plain(decode(block, family)) == _plain(carefully)


@given(line=odd_envelopes())
def test_an_envelope_is_the_same_event_whether_all_its_fields_are_as_usual_or_not(line: bytes) -> None:
    at_once = decode(Block(line, 1, 0), BY_NAME["envelope"])
    one_by_one = BY_NAME["envelope"]._replace(in_c=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cookbook, "_decode", _refuse)
        patch.setattr(event_module, "decode_head", _refuse)
        assert _plain(at_once) == _plain(decode(Block(line, 1, 0), one_by_one))


def _refuse(document: object) -> None:
    raise msgspec.ValidationError("not as usual")


def _plain(found: tuple[list[LakeEvent], list[Malformed]]) -> tuple[list[LakeEvent], list[Malformed]]:
    events, malformed = found
    return [msgspec.structs.replace(event, data=bytes(event.data)) for event in events], malformed
