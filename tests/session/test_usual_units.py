"""Units that are read straight from lines are those that the careful way makes of them, whatever the lines hold."""

import io
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec import structs

from cncbops.aws import Aws, AwsAccess
from cncbops.errors import CannotRun
from cncbops.faults.identity import DIGEST_BYTES, parted
from cncbops.faults.resolving import Resolver
from cncbops.faults.selection import FaultSelection
from cncbops.faults.unit import Unit
from cncbops.finding import Finder
from cncbops.function_name import parse_function
from cncbops.lake.layout import TimeWindow
from cncbops.lake.lines import blocks
from cncbops.lake.sources import S3Source
from cncbops.recipients import Recipient, Recipients
from cncbops.request import ResubmitRequest
from cncbops.session import units, usual_units
from cncbops.session.agenda import Item
from cncbops.session.candidates import Assessor
from cncbops.session.entry import Entry
from cncbops.session.findings import Findings
from cncbops.session.memory import History, NoMemory, Seen, Shared
from cncbops.session.units import UnitReader
from cncbops.session.usual_units import UsualUnits
from cncbops.target import Target
from cncbops.terms import settle
from tests.delivery.batches import OBJECT
from tests.examples import more_examples
from tests.faults import fault_texts as texts
from tests.faults import usual_texts

pytest.importorskip("cncbops.native.hot", reason="no compiler was there when it was installed")

NOWHERE = "http://127.0.0.1:1"
NOW_MS = 1_700_700_000_000
FUNCTION = parse_function("fn")
REQUEST = ResubmitRequest(sources=(S3Source("lake", ""),), until_ms=NOW_MS, function=FUNCTION)
AWS = Aws(AwsAccess(region="us-east-1", endpoint_url=NOWHERE))
RESOLVER = Resolver(AWS, AWS.s3)
RECORD = usual_texts.RECORD
USUAL = texts.cookbook(RECORD)
CHANGES = [*usual_texts.ODD, *usual_texts.USUAL]


NOTHING, OWN = NoMemory(), 7


@dataclass
class Remembers(NoMemory):
    """A memory of faults, and of records, with the runs that have delivered them: the first, or `OWN`."""

    faults: Mapping[bytes, int]
    records: Collection[bytes] = ()

    def is_empty(self) -> bool:
        return False

    def knows_any(self, both: tuple[bytes, bytes]) -> bool:
        faults, records = map(parted, both)
        return bool(self.sent_by(faults)) or self.history(records).knows_any

    def sent_by(self, faults: Sequence[bytes]) -> dict[bytes, int]:
        return {fault: self.faults[fault] for fault in faults if fault in self.faults}

    def history(self, records: Sequence[bytes]) -> History:
        return History({record: {None: 1_000} for record in records if record in self.records})


def reader_of(request: ResubmitRequest, memory: NoMemory) -> UnitReader:
    target = Target(FUNCTION)
    known = Recipient(FUNCTION, target, settle(request, target, "us-east-1"))
    finder = Finder(request, AWS, Recipients(("fn", known)), None)
    assessor = Assessor(request, "here", finder, RESOLVER, memory, memory.is_empty, OWN)
    return UnitReader(request, assessor, RESOLVER, None, 0)


def came_to(
    data: bytes, request: ResubmitRequest = REQUEST, memory: NoMemory = NOTHING, *, size: int = 1 << 20
) -> dict[str, object]:
    """All that reading an object comes to, some claims of which were made before."""
    reader, entry, findings = reader_of(request, memory), Entry(3, 0, OBJECT), Findings()
    pieces = list(reader.read(Item(0, OBJECT), entry, blocks(io.BytesIO(data), size), findings))
    waiting = [unit for some in pieces for unit in some]
    claims = reader.claims()
    assert claims
    repeated = Seen().repeated(claims.digests, claims.shared)
    sent = reader.judged(waiting, repeated, findings)
    return {
        "pieces": [len(some) for some in pieces],
        "waiting": waiting,
        "claims": claims._replace(shared=[]),
        "shared": [one for some in claims.shared for one in apart(some)],
        "units": sent,
        "entry": structs.asdict(entry),
        "tally": findings.tally,
        "failures": findings.failures,
        "failed": findings.failed,
        "groups": findings.groups.ranked() if findings.groups else [],
    }


def apart(shared: Shared) -> Iterator[tuple[int, bytes, str | None]]:
    """Each fault with its records."""
    size = shared.of_each * DIGEST_BYTES
    for index, (at, pipeline) in enumerate(zip(shared.at, shared.pipelines, strict=True)):
        yield at, shared.records[index * size : (index + 1) * size], pipeline


