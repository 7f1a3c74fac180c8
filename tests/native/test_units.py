"""Units that are packed in C are those that Python makes of the same faults, one by one and many at once."""

import base64
import pickle
import sys
from array import array
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec.structs import replace

from cncbops.faults import unit as subject
from cncbops.faults.fault import Records
from cncbops.faults.grouping import GroupKey, group_key
from cncbops.faults.identity import cause_digest, fault_digest, identity_of
from cncbops.faults.unit import Place, Unit, to_unit
from cncbops.faults.usual import usual
from cncbops.kinesis.drafts import Shelf
from cncbops.kinesis.record import Record
from cncbops.kinesis.shelves import LaneOf, _Shelving
from cncbops.session.causes import Cause, _fault
from cncbops.session.usual_units import OfCause
from tests.delivery.batches import OBJECT
from tests.faults import fault_texts as texts
from tests.faults import usual_texts

hot = pytest.importorskip("cncbops.native.hot", reason="no compiler was there when it was installed")

LATER_MS, LONGEST, HOUR_MS = 1_700_700_000_000, 100_000, 3_600_000
KNOWN_AS = "here\0fn"
NUMBERS = [b"%d", b"49590338271490256608559692538361571095921575989136588%03d", b"\xc3\xa9%055d"]
"""Of a record: as a tool counts, as Kinesis does, and as nobody."""
MESSAGES = [
    *(
        b'"m"',
        b'""',
        b'"\\n\xc3\xa9"',
        b'"m 7"',
        b'"m 8"',
        b'"\\"m 7\\""',
        b'"\\"m 8\\""',
        b'"m \\u0037"',
        b'"m \\\\u0037"',
    ),
    *(b'"\\b7\\f\\n\\/\\t\\r"', b'"\\b8\\f\\n\\/\\t\\r"', b'"m 7f7f7f7f"', b'"m f8f8f8f8"'),
    *(b'"7%b"' % (b"m" * 511), b'"8%b"' % (b"m" * 511), b'"7%b"' % (b"m" * 512), b'"8%b"' % (b"m" * 512)),
]
"""As JSON: many with a number, with escapes or without, as long as what is made alike and longer."""
LONG = '"x":"' + "x" * 90 + '"}'
DATA = [
    *(
        base64.b64encode(event.encode())
        for event in ('{"type":"t"}', '{"id":"e-1"}', '{"id":"e-1",' + LONG, '{"id": null,' + LONG, '{"t":"t",' + LONG)
    ),
    b"eyJpZCI6Ig" + b"x" * 117 + b"\xc3\xa9\xc3\xa9",
]


def cause_of(*said: bytes | None) -> Cause:
    fault = _fault(*said)
    digest = cause_digest(KNOWN_AS, fault.error, fault.message)
    return Cause(fault, "fn", KNOWN_AS.encode(), digest, group_key(fault), fault.pipeline, LONGEST)


def read_units(data: bytes, cause_of: Callable[..., Any] = cause_of, **said: Any) -> tuple[list[Any], int, Any]:
    """What C reads, from line 3 on."""
    of_all = {"is_alone": False, "start_ms": -(2**63), "end_ms": 2**63 - 1, "is_wanted": None, "until_ms": LATER_MS}
    usually = {**of_all, "make": Unit, "lake_object": OBJECT, "by_shape": True}
    units, left_out, others, sums = hot.read_units(cause_of=cause_of, data=data, first_line=3, **{**usually, **said})
    assert others == sum(each is True for each in units)
    return units, left_out, sums


def in_c(lines: Sequence[bytes], cause_of: Callable[..., Any] = cause_of, **said: bool) -> list[Unit]:
    """The units of lines, all of which are usual."""
    found, _, _ = read_units(b"\n".join(lines), cause_of, **said)
    assert {type(each) for each in found} <= {hot.PackedUnit}
    return found


def in_python(lines: Sequence[bytes]) -> list[Unit]:
    units = []
    for number, line in enumerate(lines, 3):
        (fault,) = usual(line) or []
        assert isinstance(fault.unit, Records)
        identity = identity_of(fault_digest(fault, KNOWN_AS), fault, fault.unit, KNOWN_AS)
        units.append(to_unit(fault, fault.unit, Place(OBJECT, number, 0, 0), "fn", identity))
    return units


