"""Records made in C are those that Python makes, byte for byte; a body that is not usual is Python's."""

import itertools
import pickle
import struct
from array import array
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from itertools import chain, pairwise
from operator import is_
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cncbops.formats.event import Bytes, LakeEvent
from cncbops.formats.timestamp import LATEST_MS
from cncbops.kinesis import record as subject
from cncbops.kinesis.drafts import Shelf, _filled
from cncbops.kinesis.record import Record
from cncbops.kinesis.shelves import LaneOf, _Shelving
from cncbops.lake.objects import LakeObject

hot = pytest.importorskip("cncbops.native.hot", reason="no compiler was there when it was installed")

OBJECT = LakeObject("s3://lake/x", "lake", "x", 1, "", datetime(2018, 4, 8, tzinfo=UTC))
NAME = b'"aws:kinesis:record","awsRegion":"us-east-1"'
PLACE = 7 << 32
MS = 1_700_611_201_456

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
def test_a_usual_record_is_packed_whatever_holds_the_event(data: Bytes) -> None:
    one = event("thing-\u00e9", "18", "shardId-000000000001", MS, data)
    (record,) = made_in_c([one], refuse)
    assert record.body == subject._body(one, NAME)


@given(key=_texts, event_id=st.none() | _texts, arrival_ms=_times)
@example("k", None, MS)
@example("k", "", MS)
def test_whatever_a_record_is_asked_for_it_tells_as_the_one_of_python(
    key: str, event_id: str | None, arrival_ms: int
) -> None:
    one = msgspec.structs.replace(event(key, "18", "s", arrival_ms, b"{}"), event_id=event_id)
    (record,), of_python = made_in_c([one], subject._body), subject._to_record(one, PLACE, OBJECT, NAME)
    for name in (*Record.__struct_fields__, "size", "is_of_stream"):
        assert getattr(record, name) == getattr(of_python, name), name
    assert record.lanes(256) == of_python.lanes(256)
    assert (record.identifiers(), record.texts(), record.bare()) == (("18",), (b"{}",), of_python.bare())
    assert repr(record) == repr(of_python)
    with pytest.raises(AttributeError):
        _ = record.what_no_record_has  # type: ignore[attr-defined]


def test_a_record_is_packed_and_goes_to_another_process_as_pythons() -> None:
    (record,) = made_in_c([usual := event("k", "18", "s", MS, b"{}")], refuse)
    assert type(record) is hot.PackedRecord
    there = pickle.loads(pickle.dumps(record))
    assert type(there) is Record
    assert there == record == subject._to_record(usual, PLACE, OBJECT, NAME)
    assert record != msgspec.structs.replace(there, place=PLACE + 1)


def test_a_packed_record_keeps_the_event_as_it_was_and_nothing_of_what_it_was_read_from() -> None:
    block = bytearray(b"{}")
    (record,) = made_in_c([event("k", "18", "s", MS, block)], refuse)
    block[:] = b"[1]"  # which a buffer in use would not allow
    assert record.body == subject._body(event("k", "18", "s", MS, b"{}"), NAME)
    assert record.body != subject._body(event("k", "18", "s", MS, b"[]"), NAME)


@given(datas=st.lists(st.binary(max_size=40), min_size=1, max_size=5), key=_texts, arrival_ms=_times)
def test_many_come_to_the_same_packed_and_of_python(datas: list[bytes], key: str, arrival_ms: int) -> None:
    events = [event(key, str(number), "shardId-1", arrival_ms, data) for number, data in enumerate(datas)]
    packed = made_in_c(events, subject._body)
    of_python = [subject._to_record(each, PLACE + at, OBJECT, NAME) for at, each in enumerate(events)]
    mixed = [one if at % 2 else other for at, (one, other) in enumerate(zip(packed, of_python, strict=True))]
    sizes = [len(each.body) for each in of_python]
    for records in (packed, mixed, of_python):
        assert hot.payload(b"[", records, b"]") == b"[" + b",".join(each.body for each in of_python) + b"]"
        assert hot.measured(records) == (len(records), sum(sizes), max(sizes))
        assert array("q", hot.places(records)).tolist() == [PLACE + at for at in range(len(records))]


def carried(records: Sequence[Record]) -> list[Record]:
    packed = hot.pack_records(records)
    assert packed
    return list(hot.unpack_records(*pickle.loads(pickle.dumps(packed))))


