"""What is read at once is what the careful way finds, whatever a document holds; what is usual is read at once."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cncbops.faults.decoding import _carefully, decode_fault
from cncbops.faults.fault import Records
from cncbops.faults.usual import usual
from tests.faults import fault_texts as texts
from tests.faults import usual_texts


@given(fault=usual_texts.faults, wraps=usual_texts.wraps, space=st.sampled_from([b"", b" ", b"\r"]))
def test_what_is_read_at_once_is_what_the_careful_way_finds(fault: str, wraps: list[str], space: bytes) -> None:
    try:
        document = texts.wrapped(space + fault.encode(), wraps) + space
    except json.JSONDecodeError:
        return
    at_once = usual(document)
    assert at_once is None or at_once == _carefully(document)


_RECORD = texts.record().replace(b'"eventID"', b'"eventSource":"aws:kinesis","eventID"')
_FAULT = texts.of_record(_RECORD)
_ODD = [
    (b'"message":"m"', b'"message":' + texts.packed(b'"m"')),
    (b'"name":"Error"', b'"name":' + texts.packed(b'"Error"')),
    (b'"stack":"s"', b'"stack":' + texts.packed(b'"s"')),
    (b'"name":"Error"', b'"name":{}'),
    (b'"functionname":"', b'"functionName":"f","functionname":"undefined","x":"'),
    (b'"tags":{', b'"tags":{"functionName":"f",'),
    (b'"pipeline":"m1"', b'"pipeline":"undefined"'),
    (b',"event":{"type":"thing-created"}', b""),
    (b',"event":{"type":"thing-created"}', b',"event":{}'),
    (b'"pipeline":"m1","record"', b'"batch":[],"record"'),
    (b'"pipeline":"m1","record"', b'"batch":null,"record"'),
    (b'"x":1', b'"x":"[REDACTED]"'),
    (b'"x":1', b'"x":"\xff"'),
    (b'"x":1', b'"x":' + texts.packed(b"[1]")),
    (b'"eventID"', b'"detail-type":"t","eventID"'),
    (b'"eventID":"shardId-000000000000:1"', b'"eventID":"1"'),
    (b'"aws:kinesis"', b'"aws:sqs"'),
    (b'"timestamp":1700611203000', b'"timestamp":"2023-11-22T00:00:03Z"'),
    (b'"id":"f-1",', b""),
    (b'"uow":', b'"s3":{},"uow":'),
    (b'"type":"fault"', b'"type":"fault","requestContext":{},"requestPayload":{}'),
    (b'"message":"m"', b'"message":"\xff"'),
    (b'"message":"m"', b'"message":"\\ud800"'),
    (b'"type":"fault"', b'"type":""'),
    (b'"type":"fault"', b'"type":"thing-created","detail":{},"detail-type":"fault"'),
    (b'"type":"fault"', b'"type":"fault","event":{"type":"t"},"firehoseRecordMetadata":{}'),
]


@pytest.mark.parametrize("wraps", [[], ["envelope"], ["eventbridge"]])
@pytest.mark.parametrize(("usually", "oddly"), _ODD, ids=range(len(_ODD)))
def test_what_is_odd_is_what_the_careful_way_finds(usually: bytes, oddly: bytes, wraps: list[str]) -> None:
    assert usually in _FAULT
    document = texts.wrapped(_FAULT.replace(usually, oddly, 1), wraps)
    assert decode_fault(document) == _carefully(document)


@pytest.mark.parametrize("wrap", ["envelope", "eventbridge"])
@pytest.mark.parametrize("other", ['"rawData":"e30=","attemptsMade":4', '"event":{},"firehoseRecordMetadata":{}'])
def test_a_line_that_fits_two_formats_is_read_as_the_careful_way_reads_it(wrap: str, other: str) -> None:
    document = texts.WRAPS[wrap](_FAULT)[:-1] + b"," + other.encode() + b"}"
    assert decode_fault(document) == _carefully(document)


@pytest.mark.parametrize("wraps", [[], ["envelope"], ["envelope-without-kinesis"], ["eventbridge"]])
@pytest.mark.parametrize("form", ["cookbook", "library", "batch"])
def test_faults_of_records_are_read_at_once_in_every_lake(form: str, wraps: list[str]) -> None:
    at_once = usual(texts.wrapped(texts.DOCUMENTS[form](_RECORD), wraps))
    assert at_once is not None
    (fault,) = at_once
    assert isinstance(fault.unit, Records)
    assert [each.body for each in fault.unit.records] == [_RECORD]


_OTHER = _RECORD.replace(b'"eventID":"shardId-000000000000:1"', b'"eventID":"shardId-000000000000:2"')
_BATCH = texts.of_batch([_RECORD, _OTHER, _RECORD]).replace(b'"pipeline":"m1"', b'"pipeline":"undefined"')
_PART = b'{"record":%b' % _OTHER


@pytest.mark.parametrize(
    "document",
    [
        _BATCH,
        _BATCH.replace(_PART, b'{"pipeline":"p","record":%b' % _OTHER),
        _BATCH.replace(_PART, b'{"x":1'),
        _BATCH.replace(_PART + b',"event":{"type":"thing-created"}', _PART),
        _BATCH.replace(_PART, b'{"batch":[],"record":%b' % _OTHER),
        texts.of_batch([]),
    ],
    ids=range(6),
)
def test_a_batch_is_what_the_careful_way_finds(document: bytes) -> None:
    assert decode_fault(document) == _carefully(document)


def test_a_batch_is_read_at_once() -> None:
    found = usual(_BATCH)
    assert found
    assert isinstance(found[0].unit, Records)
    assert [record.body for record in found[0].unit.records] == [_RECORD, _OTHER]


@pytest.mark.parametrize("wraps", [[], ["envelope"], ["eventbridge"]])
def test_other_events_are_passed_over_at_once(wraps: list[str]) -> None:
    assert usual(texts.wrapped(b'{"type":"thing-created","err":{"name":1}}', wraps)) == []
