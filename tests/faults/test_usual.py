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


@pytest.mark.parametrize("wraps", [[], ["envelope"], ["eventbridge"]])
@pytest.mark.parametrize(("usually", "oddly"), usual_texts.ODD, ids=range(len(usual_texts.ODD)))
def test_what_is_odd_is_what_the_careful_way_finds(usually: bytes, oddly: bytes, wraps: list[str]) -> None:
    assert usually in usual_texts.FAULT
    document = texts.wrapped(usual_texts.FAULT.replace(usually, oddly, 1), wraps)
    assert decode_fault(document) == _carefully(document)


@pytest.mark.parametrize("wrap", ["envelope", "eventbridge"])
@pytest.mark.parametrize("other", ['"rawData":"e30=","attemptsMade":4', '"event":{},"firehoseRecordMetadata":{}'])
def test_a_line_that_fits_two_formats_is_read_as_the_careful_way_reads_it(wrap: str, other: str) -> None:
    document = texts.WRAPS[wrap](usual_texts.FAULT)[:-1] + b"," + other.encode() + b"}"
    assert decode_fault(document) == _carefully(document)


@pytest.mark.parametrize("wraps", [[], ["envelope"], ["envelope-without-kinesis"], ["eventbridge"]])
@pytest.mark.parametrize("form", ["cookbook", "library", "batch"])
def test_faults_of_records_are_read_at_once_in_every_lake(form: str, wraps: list[str]) -> None:
    at_once = usual(texts.wrapped(texts.DOCUMENTS[form](usual_texts.RECORD), wraps))
    assert at_once is not None
    (fault,) = at_once
    assert isinstance(fault.unit, Records)
    assert [each.body for each in fault.unit.records] == [usual_texts.RECORD]


_OTHER = usual_texts.RECORD.replace(b'"eventID":"shardId-000000000000:1"', b'"eventID":"shardId-000000000000:2"')
_BATCH = texts.of_batch([usual_texts.RECORD, _OTHER, usual_texts.RECORD]).replace(
    b'"pipeline":"m1"', b'"pipeline":"undefined"'
)
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
    assert [record.body for record in found[0].unit.records] == [usual_texts.RECORD, _OTHER]


@pytest.mark.parametrize("wraps", [[], ["envelope"], ["eventbridge"]])
def test_other_events_are_passed_over_at_once(wraps: list[str]) -> None:
    assert usual(texts.wrapped(b'{"type":"thing-created","err":{"name":1}}', wraps)) == []