@st.composite
def _lines(draw: st.DrawFn) -> bytes:
    """A usual fault, of few keys, shards, causes, types and moments."""
    key = draw(st.sampled_from(["k", "\u00e9", "k-2", "k" * 256]))
    shard, number = draw(st.integers(0, 20)), draw(st.integers(1, 3))
    fault = draw(st.sampled_from([texts.cookbook, texts.of_record]))(usual_texts.RECORD)
    for usually, other in (
        (b'"partitionKey":"k"', f'"partitionKey":"{key}"'.encode()),
        (b"shardId-000000000000:1", b"shardId-%012d:%b" % (shard, draw(st.sampled_from(NUMBERS)) % number)),
        (b'"message":"m"', b'"message":%b' % draw(st.sampled_from(MESSAGES))),
        (b'"pipeline":"m1"},', draw(st.sampled_from([b'"pipeline":"m1"},', b'"pipeline":"m2"},']))),
        (b'"id":"f-1",', draw(st.sampled_from([b'"id":"f-1",', b'"id":"f-\xc3\xa9",', b""]))),
        (b"eyJ0eXBlIjoidCJ9", draw(st.sampled_from(DATA))),
        (b"thing-created", draw(st.sampled_from([b"thing-created", b"t\xc3\xa9"]))),
        (b"1700611203000", b"%d" % draw(st.integers(1_700_611_203_000, 1_700_618_403_000))),
    ):
        fault = fault.replace(usually, other, 1)
    return texts.wrapped(fault, draw(st.sampled_from([[], ["envelope"], ["eventbridge"]])))


lines = st.lists(_lines(), min_size=1, max_size=6)


@given(lines)
@example([texts.cookbook(usual_texts.RECORD), usual_texts.FAULT])
def test_whatever_a_unit_is_asked_for_it_tells_as_the_one_of_python(lines: list[bytes]) -> None:
    packed, of_python = in_c(lines), in_python(lines)
    assert packed == of_python
    assert of_python == packed
    for one, other in zip(packed, of_python, strict=True):
        for name in (*Unit.__struct_fields__, "size", "is_of_stream"):
            assert getattr(one, name) == getattr(other, name), name
        assert (one.lanes(256), one.lanes(0)) == (other.lanes(256), ())
        assert (one.identifiers(), one.texts(), one.bare()) == (other.identifiers(), other.texts(), other.bare())
        assert repr(one) == repr(other)
        with pytest.raises(AttributeError):
            _ = one.what_no_unit_has  # type: ignore[attr-defined]


@given(
    before=st.integers(0, 70),
    behind=st.integers(0, 70),
    text=st.sampled_from(["COMPRESSEDH4sI", "COMPRESSEDH4s"]),
    is_first=st.booleans(),
)
def test_a_record_with_a_text_that_may_be_compressed_is_left_to_python(
    before: int, behind: int, text: str, is_first: bool
) -> None:
    other = f'"one":"{"C" * before}","other":"{text}{"x" * behind}"'.encode()
    record = usual_texts.RECORD.strip()[1:-1]
    fault = texts.cookbook(b"{%b,%b}" % ((other, record) if is_first else (record, other)))
    (found,), _, _ = read_units(fault)
    assert (found is None) == (text == "COMPRESSEDH4sI")


@pytest.mark.parametrize("data", [b"COMPRESSEDH4sIAAA", b"[REDACTED]", b"[CIRCULAR]"])
def test_a_record_of_such_data_is_left_to_python(data: bytes) -> None:
    fault = texts.cookbook(usual_texts.RECORD.replace(b"eyJ0eXBlIjoidCJ9", data))
    assert read_units(fault) == ([None], 0, None)


def test_a_unit_goes_to_another_process_as_pythons_and_is_told_from_others() -> None:
    others: list[object] = [None, b"", OBJECT]
    one, other = in_c([usual_texts.FAULT] * 2)
    there = pickle.loads(pickle.dumps(one))
    assert type(there) is Unit
    assert there == one != other
    assert [one == each for each in others] == [False] * 3


