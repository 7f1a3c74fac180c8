"""Lines read straight to records come to what decoding, selecting and wrapping come to, and are counted alike."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cncbops.formats.families import BY_NAME, FAMILIES
from cncbops.formats.timestamp import LATEST_MS
from cncbops.function_name import parse_function
from cncbops.kinesis.record import Record
from cncbops.lake.layout import TimeWindow
from cncbops.lake.lines import Block
from cncbops.lake.objects import LakeObject
from cncbops.lake.sources import LocalSource
from cncbops.native import hot
from cncbops.request import ReplayRequest
from cncbops.selection.selection import Selection
from cncbops.session import events as subject
from cncbops.session.agenda import Item
from cncbops.session.entry import Entry
from cncbops.session.events import EventReader
from cncbops.session.findings import Findings
from cncbops.session.progress import Progress
from cncbops.tally import HOUR_MS
from cncbops.target import Target
from cncbops.terms import Terms, settle
from tests.e2e.lakes import join
from tests.formats import json_texts
from tests.formats.line_texts import WRAPS, odd_envelopes
from tests.ledger.runs import lake_object

pytestmark = pytest.mark.skipif(hot is None, reason="no compiler was there when it was installed")

READ_IN_C = [family.name for family in FAMILIES if family.in_c]
FIRST_LINE = 7
KEYS = (
    "lake/john-cncb-event-stream-s1/2018/04/08/03/x-1-2018-04-08-03-53-28-9f0a3b1c-0000-4000-8000-000000000001",
    "lake/1970/01/01/00/x",
    "x",
)
OBJECT = lake_object(1)
USUAL = b'{"id":"e-1","type":"t","timestamp":1523159608123,"partitionKey":"k"}'


class OneByOne(EventReader):
    """Makes an event of each line before its record."""

    looks_at_events = True


@dataclass
class Outcome:
    """All that reading an object leaves behind."""

    records: Sequence[Record]
    findings: Findings
    entry: tuple[object, ...]
    chosen: int


def request(selection: Selection = Selection(), family: str | None = None, *, in_c: bool = True) -> ReplayRequest:
    named = BY_NAME[family] if family else None
    return ReplayRequest(
        sources=(LocalSource(Path("lake")),),
        function=parse_function("fn"),
        selection=selection,
        family=named._replace(in_c=in_c) if named else None,
    )


def terms_of(asked: ReplayRequest, **changed: Any) -> Terms:
    terms = settle(asked, Target(asked.function), "eu-west-1")
    return replace(terms, **changed)


def read(reader: EventReader, *blocks: bytes, of: LakeObject) -> Outcome:
    entry, findings, line = Entry(3, 0, of), Findings(), FIRST_LINE
    given_blocks = []
    for data in blocks:
        given_blocks.append(Block(data, line, 0))
        line += data.count(b"\n")
    records = [each for found in reader.read(Item(0, of), entry, iter(given_blocks), findings) for each in found]
    findings.entries = {}
    told = (entry.read, entry.matched, entry.malformed, entry.pulled)
    return Outcome(records, findings, told, reader.chosen)


def both(
    asked: ReplayRequest, reference: ReplayRequest, *blocks: bytes, of: LakeObject = OBJECT, **changed: Any
) -> Iterator[Outcome]:
    yield read(EventReader(asked, terms_of(asked, **changed), Progress(), 0), *blocks, of=of)
    yield read(OneByOne(reference, terms_of(reference, **changed), Progress(), 0), *blocks, of=of)


_AT_BOUNDS = tuple(
    map(str, [*range(0, 5 * HOUR_MS, HOUR_MS), 1, 999, 1_000, LATEST_MS, LATEST_MS + 1, 10**15 - 1, 10**15])
)
_ODD_TIMES = ("-1", "null", "1.5", '"2018-04-08"', '"1523159608123"', '"12.5"')
_TIMES = ("1523159608123", *_ODD_TIMES, *_AT_BOUNDS)
_times = st.sampled_from(_TIMES)
_KEYS = ('"k"', '"é"', '""', "7", f'"{"k" * 256}"', f'"{"k" * 257}"', f'"{"é" * 256}"', '"a\\tb"')
_keys = st.sampled_from(_KEYS)
_types = st.sampled_from(['"thing-created"', '"thing-deleted"', '"fault"', '"(none)"', '"é"', "null"])
_shards = st.sampled_from(['"shardId-000000000000"', '"shardId-000000000001"', '"0"', '"é"'])
_streams = st.sampled_from(['"arn:aws:firehose:eu-west-1:123456789012:deliverystream/x"', '"x"', '"arn:a:b:c:d:e:f"'])


@st.composite
def _members(draw: st.DrawFn, **fields: st.SearchStrategy[str]) -> bytes:
    names = [name for name in fields if draw(st.integers(0, 7))]
    return ("{" + ",".join(f'"{name}":{draw(fields[name])}' for name in names) + "}").encode()


_heads = _members(
    id=st.integers(0, 9).map(lambda n: f'"e-{n}"'),
    type=_types,
    timestamp=_times | st.integers(10**9, 10**13).map(str),
    partitionKey=_keys,
    thing=json_texts.values,
)
_kinesis = _members(shardId=_shards, partitionKey=_keys, sequenceNumber=_shards, approximateArrivalTimestamp=_times)
_firehose = _members(deliveryStreamArn=_streams, region=_shards, approximateArrivalTimestamp=_times)
_envelopes = st.builds(
    lambda *parts: b'{"event":%b,"kinesisRecordMetadata":%b,"firehoseRecordMetadata":%b}' % parts,
    _heads,
    _kinesis,
    _firehose,
)
_odd_lines = odd_envelopes() | json_texts.events() | st.sampled_from([b"", b"not JSON", b"\xff", USUAL * 2, b"7"])


@st.composite
def blocks_of(draw: st.DrawFn, name: str) -> list[bytes]:
    """A few blocks of lines of a format, now and then with one that is none."""
    wrap = WRAPS[name]
    usual = (_envelopes if name == "envelope" else st.nothing()) | (_heads | json_texts.events()).map(wrap)
    lines = usual | usual | usual | _odd_lines
    ends = st.sampled_from([b"\n", b"\n", b"\r\n"])
    return [join(draw(st.lists(lines, max_size=7)), draw(ends)) for _ in range(draw(st.integers(1, 3)))]


_selections = st.builds(
    Selection,
    types=st.sampled_from([(), (), ("thing-*",), ("fault", "é")]),
    window=st.sampled_from([TimeWindow(None, None), TimeWindow(HOUR_MS, None), TimeWindow(0, 3 * HOUR_MS)]),
)
_named_blocks = st.sampled_from(READ_IN_C).flatmap(lambda name: st.tuples(st.just(name), blocks_of(name)))


@given(
    named=_named_blocks,
    selection=_selections,
    key=st.sampled_from(KEYS),
    is_last_cut=st.booleans(),
    stream_arn=st.sampled_from([None, "arn:aws:kinesis:eu-west-1:123456789012:stream/s"]),
)
@example(("raw", [join([USUAL, USUAL])]), Selection(), "x", False, None)
def test_what_is_read_straight_is_what_python_makes_of_the_same_lines(
    named: tuple[str, list[bytes]], selection: Selection, key: str, is_last_cut: bool, stream_arn: str | None
) -> None:
    name, blocks = named
    blocks = [*blocks[:-1], blocks[-1].removesuffix(b"\n")] if is_last_cut else blocks
    asked, reference = request(selection, name), request(selection, name, in_c=False)
    asked, reference = (replace(each, stream_arn=stream_arn) for each in (asked, reference))
    straight, one_by_one = both(asked, reference, *blocks, of=lake_object(1, key))
    assert straight == one_by_one
    assert list(straight.findings.tally.by_type) == list(one_by_one.findings.tally.by_type)


VARIED = {
    "event": {"timestamp": _TIMES, "partitionKey": _KEYS, "id": _KEYS, "type": ('"fault"', '"(none)"', "null", '""')},
    "kinesisRecordMetadata": {
        "shardId": ('"shardId-000000000001"', '"é"', '""', "1"),
        "partitionKey": _KEYS,
        "sequenceNumber": ('"49"', '""', "49"),
        "approximateArrivalTimestamp": _TIMES,
    },
    "firehoseRecordMetadata": {
        "deliveryStreamArn": ('"arn:aws:firehose:eu-west-1:123456789012:deliverystream/x"', '"x"', "null"),
        "region": ('"eu-west-1"', '"us-east-1"'),
        "approximateArrivalTimestamp": _TIMES,
    },
}
ALL_THERE = {
    "event": {"id": '"e-1"', "type": '"t"', "timestamp": "1523159608123"},
    "kinesisRecordMetadata": {"shardId": '"s-0"', "partitionKey": '"k"', "sequenceNumber": '"18"'},
    "firehoseRecordMetadata": {"region": '"eu-central-1"', "approximateArrivalTimestamp": "1523159609000"},
}


def varied_lines() -> Iterator[bytes]:
    """Envelopes that have all that counts but for one field, which has another value or is missing."""
    for part, fields in VARIED.items():
        for name, values in fields.items():
            for value in (*values, None):
                changed = {**ALL_THERE, part: {**ALL_THERE[part], name: value}}
                yield _written(changed).encode()
    without_time = {part: fields for part, fields in ALL_THERE.items() if part != "firehoseRecordMetadata"}
    for time in _TIMES:
        yield _written({**without_time, "event": {"id": '"e-1"', "type": '"t"', "timestamp": time}}).encode()
    yield _written(ALL_THERE).encode().replace(b'"e-1"', b'"\xff"')
    yield _written(ALL_THERE).encode().replace(b'"e-1"', b'"\xed\xa0\x80"')


def _written(parts: dict[str, dict[str, str | None]]) -> str:
    texts = []
    for part, fields in parts.items():
        members = ",".join(f'"{name}":{value}' for name, value in fields.items() if value is not None)
        texts.append(f'"{part}":{{{members}}}')
    return "{" + ",".join(texts) + "}"


@pytest.mark.parametrize("name", ["envelope", "eventbridge", "raw"])
@pytest.mark.parametrize("window", [TimeWindow(None, None), TimeWindow(1, LATEST_MS), TimeWindow(1_000, 2 * HOUR_MS)])
@pytest.mark.parametrize("key", KEYS)
def test_each_field_may_be_odd_or_missing(name: str, window: TimeWindow, key: str) -> None:
    usual, selection = _written(ALL_THERE).encode(), Selection(window=window)
    blocks = [join([usual, line, usual]) for line in varied_lines()]
    if name != "envelope":
        events = [line.partition(b'"event":')[2].partition(b"}")[0] + b"}" for line in varied_lines()]
        blocks = [join(map(WRAPS[name], [USUAL, event, USUAL])) for event in events]
    for block in blocks:
        given_both = both(request(selection, name), request(selection, name, in_c=False), block, of=lake_object(1, key))
        straight, one_by_one = given_both
        assert straight == one_by_one


@given(named=_named_blocks, selection=_selections)
def test_formats_that_are_not_named_are_recognised_alike(named: tuple[str, list[bytes]], selection: Selection) -> None:
    straight, one_by_one = both(request(selection), request(selection), *named[1])
    assert straight == one_by_one


@pytest.mark.parametrize("longest", [200, 400, 100_000])
def test_what_no_invocation_carries_is_noted_alike(longest: int) -> None:
    lines = [WRAPS["envelope"](b'{"type":"t","text":"%b"}' % (b"a" * size)) for size in (0, 50, 100, 5)]
    limits = replace(terms_of(request()).limits, single_payload_bytes=longest)
    straight, one_by_one = both(request(), request(), join(lines), limits=limits)
    assert straight == one_by_one
    assert len(straight.records) + len(straight.findings.failures) == 4


@pytest.fixture
def events_made(monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """How many blocks were decoded to events so far."""
    calls: list[Block] = []
    decode_as = subject.decode_as
    monkeypatch.setattr(subject, "decode_as", lambda *given: (calls.append(given[1]), decode_as(*given))[1])
    return lambda: len(calls)


@pytest.mark.parametrize("name", READ_IN_C)
@pytest.mark.parametrize(
    "selection", [Selection(), Selection(types=("t",)), Selection(window=TimeWindow(HOUR_MS, LATEST_MS))]
)
def test_of_usual_lines_no_events_are_made(name: str, selection: Selection, events_made: Callable[[], int]) -> None:
    outcome = read(
        EventReader(asked := request(selection), terms_of(asked), Progress(), 0),
        join([WRAPS[name](USUAL)] * 3),
        of=OBJECT,
    )
    assert len(outcome.records) == 3
    assert not events_made()


def test_only_lines_from_the_first_that_is_not_usual_are_read_one_by_one(events_made: Callable[[], int]) -> None:
    odd = b'{"type":"t","timestamp":1.5}'
    asked = request()
    outcome = read(
        EventReader(asked, terms_of(asked), Progress(), 0),
        join([USUAL] * 3),
        join([USUAL, odd, USUAL]),
        of=OBJECT,
    )
    assert [record.line for record in outcome.records] == list(range(FIRST_LINE, FIRST_LINE + 6))
    assert events_made() == 1


@given(types=st.lists(st.sampled_from([f"type-{n}" for n in range(300)]), max_size=400))
def test_many_types_are_counted_in_the_order_in_which_they_came(types: list[str]) -> None:
    lines = [b'{"type":"%b","id":"1","timestamp":1523159608123}' % name.encode() for name in types]
    asked = request(family="raw")
    found = read(EventReader(asked, terms_of(asked), Progress(), 0), join(lines), of=OBJECT).findings.tally
    assert dict(found.by_type) == {name: types.count(name) for name in dict.fromkeys(types)}
    assert list(found.by_type) == list(dict.fromkeys(types))


def test_what_python_raises_as_types_are_looked_at_is_raised() -> None:
    def is_wanted(_: str | None) -> bool:
        raise LookupError

    asked = request()
    reader = EventReader(asked, terms_of(asked), Progress(), 0)
    reader._by_type = is_wanted
    with pytest.raises(LookupError):
        read(reader, join([USUAL] * 3), of=OBJECT)
