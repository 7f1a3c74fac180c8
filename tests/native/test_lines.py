"""Lines read in C are the events that Python reads, byte for byte; what is not usual is left to Python."""

import msgspec
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from cncbops.formats.event import LakeEvent
from cncbops.formats.families import BY_NAME
from tests.e2e.lakes import join
from tests.formats import json_texts
from tests.formats.line_texts import WRAPS, odd_envelopes

hot = pytest.importorskip("cncbops.native.hot", reason="no compiler was there when it was installed")

READ_IN_C = ("envelope", "eventbridge", "raw")
EVENT = (
    '{"id":"e-1","type":"thing-created","timestamp":1700611200123,"partitionKey":"é","tags":{"a":[1,-2.5]}}'.encode()
)
USUAL = {name: WRAPS[name](EVENT) for name in READ_IN_C}
FIRST = 7


def read_in_c(name: str, data: bytes) -> list[LakeEvent | bytes]:
    assert BY_NAME[name].in_c
    return list(hot.read_events(name, LakeEvent, data, FIRST))


def assert_as_python_reads(name: str, line: bytes) -> None:
    """Whatever C made of it, but for leaving it to Python."""
    (found,) = read_in_c(name, line)
    if found != line:
        event = BY_NAME[name].read(line, FIRST, 0)
        assert found == msgspec.structs.replace(event, data=bytes(event.data))


@pytest.mark.parametrize("name", READ_IN_C)
def test_usual_lines_are_read_in_c(name: str) -> None:
    events = read_in_c(name, join([USUAL[name], USUAL[name] + b" \r"]))
    assert [event.line for event in events if isinstance(event, LakeEvent)] == [FIRST, FIRST + 1]
    for event in events:
        assert event == msgspec.structs.replace(BY_NAME[name].read(USUAL[name], 0, 0), data=event.data, line=event.line)


def test_an_envelope_without_kinesis_metadata_is_usual() -> None:
    line = WRAPS["envelope-without-kinesis"](EVENT)
    assert isinstance(read_in_c("envelope", line)[0], LakeEvent)
    assert_as_python_reads("envelope", line)


@pytest.mark.parametrize("end", [b"", b"\n"])
def test_what_is_not_usual_comes_back_line_by_line(end: bytes) -> None:
    lines = [b"not JSON\n", USUAL["raw"] + b"\n", b"\n", b'{"type":"two"}{"type":"documents"}' + end]
    found = read_in_c("raw", b"".join(lines))
    assert [each for each in found if isinstance(each, bytes)] == [lines[0], lines[2], lines[3]]
    assert isinstance(found[1], LakeEvent)
    assert found[1].line == FIRST + 1


@pytest.mark.parametrize(
    "odd",
    [
        b'{"event":{"type":"t","half":"\\ud800"},"kinesisRecordMetadata":{}}',
        b'{"event":{"type":"t","pair":"\\ud83d\\ude00"},"kinesisRecordMetadata":{}}',
        b'{"event":{"type":"t","id":"1"},"event":{"type":"t"},"kinesisRecordMetadata":{}}',
        b'{"event":{"type":"t"},"kinesisRecordMetadata":{"approximateArrivalTimestamp":253402300800000}}',
        b'{"event":{"type":"t","\\u0069d":"1"},"kinesisRecordMetadata":{}}',
        b'{"event":{"type":"t","huge":1e999},"kinesisRecordMetadata":{}}',
        b'{"event":{"type":"t","escape":"\\\0"},"kinesisRecordMetadata":{}}',
        b'{"event":{"type":"t"},"kinesisRecordMetadata":null}',
    ],
)
def test_what_may_mean_something_else_is_left_to_python(odd: bytes) -> None:
    usual = b'{"event":{"type":"t"},"kinesisRecordMetadata":{"approximateArrivalTimestamp":253402300799999}}'
    assert isinstance(read_in_c("envelope", usual)[0], LakeEvent)
    assert read_in_c("envelope", odd) == [odd]


def test_no_lines_are_no_events() -> None:
    assert read_in_c("raw", b"") == []


@given(name=st.sampled_from(READ_IN_C), event=json_texts.events())
def test_any_event_is_read_as_in_python(name: str, event: bytes) -> None:
    assert_as_python_reads(name, WRAPS[name](event))


@given(line=odd_envelopes())
def test_an_odd_envelope_is_read_as_in_python(line: bytes) -> None:
    assert_as_python_reads("envelope", line)


@given(
    name=st.sampled_from(READ_IN_C),
    at=st.integers(0, 600),
    taken=st.integers(0, 30),
    put=st.binary(max_size=3)
    | st.sampled_from([b'"', b"\\", b'"', b"{", b"}", b"0", b"-", b".", b"e", b"\\u", b"null"]),
)
@example(name="raw", at=0, taken=600, put=b"[" * 100_000)
@example(name="raw", at=20, taken=0, put=b"\\ud83d\\ude00")
def test_a_damaged_line_is_read_as_in_python_or_left_to_it(name: str, at: int, taken: int, put: bytes) -> None:
    line = USUAL[name][:at] + put + USUAL[name][at + taken :]
    assume(line and b"\n" not in line and _is_utf8(line))  # as who calls it has seen to
    assert_as_python_reads(name, line)


@pytest.mark.parametrize("name", READ_IN_C)
def test_a_line_may_end_anywhere(name: str) -> None:
    line = USUAL[name].decode().encode("ascii", "replace")  # so that no end is in a character
    for end in range(len(line)):
        assert read_in_c(name, line[: end or 1]) == [line[: end or 1]]


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True