@given(shards=st.lists(st.sampled_from(["s-1", "s-2", "\u00e9"]), max_size=80), key=_texts, event_id=st.none() | _texts)
@example(["s-1"], "k", None)
@example(["s-1"], "k", "")
def test_packed_records_are_carried_to_another_process_packed(
    shards: list[str], key: str, event_id: str | None
) -> None:
    events = [event("k", str(number), shard, MS, b"{}") for number, shard in enumerate(shards)]
    events += [msgspec.structs.replace(event("k-2", "7", "s-1", MS, b"[1]"), event_id=event_id)]
    records = [record for one in events for record in made_in_c([one], refuse)]
    assert carried(records) == records
    assert {type(record) for record in carried(records)} == {hot.PackedRecord}
    there = carried(carried(records))
    commons, packed = hot.pack_records(records) or ([], b"")
    assert hot.unpack_records(commons, memoryview(packed)) == records
    assert hot.payload(b"[", there, b"]") == hot.payload(b"[", records, b"]")
    assert {record.object for record in there} == {OBJECT}


@pytest.mark.parametrize(("shards", "told"), [(1, 1), (20, 20), (40, 80)])
def test_what_records_have_in_common_is_told_once_unless_it_is_far_back(shards: int, told: int) -> None:
    names = [f"s-{number}" for number in range(shards)]
    events = [event("k", str(turn), name, MS, b"{}") for name in names for turn in range(2)]
    made = made_in_c(events, refuse)
    records = [*made[::2], *made[1::2]]
    commons, _ = hot.pack_records(records) or ([], b"")
    assert len(commons) == told
    assert carried(records) == records


def test_records_of_which_one_is_pythons_are_not_packed() -> None:
    one = event("k", "18", "s", MS, b"{}")
    of_python = subject._to_record(one, PLACE, OBJECT, NAME)
    assert hot.pack_records([*made_in_c([one], refuse), of_python]) is None
    assert hot.pack_records([]) == ([], b"")


@given(st.data())
def test_bytes_that_are_no_packed_records_are_refused_or_are_others(data: st.DataObject) -> None:
    events = [event("k", str(number), "s", MS, b"{}") for number in range(3)]
    commons, packed = hot.pack_records(made_in_c(events, refuse)) or ([], b"")
    at = data.draw(st.integers(0, len(packed) - 1))
    broken = data.draw(st.sampled_from([packed[:at], packed[:at] + data.draw(st.binary(min_size=1, max_size=9))]))
    broken += data.draw(st.sampled_from([b"", packed[len(broken) :]]))
    try:
        found = hot.unpack_records(commons, broken)
    except ValueError:
        return
    assert len(hot.payload(b"", found, b"")) == sum(record.size for record in found) + max(0, len(found) - 1)


@pytest.mark.parametrize(
    ("text", "piece"),
    [
        *itertools.product(range(6), [(-1, 1), (0, -2), (0, 3_000), (3_000, 0)]),
        *((text, (0, -1)) for text in (0, 1, 3, 5)),  # none: only the id and the message may be
    ],
)
def test_texts_that_would_lie_elsewhere_are_refused(text: int, piece: tuple[int, int]) -> None:
    commons, packed = hot.pack_records(made_in_c([event("k", "18", "s", MS, b"{}")], refuse)) or ([], b"")
    pieces = 6 * 8 + text * 8
    with pytest.raises(ValueError, match="no packed records"):
        hot.unpack_records(commons, packed[:pieces] + struct.pack("2i", *piece) + packed[pieces + 8 :])


@pytest.mark.parametrize("kind", [hot.PackedUnit, Record, None])
def test_what_is_told_of_another_kind_is_refused(kind: Any) -> None:
    ((_, *common),), packed = hot.pack_records(made_in_c([event("k", "18", "s", MS, b"{}")], refuse)) or ([()], b"")
    with pytest.raises(ValueError, match="no packed records"):
        hot.unpack_records([(kind, *common)], packed)
    with pytest.raises(ValueError, match="no packed records"):
        hot.unpack_records([], packed)


def test_no_records_come_to_nothing() -> None:
    assert (hot.payload(b"[", [], b"]"), hot.measured([]), hot.places([])) == (b"[]", (0, 0, 0), b"")


@pytest.mark.parametrize("odd", ["text", None, bytearray(b"{}")])
def test_what_has_no_body_is_not_sent(odd: Any) -> None:
    record = subject._to_record(event("k", "18", "s", MS, b"{}"), PLACE, OBJECT, NAME)
    with pytest.raises(TypeError, match="body"):
        hot.payload(b"[", [record, msgspec.structs.replace(record, body=odd)], b"]")


@given(
    chosen=st.lists(
        st.tuples(st.sampled_from("abc"), st.sampled_from("st"), st.booleans(), st.integers(0, 3)), max_size=12
    ),
    has_order=st.booleans(),
)
def test_records_are_put_beside_those_of_their_key_as_in_python(
    chosen: list[tuple[str, str, bool, int]], has_order: bool
) -> None:
    packed = made_in_c([event(key, "18", shard, MS, b"{}") for key, shard, *_ in chosen], refuse)
    records = tuple(
        one if is_packed else odd(one, how) for one, (*_, is_packed, how) in zip(packed, chosen, strict=True)
    )

    lane_of = LaneOf(3) if has_order else None  # what it knows by the first cut, is known in the second
    first = ends_of(hot.Shelving, records, lane_of)
    assert first == ends_of(_Shelving, records, None if lane_of is None else LaneOf(3))
    assert ends_of(hot.Shelving, records, lane_of) == first


