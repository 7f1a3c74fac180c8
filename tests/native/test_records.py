"""Records made in C are those that Python makes, byte for byte; a body that is not usual is Python's."""

import pickle
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cncbops.formats.event import Bytes, LakeEvent
from cncbops.formats.timestamp import LATEST_MS
from cncbops.kinesis import record as subject
from cncbops.kinesis.record import Record
from cncbops.lake.objects import LakeObject

hot = pytest.importorskip("cncbops.native.hot", reason="no compiler was there when it was installed")

OBJECT = LakeObject("s3://lake/x", "lake", "x", 1, "", datetime(2018, 4, 8, tzinfo=UTC))
NAME = b'"aws:kinesis:record","awsRegion":"us-east-1"'
PLACE = 7 << 32

_texts = st.text() | st.sampled_from(['"', "\\", "\x00\x1f\x7f", "\u2028", "\U0001f4a5", "plain"])
_times = st.integers(0, LATEST_MS) | st.integers(0, 2_000) | st.integers(0, 253_402_300_799).map(lambda s: s * 1_000)


def event(key: str, sequence: str, shard: str, arrival_ms: int, data: Bytes) -> LakeEvent:
    return LakeEvent(data, 3, 1, "e-1", "t", None, key, sequence, shard, arrival_ms)


def made_in_c(events: Sequence[LakeEvent], body_of: Callable[[LakeEvent, bytes], bytes]) -> list[Record]:
    places = range(PLACE, PLACE + len(events))
    return list(hot.make_records(Record, body_of, events, places, OBJECT, [NAME] * len(events)))


def refuse(event: LakeEvent, name: bytes) -> bytes:
    raise LookupError("left to Python")


@given(key=_texts, sequence=_texts, shard=_texts, arrival_ms=_times, data=st.binary(max_size=40))
@example("k", "1", "s", 1_700_611_201_000, b"")
@example("k", "1", "s", 1_700_611_201_010, b"{}")
@example("k", "1", "s", LATEST_MS, b'{"a":1}')
def test_a_record_is_the_one_that_python_makes(
    key: str, sequence: str, shard: str, arrival_ms: int, data: bytes
) -> None:
    one = event(key, sequence, shard, arrival_ms, data)
    assert made_in_c([one], subject._body) == [subject._to_record(one, PLACE, OBJECT, NAME)]


@pytest.mark.parametrize("data", [b"{}", msgspec.Raw(b"{}"), bytearray(b"{}")])
def test_a_usual_body_is_written_in_c_whatever_holds_the_event(data: Bytes) -> None:
    one = event("thing-\u00e9", "18", "shardId-000000000001", 1_700_611_201_456, data)
    (record,) = made_in_c([one], refuse)
    assert record.body == subject._body(one, NAME)


@given(datas=st.lists(st.binary(max_size=40), min_size=1, max_size=5), key=_texts, arrival_ms=_times)
def test_a_payload_is_the_one_that_python_joins(datas: list[bytes], key: str, arrival_ms: int) -> None:
    events = [event(key, str(number), "shardId-1", arrival_ms, data) for number, data in enumerate(datas)]
    written = [subject._body(each, NAME) for each in events]
    bodies = [each.body for each in made_in_c(events, subject._body)]
    assert [len(body) for body in bodies] == [len(body) for body in written]
    assert b",".join(bodies) == b",".join(written)
    mixed = [one if number % 2 else other for number, (one, other) in enumerate(zip(bodies, written, strict=True))]
    assert hot.payload(b"[", mixed, b"]") == b"[" + b",".join(written) + b"]"


def test_no_bodies_are_a_payload_of_its_ends() -> None:
    assert hot.payload(b"[", [], b"]") == b"[]"


@pytest.mark.parametrize("odd", ["text", None, bytearray(b"{}")])
def test_what_is_no_body_is_not_sent(odd: object) -> None:
    with pytest.raises(TypeError, match="body"):
        hot.payload(b"[", [b"{}", odd], b"]")


def test_an_unwritten_body_goes_to_another_process_as_its_bytes() -> None:
    (record,) = made_in_c([usual := event("k", "18", "s", 1_700_611_201_456, b"{}")], refuse)
    assert type(record.body) is not bytes
    there = pickle.loads(pickle.dumps(record))
    assert type(there.body) is bytes
    assert there == record == subject._to_record(usual, PLACE, OBJECT, NAME)


def test_an_unwritten_body_keeps_the_event_as_it_was_and_nothing_of_what_it_was_read_from() -> None:
    block = bytearray(b"{}")
    (record,) = made_in_c([event("k", "18", "s", 1_700_611_201_456, block)], refuse)
    block[:] = b"[1]"  # which a buffer in use would not allow
    assert record.body == subject._body(event("k", "18", "s", 1_700_611_201_456, b"{}"), NAME)
    assert record.body != subject._body(event("k", "18", "s", 1_700_611_201_456, b"[]"), NAME)


@pytest.mark.parametrize("odd", [{"partition_key": 'k"'}, {"shard_id": "\n"}, {"arrival_ms": 1}, {"arrival_ms": 2**70}])
def test_a_body_that_is_not_usual_is_left_to_python(odd: dict[str, object]) -> None:
    one = msgspec.structs.replace(event("k", "18", "s", 1_700_611_201_456, b"{}"), **odd)
    with pytest.raises(LookupError):
        made_in_c([one], refuse)


def test_records_have_places_in_their_order() -> None:
    events = [event(str(number), "18", "s", 1_700_611_201_456, b"{}") for number in range(3)]
    records = made_in_c(events, subject._body)
    assert [(each.partition_key, each.place - PLACE) for each in records] == [("0", 0), ("1", 1), ("2", 2)]


def test_events_may_be_let_go_of_while_python_makes_a_body() -> None:
    events = [event('k"', "18", "s", 1_700_611_201_456, b"{}") for _ in range(3)]

    def body_of(_event: LakeEvent, _name: bytes) -> bytes:
        events.clear()
        return b"{}"

    records = hot.make_records(Record, body_of, events, [PLACE] * 3, OBJECT, [NAME] * 3)
    assert [record.sequence_number for record in records] == ["18"] * 3


@pytest.mark.parametrize("missing", ["partition_key", "sequence_number", "shard_id", "arrival_ms"])
def test_an_event_that_is_not_complete_is_refused_as_in_python(missing: str) -> None:
    one = msgspec.structs.replace(event("k", "18", "s", 1_700_611_201_456, b"{}"), **{missing: None})
    with pytest.raises(AssertionError):
        subject._to_record(one, PLACE, OBJECT, NAME)
    with pytest.raises(AssertionError):
        made_in_c([one], subject._body)