def slowly(data: bytes, *more: object, **of: object) -> dict[str, object]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(usual_units, "hot", None)
        return came_to(data, *more, **of)  # type: ignore[arg-type]


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many units were read at once, each time that some were."""
    counts: list[int] = []
    take = UsualUnits.take_places

    def counted(self: UsualUnits) -> None:
        counts.append(len(self.found))
        take(self)

    monkeypatch.setattr(UsualUnits, "take_places", counted)
    return counts


WRAPPED: list[list[str]] = [[], ["envelope"], ["eventbridge"], ["envelope-without-kinesis"], ["firehose-error"]]


def _wrapped(fault: bytes, wraps: Sequence[str]) -> bytes:
    try:
        return texts.wrapped(fault, wraps)
    except json.JSONDecodeError:
        return fault


_lines = usual_texts.wrapped.map(lambda each: _wrapped(*each)) | st.sampled_from(
    [USUAL, texts.WRAPS["envelope"](USUAL), b"", b"{", b"}", b"\xff", USUAL * 2, b" \r"]
    + [_wrapped(other, wraps) for other in usual_texts.OTHERS + usual_texts.NO_OTHERS for wraps in WRAPPED]
)


@given(
    lines=st.lists(_lines, max_size=5),
    size=st.sampled_from([1 << 20, 64, 700]),
    most=st.sampled_from([1 << 22, 1, 500, 1000]),
)
@example(lines=[USUAL] * 7, size=1 << 20, most=len(RECORD) * 3)
def test_what_is_read_at_once_comes_to_what_the_careful_way_comes_to(lines: list[bytes], size: int, most: int) -> None:
    data = b"\n".join(lines)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(units, "_BYTES_AT_ONCE", most)
        assert came_to(data, size=size) == slowly(data, size=size)


_changed = st.tuples(
    st.sampled_from([USUAL, usual_texts.FAULT]),
    st.sampled_from([[], ["envelope"], ["envelope-without-kinesis"], ["eventbridge"]]),
    st.lists(st.sampled_from(CHANGES), max_size=2),
)


@more_examples(10)
@given(st.lists(_changed, min_size=2, max_size=6))
def test_faults_that_differ_a_little_come_to_what_the_careful_way_makes_of_them(
    faults: list[tuple[bytes, list[str], list[tuple[bytes, bytes]]]],
) -> None:
    lines = []
    for fault, wraps, changes in faults:
        for usually, oddly in changes:
            fault = fault.replace(usually, oddly, 1)
        lines.append(_wrapped(fault, wraps))
    data = b"\n".join(lines)
    assert came_to(data) == slowly(data)


@pytest.mark.parametrize("change", CHANGES, ids=range(len(CHANGES)))
def test_a_fault_that_differs_a_little_comes_to_the_same(change: tuple[bytes, bytes]) -> None:
    usually, oddly = change
    assert usually in usual_texts.FAULT
    data = b"\n".join([usual_texts.FAULT, usual_texts.FAULT.replace(usually, oddly, 1), usual_texts.FAULT])
    assert came_to(data) == slowly(data)


@given(
    wrap=st.sampled_from([[], ["envelope"], ["eventbridge"]]),
    at=st.integers(0, 900),
    cut=st.integers(0, 30),
    put=st.binary(max_size=3) | st.sampled_from([b"\\u", b"null", *(b"%c" % each for each in b'"\\{}[]0-.e \n,:')]),
)
@example(wrap=[], at=0, cut=900, put=b"[" * 100_000)
def test_a_damaged_line_comes_to_what_the_careful_way_makes_of_it(
    wrap: list[str], at: int, cut: int, put: bytes
) -> None:
    line = texts.wrapped(USUAL, wrap)
    data = b"\n".join([line, line[:at] + put + line[at + cut :], line])
    assert came_to(data) == slowly(data)


@pytest.mark.parametrize("form", ["cookbook", "library"])
@pytest.mark.parametrize("wraps", [[], ["envelope"], ["envelope-without-kinesis"], ["eventbridge"]])
def test_faults_of_one_record_are_read_at_once(form: str, wraps: list[str], taken: list[int]) -> None:
    lines = [texts.wrapped(texts.DOCUMENTS[form](RECORD), wraps)] * 3
    found = came_to(b"\n".join(lines))
    assert taken == [3]
    assert found == slowly(b"\r\n".join([*lines, b""]))


def test_a_line_may_end_anywhere() -> None:
    line = texts.WRAPS["envelope"](USUAL)
    for end in range(0, len(line), 3):
        assert came_to(line[:end]) == slowly(line[:end])


def test_what_is_between_them_does_not_change_their_order(taken: list[int]) -> None:
    batch = texts.of_batch([RECORD, RECORD.replace(b'1"}', b'2"}')])
    first, second, third = (USUAL.replace(b'"m"', b'"%d"' % number) for number in range(3))
    data = b"\n".join([first, b'{"type":"t"}', second, b"x", batch, third])
    found = came_to(data)
    assert taken == [2, 1]
    assert [unit.line for unit in found["units"]] == [1, 3, 5, 6]  # type: ignore[attr-defined]
    assert found == slowly(data)


@pytest.mark.parametrize(
    "request_",
    [
        replace(REQUEST, until_ms=0),
        replace(REQUEST, one_by_one=True),
        replace(REQUEST, limit=2),
        replace(REQUEST, function=None),
    ],
    ids=["since", "one by one", "limit", "each its own"],
)
def test_other_requests_come_to_the_same(request_: ResubmitRequest) -> None:
    data = b"\n".join(USUAL.replace(b'"m"', b'"%d"' % (number % 3)) for number in range(7)).replace(
        texts.FUNCTION.encode(), b"fn"
    )
    assert came_to(data, request_) == slowly(data, request_)


MOMENT_MS = 1_700_611_203_000
CHOICES = st.builds(
    FaultSelection,
    functions=st.sampled_from([(), (), (f"{texts.FUNCTION[:4]}*",), ("other",)]),
    errors=st.sampled_from([(), (), ("Type*", "nothing"), ("[m]",)]),
    types=st.sampled_from([(), (), ("thing-*",), ("*-updated",), ("*",)]),
    pipelines=st.sampled_from([(), (), ("p-1",), ("",)]),
    groups=st.sampled_from([(), (), tuple("01234567")]),
    window=st.sampled_from([TimeWindow(None, None), TimeWindow(MOMENT_MS, None), TimeWindow(1, MOMENT_MS + 1)]),
)


@given(
    choice=CHOICES,
    faults=st.lists(st.integers(0, 11), min_size=1, max_size=9),
    sent=st.sets(st.integers(0, 11)),
    odd=st.sets(st.integers(0, 8), max_size=2),
    size=st.sampled_from([1 << 20, 3_000]),
    most=st.sampled_from([1 << 22, len(RECORD) * 3]),
)
def test_a_choice_comes_to_what_it_comes_to_the_careful_way(
    choice: FaultSelection, faults: list[int], sent: set[int], odd: set[int], size: int, most: int
) -> None:
    lines = [_differing(number) + b" " * (at in odd) for at, number in enumerate(faults)]
    data, request = b"\n".join(lines), replace(REQUEST, choice=choice)
    known = [unit.fault for unit in came_to(data)["units"] if unit.line - 1 in sent]  # type: ignore[attr-defined]
    memory = Remembers(dict.fromkeys(known, 1))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(units, "_BYTES_AT_ONCE", most)
        at_once, carefully = (came(data, request, memory, size=size) for came in (came_to, slowly))
    for came in (at_once, carefully):  # where nothing is left to be given out, that may be told of once more
        came["pieces"] = [count for count in came["pieces"] if count]  # type: ignore[attr-defined]
    assert at_once == carefully


def _differing(number: int) -> bytes:
    """A fault of one of two errors, three types, of which one is none, two moments and pipelines."""
    event_type = (b'"type":"thing-created"', b'"type":"thing-updated"', b'"kind":"none"')[number % 3]
    name, pipeline = (b"TypeError", b"Error")[number % 2], (b"p-1", b"undefined")[number % 5 % 2]
    return (
        USUAL.replace(b'"event":{"type":"thing-created"}', b'"event":{%b}' % event_type)
        .replace(b'"name":"Error"', b'"name":"%b"' % name)
        .replace(b'"tags":{', b'"tags":{"pipeline":"%b",' % pipeline)
        .replace(b"%d" % MOMENT_MS, b"%d" % (MOMENT_MS + number // 6))
    )


def test_of_what_is_not_chosen_nothing_is_looked_up_and_all_is_read_at_once(taken: list[int]) -> None:
    lines = [_differing(number) for number in range(12) if number % 3 < 2]
    request = replace(REQUEST, function=None, choice=FaultSelection(functions=("other",)))
    found = came_to(b"\n".join(lines), request)  # where AWS is not to be reached
    assert (taken, found["units"], found["tally"].faults.not_chosen) == ([0], [], 8)  # type: ignore[attr-defined]


@pytest.mark.parametrize("again", [False, True])
def test_what_was_delivered_is_not_sent_unless_that_is_asked_for(again: bool, taken: list[int]) -> None:
    data = b"\n".join(USUAL.replace(b'"m"', b'"%d"' % number) for number in range(5))
    sent: Sequence[Unit] = came_to(data)["units"]  # type: ignore[assignment]
    memory, request = Remembers({sent[1].fault: 1, sent[4].fault: OWN}), replace(REQUEST, again=again)
    taken.clear()
    found = came_to(data, request, memory)
    assert [unit.line for unit in found["units"]] == ([1, 2, 3, 4] if again else [1, 3, 4])  # type: ignore[attr-defined]
    assert taken == ([] if again else [5])
    assert found == slowly(data, request, memory)


@given(
    fates=st.lists(st.sampled_from(["new", "new", "sent", "own", "record", "odd"]), min_size=1, max_size=9),
    again=st.booleans(),
    wrap=st.sampled_from([[], ["envelope"]]),
    size=st.sampled_from([1 << 20, 3_000]),
    most=st.sampled_from([1 << 22, 1, len(RECORD) * 3]),
)
@example(
    fates=["new", "sent", "own", "new", "sent", "new", "sent"], again=False, wrap=[], size=1 << 20, most=len(RECORD) * 3
)
def test_what_is_remembered_comes_to_what_the_careful_way_makes_of_it(
    fates: list[str], again: bool, wrap: list[str], size: int, most: int
) -> None:
    lines = [
        texts.wrapped(USUAL.replace(b'"m"', b'"%d"' % number), wrap) + b" " * (fate == "odd")
        for number, fate in enumerate(fates)
    ]
    data, request = b"\n".join(lines), replace(REQUEST, again=again)
    sent: Sequence[Unit] = came_to(data)["units"]  # type: ignore[assignment]
    runs = {"sent": 1, "own": OWN}
    memory = Remembers(
        {unit.fault: runs[fate] for fate, unit in zip(fates, sent, strict=True) if fate in runs},
        [unit.records[0] for fate, unit in zip(fates, sent, strict=True) if fate == "record"],
    )
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(units, "_BYTES_AT_ONCE", most)
        assert came_to(data, request, memory, size=size) == slowly(data, request, memory, size=size)


def test_what_others_send_while_an_object_is_read_is_known_block_by_block(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = [True, True, True, True, False, False]
    lines = [USUAL.replace(b'"m"', b'"%d"' % number) for number in range(6)]
    sent: Sequence[Unit] = came_to(b"\n".join(lines))["units"]  # type: ignore[assignment]
    memory = Remembers({unit.fault: 1 for unit in sent})
    monkeypatch.setattr(memory, "is_empty", lambda: asked.pop(0))
    found = came_to(b"\n".join(lines), REQUEST, memory, size=len(lines[0]) + 1)
    assert not asked
    assert [unit.line for unit in found["units"]] == [1, 2, 3, 4]  # type: ignore[attr-defined]


class Fails(NoMemory):
    """A memory that is broken, as single faults are asked about."""

    def sent_by(self, _faults: Sequence[bytes]) -> Mapping[bytes, int]:
        raise CannotRun("the ledger fails", "See why")


def test_units_that_were_counted_are_given_where_what_was_read_with_them_cannot_be_assessed() -> None:
    usual = [USUAL.replace(b'"m"', b'"%d"' % number) for number in range(2)]
    odd = USUAL.removesuffix(b"}") + b',"more":1}'
    reader, findings, given = reader_of(REQUEST, Fails()), Findings(), list[Unit]()
    reading = reader.read(Item(0, OBJECT), Entry(3, 0, OBJECT), blocks(io.BytesIO(b"\n".join([*usual, odd]))), findings)
    with pytest.raises(CannotRun):
        given += [unit for some in reading for unit in some]
    units = reader.judged(given, (), findings)
    assert [unit.line for unit in units] == [1, 2]
    assert findings.tally.events.matched == 2


def test_one_message_is_chosen_among_those_of_its_shape() -> None:
    data = b"\n".join(USUAL.replace(b'"m"', b'"no %d"' % number) for number in (1, 2, 3))
    request = replace(REQUEST, choice=FaultSelection(errors=("no 2",)))
    found = came_to(data, request)
    assert [unit.line for unit in found["units"]] == [2]  # type: ignore[attr-defined]
    assert found == slowly(data, request)
