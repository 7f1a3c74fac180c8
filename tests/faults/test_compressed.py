"""What the library compressed on the way is undone; what the function was given compressed is not."""

import json

import pytest
from hypothesis import given

from cncbops.faults import fault_event
from cncbops.faults.compressed import Unreadable, inflated, undone
from cncbops.faults.decoding import decode_fault
from cncbops.faults.fault import Fault, Nothing, Records
from tests.faults import fault_texts as texts
from tests.faults.fault_texts import packed


def one(document: bytes) -> Fault:
    faults = decode_fault(document)
    assert isinstance(faults, list), faults
    return faults[0]


@given(value=texts.extras)
def test_a_compressed_field_of_a_record_is_put_back_byte_for_byte(value: bytes) -> None:
    record = b'{ "eventID" :"a","dynamodb": %b , "x":"COMPRESSED air","y":1.0}'
    assert undone(record % packed(value)) == (record % value, True)


@given(value=texts.extras)
def test_a_value_that_was_compressed_twice_is_undone_twice(value: bytes) -> None:
    assert bytes(inflated(packed(packed(value)))) == value


MARKER = packed(b'{"own":1}')


@pytest.mark.parametrize(
    "record",
    [
        b'{"kinesis":{"data":%b}}' % MARKER,
        b'{"kinesis":{"deeper":{"x":%b}}}' % MARKER,
        b'{"dynamodb":{"NewImage":{"note":{"S":%b}}}}' % MARKER,
        b'{"detail-type":"t","detail":{"thing":%b}}' % MARKER,
        b'{"data":%b}' % MARKER,
        b'{"list":[%b]}' % MARKER,
        b"{%b:1}" % MARKER,
        b'{"kinesis":{"data":"x"},"other":{"y":%b}}' % MARKER,
    ],
)
def test_a_marker_that_is_the_functions_own_stays(record: bytes) -> None:
    assert undone(record) == (record, True)


def test_fields_beside_a_kinesis_records_data_are_undone() -> None:
    record = b'{"kinesis":{"data":%b,"sequenceNumber":%b},"eventID":%b}'
    assert undone(record % (MARKER, packed(b'"7"'), packed(b'"s:7"'))) == (record % (MARKER, b'"7"', b'"s:7"'), True)


@given(extra=texts.extras)
@pytest.mark.parametrize("compress", ["uow", "record", "batch", "event", "err", "tags"])
def test_whatever_part_of_a_fault_is_compressed_the_fault_is_the_same(compress: str, extra: bytes) -> None:
    record = texts.record(extra)
    parts = {
        "tags": b'{"functionname":"f"}',
        "err": b'{"name":"E","message":"m","stack":"s"}',
        "event": b'{"type":"t"}',
        "record": record,
    }

    def made(name: str, value: bytes) -> bytes:
        return packed(value) if name == compress else value

    part = b'{"record":%b,"event":%b}' % (made("record", record), made("event", parts["event"]))
    work = made("uow", b'{"batch":%b}' % made("batch", b"[" + part + b"]"))
    tags, error = made("tags", parts["tags"]), made("err", parts["err"])
    fault = one(b'{"type":"fault","tags":%b,"err":%b,"uow":%b}' % (tags, error, work))
    assert (fault.function, fault.error, fault.event_type, fault.flaws) == ("f", "E", "t", ())
    assert isinstance(fault.unit, Records)
    assert [each.body for each in fault.unit.records] == [record]


@pytest.mark.parametrize("marker", [b'"COMPRESSEDH4sI"', b'"COMPRESSEDH4sI????"', packed(b"no JSON"), packed(b"\xff")])
def test_a_marker_that_cannot_be_undone_is_a_flaw_and_stays(marker: bytes) -> None:
    with pytest.raises(Unreadable):
        inflated(marker)
    record = b'{"eventID":"a","dynamodb":%b}' % marker
    fault = one(texts.of_record(record))
    assert isinstance(fault.unit, Records)
    assert fault.unit.records[0].body == record
    assert (fault.flaws, fault.is_whole) == (("compressed-unreadable",), False)


def test_a_unit_of_work_that_cannot_be_undone_is_nothing_and_says_why() -> None:
    fault = one(texts.library(b'"COMPRESSEDH4sI"'))
    assert fault.unit == Nothing("what the fault holds is compressed and cannot be read")
    assert fault.flaws == ("compressed-unreadable",)


def test_a_marker_cut_short_is_unreadable() -> None:
    whole = json.loads(packed(b'"' + b"x" * 1000 + b'"'))
    with pytest.raises(Unreadable):
        inflated(json.dumps(whole[:-16]).encode())


def value_of(size: int) -> bytes:
    return b'"%b"' % (b"x" * (size - 2))


def test_what_would_come_to_more_than_there_is_room_for_is_unreadable_and_stays() -> None:
    marker = packed(value_of(1_000))
    assert bytes(inflated(marker, 1_000)) == value_of(1_000)
    for room in (999, 0, -1):
        with pytest.raises(Unreadable):
            inflated(marker, room)
    record = b'{"a":%b,"b":%b,"c":%b}'
    assert undone(record % (marker, marker, packed(b"1")), 1_999) == (record % (value_of(1_000), marker, b"1"), False)


LARGE = value_of(900)


@pytest.mark.parametrize(
    "part",
    [
        b'{"record":%b}' % packed(texts.record(LARGE)),
        packed(b'{"record":%b}' % texts.record(LARGE)),
        b'{"record":%b}' % texts.record(packed(LARGE)),
    ],
    ids=["its records", "its parts", "fields of its records"],
)
def test_a_fault_whose_small_parts_come_to_too_much_is_not_whole(part: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    document = texts.library(b'{"batch":[%b]}' % b",".join([part] * 3))
    assert one(document).is_whole
    monkeypatch.setattr(fault_event, "LARGEST", 2_000)
    fault = one(document)
    assert ("compressed-unreadable" in fault.flaws, fault.is_whole) == (True, False)


def test_types_of_events_come_to_no_more_than_there_is_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    types = [letter * 900 for letter in "aabc"]
    parts = (b'{"record":%b,"event":%b}' % (texts.record(), packed(b'{"type":"%b"}' % each.encode())) for each in types)
    document = texts.library(b'{"batch":[%b]}' % b",".join(parts))
    assert one(document).event_types == tuple(dict.fromkeys(types))
    monkeypatch.setattr(fault_event, "LARGEST", 2_000)
    assert one(document).event_types == ("a" * 900, "b" * 900)