@given(lines)
def test_units_are_carried_to_another_process_packed(lines: list[bytes]) -> None:
    units = in_c(lines)
    packed = hot.pack_records(units)
    assert packed
    there = hot.unpack_records(*pickle.loads(pickle.dumps(packed)))
    assert there == units == in_python(lines)
    assert {type(each) for each in there} == {hot.PackedUnit}
    assert hot.unit_digests(there) == hot.unit_digests(units)
    assert hot.sum_units(there)[0] == hot.sum_units(units)[0]


def test_units_keep_nothing_of_what_they_were_read_from() -> None:
    lines = [bytes(bytearray(usual_texts.FAULT)) for _ in range(20)]
    found, expected = in_c(lines), in_python(lines)
    del lines
    assert found == expected


@pytest.mark.parametrize("end", [b"", b"\n"])
def test_a_line_that_is_not_usual_is_left_to_python_and_the_next_is_read(end: bytes) -> None:
    usual_line = usual_texts.FAULT
    lines = [b"", usual_line + b" \r", b"no JSON", usual_line * 2, usual_line[:-1], usual_line + b"\xff", usual_line]
    found, _, _ = read_units(b"\n".join(lines) + end)
    assert [each and each.line for each in found] == [None, 4, None, None, None, None, 9]


def test_what_stands_in_its_record_a_unit_keeps_once() -> None:
    (unit,) = in_c([texts.cookbook(usual_texts.RECORD)])
    kept = len(unit.body) + len(unit.partition_key) + len("thing-created")
    assert sys.getsizeof(unit) == hot.PackedUnit.__basicsize__ + kept


@given(lines, st.integers(0, 2**62))
def test_they_come_where_they_are_put(lines: list[bytes], first: int) -> None:
    units = in_c(lines)
    hot.place_units(units, first)
    places = [first + at for at in range(len(units))]
    assert [each.place for each in units] == array("q", hot.places(units)).tolist() == places
    assert units == [replace(each, place=place) for each, place in zip(in_python(lines), places, strict=True)]


@given(lines, st.data())
def test_many_come_to_the_same_packed_and_of_python(lines: list[bytes], data: st.DataObject) -> None:
    packed, of_python = in_c(lines), in_python(lines)
    mixed = [data.draw(st.sampled_from([one, other])) for one, other in zip(packed, of_python, strict=True)]
    sizes = [len(each.body) for each in of_python]
    for units in (packed, mixed, of_python):
        assert hot.payload(b"[", units, b"]") == b"[" + b",".join(each.body for each in of_python) + b"]"
        assert hot.measured(units) == (len(units), sum(sizes), max(sizes))
        assert units[0].traces(units) == traced(of_python)
    assert hot.unit_digests(packed) == (
        b"".join(each.fault for each in of_python),
        b"".join(record for each in of_python for record in each.records),
    )


def traced(units: Sequence[Unit]) -> object:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(subject, "hot", None)
        return Unit.traces(units)