def ends_of(shelving: type[hot.Shelving | _Shelving], records: tuple[Record, ...], lane_of: LaneOf | None) -> object:
    """Up to where records are put at a time, and on which shelves they then are."""
    shelves: dict[int, dict[str, Shelf]] = {}
    made = shelving(shelves, Shelf, lane_of.known if lane_of else None, lane_of)
    ends, at = [], 0
    while at <= len(records):
        ends.append(made.put(records, at))
        at = ends[-1] + 1
    return ends, {lane: {group: each.records for group, each in rows.items()} for lane, rows in shelves.items()}


@pytest.mark.parametrize("has_order", [True, False])
def test_any_key_has_a_shelf_with_all_of_its_records(has_order: bool) -> None:
    """Also keys of one hash for dictionaries, what is no Unicode, and more than there is room for at first."""
    keys = ["", "\ud800", "\0", "k" * 8, "k" * 9, *map(str, range(3_000))]
    record = odd(made_in_c([event("k", "18", "s", MS, b"{}")], refuse)[0], 0)
    records = tuple(msgspec.structs.replace(record, partition_key=key, group=key) for key in keys * 2)
    assert ends_of(hot.Shelving, records, LaneOf(7) if has_order else None) == ends_of(
        _Shelving, records, LaneOf(7) if has_order else None
    )


@given(
    st.lists(st.tuples(st.integers(-3, 9), st.integers(0, 40), st.booleans()), max_size=60),
    st.lists(st.integers(0, 62), max_size=20),
    st.lists(st.integers(0, 3), max_size=21),
    st.integers(1, 12),
    st.integers(100, 1_000),
)
def test_what_is_on_shelves_is_filled_into_drafts_as_in_python(
    chosen: list[tuple[int, int, bool]], bounds: list[int], given: list[int], most_weight: int, most_bytes: int
) -> None:
    events = [event("k", str(number), "s", MS, b"x" * size) for number, (_, size, _) in enumerate(chosen)]
    packed = hot.make_records(Record, refuse, events, [place for place, *_ in chosen], OBJECT, [NAME] * len(events))
    records = [each if is_packed else odd(each, 0) for each, (*_, is_packed) in zip(packed, chosen, strict=True)]
    shelves = [Shelf("s", 0, records[start:end]) for start, end in pairwise([0, *sorted(bounds), len(records)])]
    for shelf, count in zip(shelves, given, strict=False):
        shelf.given = min(count, len(shelf.records))
    found, expected = hot.filled(shelves, most_weight, most_bytes), _filled(shelves, most_weight, most_bytes)
    assert found == expected
    assert all(
        map(is_, *(chain.from_iterable(records for _, _, _, records, *_ in drafts) for drafts in (found, expected)))
    )


def test_of_what_is_no_shelf_or_has_no_place_there_is_no_draft() -> None:
    (one,) = made_in_c([event("k", "18", "s", MS, b"{}")], refuse)
    far, shelf = Shelf("s", 0, [one, msgspec.structs.replace(odd(one, 0), place=2**63)]), Shelf("s", 0, [one])
    with pytest.raises(OverflowError):
        hot.filled([far, shelf], 9, 9_999)
    shelf.records = (one,)  # type: ignore[assignment]
    for shelves in ([shelf], [Shelf("s", 0, [one], -1)]):
        with pytest.raises(TypeError, match="list"):
            hot.filled(shelves, 9, 9_999)
    with pytest.raises(AttributeError, match="given"):
        hot.filled([one], 9, 9_999)  # type: ignore[list-item]
    assert hot.filled([], 9, 9_999) == []


@pytest.mark.parametrize("changed", [{"weight": 2**63 - 1}, {"weight": 2}, {"weight": 10**30}])
def test_what_is_too_heavy_for_any_batch_has_one_of_its_own(changed: dict[str, int]) -> None:
    (one,) = made_in_c([event("k", "18", "s", MS, b"{}")], refuse)
    heavy = msgspec.structs.replace(odd(one, 0), **changed)
    shelves = [Shelf("s", 0, [one, heavy, one]), Shelf("s", 1, [heavy])]
    if changed["weight"] > 2**63:
        with pytest.raises(OverflowError):
            hot.filled(shelves, 2, 9_999)
    else:
        assert hot.filled(shelves, 2, 9_999) == _filled(shelves, 2, 9_999)