@given(lines)
def test_they_are_counted_by_type_hour_and_cause(lines: list[bytes]) -> None:
    faults = [fault for line in lines for fault in usual(line) or ()]
    times = [fault.timestamp_ms or 0 for fault in faults]
    units = in_c(lines)
    types, hours, range_ms, causes, digests, size = hot.sum_units(units)
    assert (digests, size) == (hot.unit_digests(units)[0], sum(len(unit.body) for unit in units))
    assert types == Counter(fault.event_type for fault in faults)
    assert hours == Counter(ms // HOUR_MS for ms in times)
    assert range_ms == (min(times), max(times))
    alike: dict[GroupKey, list[int]] = {}
    for at, fault in enumerate(faults):
        alike.setdefault(group_key(fault), []).append(at)
    known: dict[GroupKey, list[OfCause]] = {}
    for told in causes:
        known.setdefault(told[0].group, []).append(OfCause(*told))
    for key, its in alike.items():  # of one group there may be several causes: each is counted by itself
        first, fault = known[key][0], faults[its[0]]
        assert (first.line, first.first.id, first.first.message) == (3 + its[0], fault.id, fault.message)
        assert sum(each.faults for each in known[key]) == len(its)
        assert min(each.first_ms for each in known[key]) == min(times[at] for at in its)
        assert max(each.last_ms for each in known[key]) == max(times[at] for at in its)
    assert list(known) == list(alike)


@given(st.lists(lines.flatmap(st.sampled_from), min_size=1, max_size=60))
def test_what_they_come_to_is_told_as_they_are_read(lines: list[bytes]) -> None:
    units, left_out, sums = read_units(b"\n".join(lines))
    assert left_out == 0
    assert sums == hot.sum_units(units)


def test_no_units_come_to_nothing() -> None:
    assert read_units(b"") == ([], 0, None)
    assert hot.sum_units([]) == ({}, {}, None, [], b"", 0)
    assert (hot.unit_digests([]), hot.units_alike([]), in_c([])) == ((b"", b""), {}, [])


@given(lines, st.booleans(), st.booleans())
def test_they_are_put_beside_those_of_their_key_as_in_python(lines: list[bytes], alone: bool, has_order: bool) -> None:
    units = tuple(in_c(lines, is_alone=alone))

    def put(shelving: type[hot.Shelving | _Shelving]) -> tuple[int, dict[int, dict[str, list[Record]]]]:
        shelves: dict[int, dict[str, Shelf]] = {}
        lane_of = LaneOf(3) if has_order else None
        end = shelving(shelves, Shelf, lane_of.known if lane_of else None, lane_of).put(units, 0)
        return end, {lane: {group: each.records for group, each in rows.items()} for lane, rows in shelves.items()}

    assert put(hot.Shelving) == put(_Shelving)
    assert [each.is_alone for each in units] == [alone] * len(units)


@given(lines, st.sets(st.sampled_from(["cause", "type", "time"])), st.data())
def test_what_is_not_chosen_is_left_out_and_what_is_keeps_its_line(
    lines: list[bytes], by: set[str], data: st.DataObject
) -> None:
    units, faults = in_c(lines), [usual(line)[0] for line in lines]  # type: ignore[index]
    asked = data.draw(st.sampled_from(faults))
    end_ms = asked.timestamp_ms + 1
    found, left_out, sums = read_units(
        b"\n".join(lines),
        lambda *said: (its := cause_of(*said)) and "cause" not in by and its,
        is_wanted=(lambda name: name == asked.event_type) if "type" in by else None,
        **({"start_ms": asked.timestamp_ms, "end_ms": end_ms} if "time" in by else {}),
    )
    chosen = [
        "cause" not in by
        and ("type" not in by or fault.event_type == asked.event_type)
        and ("time" not in by or fault.timestamp_ms == asked.timestamp_ms)
        for fault in faults
    ]
    assert found == [is_chosen and unit for is_chosen, unit in zip(chosen, units, strict=True)]
    assert left_out == chosen.count(False)
    assert sums == hot.sum_units([unit for unit in found if unit])
    hot.place_units(found, 7)
    assert [unit.place for unit in found if unit] == [7 + at for at, is_so in enumerate(chosen) if is_so]


def test_only_units_that_are_packed_are_counted_and_placed() -> None:
    units = [*in_c([usual_texts.FAULT]), *in_python([usual_texts.FAULT])]
    assert hot.units_alike(units) is hot.sum_units(units) is None
    for ask in (hot.unit_digests, lambda given: hot.place_units(given, 7)):
        with pytest.raises(TypeError, match="not packed"):
            ask(units)
    assert units[0].place == 0


def test_a_cause_is_asked_for_once_while_faults_say_the_same() -> None:
    asked: list[object] = []

    def counted(*said: bytes | None) -> Cause:
        asked.append(said)
        return cause_of(*said)

    others = [usual_texts.FAULT.replace(b'"m"', b'"%d"' % number) for number in range(3)]
    lines = [usual_texts.FAULT, *others] * 4
    assert in_c(lines, counted, by_shape=False) == in_python(lines)
    assert 4 <= len(asked) < 16


@pytest.mark.parametrize(("by_shape", "asked_for"), [(True, 1), (False, 30)])
@pytest.mark.parametrize("fault", [texts.cookbook(usual_texts.RECORD), texts.of_record(usual_texts.RECORD)])
def test_a_cause_is_asked_for_once_for_all_whose_messages_differ_in_ids(
    fault: bytes, by_shape: bool, asked_for: int
) -> None:
    asked: list[object] = []

    def counted(*said: bytes | None) -> Cause:
        asked.append(said)
        return cause_of(*said)

    lines = [fault.replace(b'"m"', b'"no %d of %b"' % (at % 10, str(uuid4()).encode())) for at in range(30)]
    units = in_c(lines, counted, by_shape=by_shape)
    assert units == in_python(lines)
    assert len(asked) == asked_for
    for some in (units, units[1:]):
        first = OfCause(*hot.sum_units(some)[3][0])
        (expected,) = usual(lines[first.line - 3]) or []
        assert first.first.message == expected.message


@pytest.mark.parametrize("odd", [None, "long"])
def test_what_has_no_usual_cause_or_is_too_long_is_left_to_python(odd: str | None) -> None:
    def odd_cause(*said: bytes | None) -> Cause | None:
        its = cause_of(*said)
        too_long = Cause(its.fault, "fn", its.known_as, its.digest, its.group, its.pipeline, 100)
        return too_long if odd else None

    data = b"\n".join([usual_texts.FAULT, b"{}"])
    assert read_units(data, odd_cause) == ([None, None], 0, None)


@pytest.mark.parametrize("odd", [b"text", 7])
def test_a_cause_that_is_none_is_refused(odd: object) -> None:
    with pytest.raises((TypeError, AttributeError)):
        in_c([usual_texts.FAULT], lambda *_: odd)


def test_what_asking_for_a_cause_raises_passes() -> None:
    def broken(*_: bytes | None) -> Cause:
        raise LookupError("no cause")

    with pytest.raises(LookupError, match="no cause"):
        in_c([usual_texts.FAULT], broken)


@pytest.mark.parametrize("wraps", [[], ["envelope"], ["eventbridge"]])
def test_events_of_other_types_are_told_from_what_may_be_a_fault(wraps: list[str]) -> None:
    def read(events: list[bytes]) -> list[Any]:
        found, left_out, _ = read_units(b"\n".join(texts.wrapped(each, wraps) for each in events))
        assert left_out == 0
        return found

    assert read(usual_texts.OTHERS) == [True] * len(usual_texts.OTHERS)
    assert read(usual_texts.NO_OTHERS) == [None] * len(usual_texts.NO_OTHERS)


def test_other_events_take_no_place_and_what_is_left_out_does() -> None:
    fault, (other, *_) = usual_texts.FAULT, usual_texts.OTHERS
    found, left_out, sums = read_units(b"\n".join([other, fault, other, fault]))
    assert [each is True for each in found] == [True, False, True, False]
    assert (left_out, sums) == (0, hot.sum_units([found[1], found[3]]))
    hot.place_units([found[0], found[1], False, True, found[3]], 7)
    assert [found[1].place, found[3].place] == [7, 9]


@pytest.mark.parametrize(
    "said",
    [
        [(b"Error", b"\\u00e9"), (b"Error", b'\\"\\\\u00e9\\"')],  # the text of one is as the JSON of the other
        [(b"E\\n", b"1"), (b"E\\n", b"2")],
        [(b"E1", b"1"), (b"E2", b"1")],
        [(b"Error", b"\\u0037"), (b"Error", b"\\u0038")],
    ],
)
def test_what_says_other_things_is_not_taken_for_the_same(said: list[tuple[bytes, bytes]]) -> None:
    fault, usually = texts.cookbook(usual_texts.RECORD), b'"name":"Error","message":"m"'
    assert usually in fault
    lines = [fault.replace(usually, b'"name":"%b","message":"%b"' % each) for each in said]
    for some in (lines, lines[::-1]):
        assert in_c(some) == in_python(some)


@pytest.mark.parametrize(("length", "asked_for"), [(0, 1), (512, 1), (513, 2)])
def test_longer_messages_are_causes_of_their_own(length: int, asked_for: int) -> None:
    asked: list[object] = []

    def counted(*said: bytes | None) -> Cause:
        asked.append(said)
        return cause_of(*said)

    fault = texts.cookbook(usual_texts.RECORD)
    lines = [fault.replace(b'"m"', b'"%b"' % (each * length)[:length]) for each in (b"7\xc3\xa9 ", b"8\xc3\xa9 ")]
    assert in_c(lines, counted) == in_python(lines)
    assert len(asked) == asked_for