def test_records_are_counted_by_their_object_as_in_python() -> None:
    events = [event("k", "18", "s", MS, b"{}")] * 6
    places = [(1 << 32) + 1, (1 << 32) + 2, 7 << 32, 1 << 32, 3, 4]
    packed = hot.make_records(Record, refuse, events, places, OBJECT, [NAME] * 6)
    for records in (packed, [odd(each, 0) for each in packed], packed[:0]):
        assert hot.objects(records, 32) == Counter(record.place >> 32 for record in records)
    with pytest.raises(AttributeError, match="place"):
        hot.objects([None], 32)  # type: ignore[list-item]


def odd(record: Record, how: int) -> Record:
    """The same of Python; of another function, alone, or of many keys."""
    return msgspec.structs.replace(
        pickle.loads(pickle.dumps(record)),
        function="f" if how == 1 else "",
        is_alone=how == 2,
        has_many_keys=how == 3,
    )


class Odd:
    """What is no record: its body is itself, shelves and lanes go while it is asked, and it has no weight."""

    function, is_alone, has_many_keys, size = "", False, False, 1

    def __init__(self, shelves: dict[int, Any], known: dict[str, Any]) -> None:
        self._shelves, self._known = shelves, known

    @property
    def body(self) -> "Odd":
        return self

    @property
    def partition_key(self) -> str:
        self._shelves.clear()
        return "k"

    @property
    def group(self) -> str:
        self._known.clear()
        return "s"

    @property
    def weight(self) -> int:
        raise LookupError("no weight")


def test_what_is_no_record_is_refused_and_nothing_is_read_that_is_not_there() -> None:
    shelves, known = dict[int, dict[str, Shelf]](), {"": {"k": int("1" * 20)}}
    one: Any = Odd(shelves, known)
    with pytest.raises(TypeError, match="body"):
        hot.payload(b"[", [one], b"]")
    with pytest.raises(LookupError):
        hot.measured([one])
    assert hot.Shelving(shelves, Shelf, known, lambda _: 0).put((one, one), 0) == 2
    assert not shelves
    assert not known
    with pytest.raises(TypeError, match="list"):
        hot.Shelving({}, lambda *_: Shelf("s", 0, ()), None, None).put((one,), 0)  # type: ignore[arg-type]
    heavy: Any = msgspec.structs.replace(
        subject._to_record(event("k", "18", "s", MS, b"{}"), PLACE, OBJECT, NAME), weight=2**62
    )
    with pytest.raises(OverflowError):
        hot.measured([heavy, heavy])


def test_what_cannot_be_found_a_lane_is_not_put_anywhere() -> None:
    (record,) = made_in_c([event("k", "18", "s", MS, b"{}")], refuse)
    shelves: dict[int, dict[str, Shelf]] = {}

    def none_for(_: Record) -> int:
        raise LookupError("no lane")

    with pytest.raises(LookupError):
        hot.Shelving(shelves, Shelf, {}, none_for).put((record,), 0)
    with pytest.raises(ValueError, match="index"):
        hot.Shelving(shelves, Shelf, None, None).put((record,), -1)
    assert not shelves


@pytest.mark.parametrize("odd", [{"partition_key": 'k"'}, {"shard_id": "\n"}, {"arrival_ms": 1}, {"arrival_ms": 2**70}])
def test_a_body_that_is_not_usual_is_left_to_python(odd: dict[str, object]) -> None:
    one = msgspec.structs.replace(event("k", "18", "s", MS, b"{}"), **odd)
    with pytest.raises(LookupError):
        made_in_c([one], refuse)


def test_records_have_places_in_their_order() -> None:
    events = [event(str(number), "18", "s", MS, b"{}") for number in range(3)]
    records = made_in_c(events, subject._body)
    assert [(each.partition_key, each.place - PLACE) for each in records] == [("0", 0), ("1", 1), ("2", 2)]


def test_events_may_be_let_go_of_while_python_makes_a_body() -> None:
    events = [event('k"', "18", "s", MS, b"{}") for _ in range(3)]

    def body_of(_event: LakeEvent, _name: bytes) -> bytes:
        events.clear()
        return b"{}"

    records = hot.make_records(Record, body_of, events, [PLACE] * 3, OBJECT, [NAME] * 3)
    assert [record.sequence_number for record in records] == ["18"] * 3


@pytest.mark.parametrize("missing", ["partition_key", "sequence_number", "shard_id", "arrival_ms"])
def test_an_event_that_is_not_complete_is_refused_as_in_python(missing: str) -> None:
    one = msgspec.structs.replace(event("k", "18", "s", MS, b"{}"), **{missing: None})
    with pytest.raises(AssertionError):
        subject._to_record(one, PLACE, OBJECT, NAME)
    with pytest.raises(AssertionError):
        made_in_c([one], subject._body)
