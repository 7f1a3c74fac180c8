"""The report of a run, as a source of what it could not deliver."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cncbops.delivery.outcome import Outcome, Settled
from cncbops.faults.decoding import decode_fault
from cncbops.faults.documents import documents
from cncbops.faults.failures_file import recognise
from cncbops.faults.families import FAMILIES, WRAPPINGS
from cncbops.faults.fault import Aside, Fault, LakeLine, Nothing, Problem
from cncbops.faults.hints import Hints
from cncbops.faults.json_text import fields_of
from cncbops.lake.lines import blocks
from cncbops.ledger.ledger import Ledger
from cncbops.ledger.rows import Run
from cncbops.ledger.worker import this_worker
from cncbops.reports.run_report import write_report
from cncbops.session.entry import Entry
from cncbops.tally import Failure
from tests.delivery.batches import batch_of, record
from tests.e2e.lakes import envelope, eventbridge, firehose_error
from tests.ledger.runs import Sent, begin, lake_object

LINE: dict[str, Any] = {
    "kind": "failure",
    "run_id": "run-1",
    "command": "replay",
    "function": "fn:live",
    "object": "s3://lake/s1/0",
    "line": 3,
    "part": 1,
    "event_id": "e-1",
    "sequence_number": "49",
    "fate": "failed",
    "error": "Unhandled",
    "message": "no name",
    "time": "2026-11-27T01:02:03.004Z",
    "session": 1,
    "mended_in": None,
}


def one(**changed: Any) -> Fault:
    faults = decode_fault(json.dumps(LINE | changed).encode())
    assert isinstance(faults, list)
    (fault,) = faults
    return fault


def test_a_failure_is_a_fault_still_to_be_read_from_its_line() -> None:
    fault = one()
    assert fault.id == "run-1:s3://lake/s1/0:3:1:e-1"
    assert (fault.function, fault.error, fault.message, fault.stack) == ("fn:live", "Unhandled", "no name", None)
    assert fault.unit == LakeLine("s3://lake/s1/0", 3, 1, "e-1", "49")
    assert fault.called
    assert (fault.called.name, fault.called.qualifier) == ("fn", "live")


@pytest.mark.parametrize(
    ("changed", "time_ms"),
    [({}, 1795741323004), ({"time": None}, None), ({"command": "resubmit", "function": None}, None)],
)
def test_it_was_raised_when_the_run_failed_unless_it_is_a_fault_with_a_time_of_its_own(
    changed: dict[str, Any], time_ms: int | None
) -> None:
    assert one(**changed).timestamp_ms == time_ms


def test_a_record_whose_answer_was_lost_is_one_as_well() -> None:
    assert one(fate="unknown").unit == LakeLine("s3://lake/s1/0", 3, 1, "e-1", "49")


def test_an_event_without_an_id_is_known_by_its_place_alone() -> None:
    assert one(event_id=None).id == "run-1:s3://lake/s1/0:3:1"


def test_a_failure_of_a_resubmit_names_no_function() -> None:
    assert one(command="resubmit", function=None).function is None


def test_a_report_of_an_earlier_version_says_neither_run_nor_function() -> None:
    old = {name: LINE[name] for name in LINE if name not in ("run_id", "command", "function")}
    faults = decode_fault(json.dumps(old).encode())
    assert isinstance(faults, list)
    assert [(fault.id, fault.function, fault.unit) for fault in faults] == [
        (None, None, LakeLine("s3://lake/s1/0", 3, 1, "e-1", "49"))
    ]


def test_a_line_of_a_report_is_of_one_format_only() -> None:
    fields = fields_of(json.dumps(LINE).encode())
    assert [each.name for each in FAMILIES if each.recognise(fields, Hints())] == ["failures-file"]
    assert not [each.name for each in WRAPPINGS if each.recognise(fields)]


def test_what_came_right_since_is_no_fault_and_no_other_event() -> None:
    assert decode_fault(json.dumps(LINE | {"mended_in": 2}).encode()) == Aside()


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"fate": "malformed"}, "the run found nothing on this line that could be sent"),
        (
            {"fate": "unreadable", "line": 0, "part": 0},
            "the run could not read this object: run it again once it can be read",
        ),
        ({"line": 0}, "the report names no line that failed"),
        ({"line": "3"}, "the report names no line that failed"),
        ({"line": True}, "the report names no line that failed"),
        ({"part": -1}, "the report names no line that failed"),
        ({"object": 7.5}, "the report names no line that failed"),
        ({"fate": "lost"}, "the report names no line that failed"),
    ],
)
def test_a_failure_of_which_nothing_can_be_sent_says_why(changed: dict[str, Any], reason: str) -> None:
    assert one(**changed).unit == Nothing(reason)


@pytest.mark.parametrize("kind", ["run", "session", "object"])
def test_an_event_that_only_looks_like_a_line_of_a_report_is_an_event(kind: str) -> None:
    for event in (LINE, LINE | {"kind": kind, "counts": 1, "uri": 1, "etag": 1, "state": 1, "host": 1}):
        assert decode_fault(json.dumps({"type": "thing-created", **event}).encode()) == []
    assert not isinstance(decode_fault(json.dumps({"kind": kind, "name": "x"}).encode()), list)


@pytest.mark.parametrize(
    "wrap",
    [
        lambda line: eventbridge(line, "thing-created", "eb-1"),
        lambda line: envelope(line, "key", 7),
        firehose_error,
    ],
    ids=["eventbridge", "envelope", "firehose error"],
)
def test_an_event_within_another_document_is_no_line_of_a_report(wrap: Callable[[bytes], bytes]) -> None:
    found = decode_fault(wrap(json.dumps(LINE).encode()))
    assert found == [] or isinstance(found, Problem)


def test_a_line_of_a_report_has_nothing_around_it() -> None:
    fields = fields_of(json.dumps(LINE).encode())
    assert recognise(fields, Hints())
    assert not recognise(fields, Hints(is_wrapped=True))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner, max_size=2), max_leaves=3
)


@given(st.dictionaries(st.sampled_from(sorted(LINE)), json_values))
def test_no_line_of_a_report_makes_decoding_fail(changed: dict[str, Any]) -> None:
    for line in (LINE | changed, changed):
        decode_fault(json.dumps(line).encode())
    fault = one(**{name: changed[name] for name in changed if name not in ("kind", "mended_in")})
    assert isinstance(fault.unit, LakeLine | Nothing)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with Ledger.open(tmp_path / "state") as opened:
        yield opened


def failure(line: int, fate: str = "failed", part: int = 0) -> Failure:
    return Failure(lake_object(0).uri, line, part, f"e-{line}", str(line), fate, "Unhandled", f"m-{line}")


def failed_run(ledger: Ledger) -> Run:
    """A run with an object of which two records failed and a line was malformed, and with one that was unreadable."""
    run = begin(ledger, command="replay", function="fn")
    entries = [Entry(number, 0, lake_object(number), 4, 3, 1, 1, 2, ended=True) for number in range(2)]
    entries[1].error = "SlowDown"
    failures = [(0, failure(2)), (0, failure(3, "malformed")), (0, failure(7, "unknown", part=2))]
    unreadable = msgspec.structs.replace(failure(0, "unreadable"), object=lake_object(1).uri)
    writer = ledger.run_writer(run, 1)
    writer.write(entries, [*failures, (1, unreadable)], [])
    writer.finish("partial", None, {"duration_s": 1.5}, listed=True)
    return ledger.find(run.run_id)


def faults_in(path: Path) -> list[Fault]:
    found: list[Fault] = []
    with path.open("rb") as file:
        for document in documents(blocks(file)):
            faults = decode_fault(document.text)
            assert isinstance(faults, list | Aside), (document, faults)
            found += faults if isinstance(faults, list) else []
    return found


def test_the_report_of_a_run_holds_its_failures_and_nothing_else(ledger: Ledger, tmp_path: Path) -> None:
    run = failed_run(ledger)
    write_report(ledger, run, tmp_path / "report.jsonl")
    faults = faults_in(tmp_path / "report.jsonl")
    uri = lake_object(0).uri
    assert [fault.key for fault in faults] == [
        f"{run.run_id}:{uri}:2:0:e-2",
        f"{run.run_id}:{uri}:3:0:e-3",
        f"{run.run_id}:{uri}:7:2:e-7",
        f"{run.run_id}:{lake_object(1).uri}:0:0:e-0",
    ]
    assert {fault.function for fault in faults} == {"fn"}
    assert [fault.message for fault in faults] == ["m-2", "m-3", "m-7", "m-0"]
    lines = [fault.unit for fault in faults if isinstance(fault.unit, LakeLine)]
    assert lines == [LakeLine(uri, 2, 0, "e-2", "2"), LakeLine(uri, 7, 2, "e-7", "7")]


def test_what_a_redrive_put_right_is_no_fault_any_more(ledger: Ledger, tmp_path: Path) -> None:
    run = failed_run(ledger)
    entry = ledger.known(run).entry(0)
    delivered = msgspec.structs.replace(record(1), object=entry.object, place=entry.places(1, 1)[0])  # on line 2
    writer = ledger.redrive_writer(run, ledger.take_up(run, "redrive", this_worker(None)))
    writer.write([], [], [Settled(Sent.of(batch_of(delivered)).bill, Outcome(delivered=[delivered]))])
    write_report(ledger, run, tmp_path / "report.jsonl")
    lines = [fault.unit for fault in faults_in(tmp_path / "report.jsonl") if isinstance(fault.unit, LakeLine)]
    assert lines == [LakeLine(lake_object(0).uri, 7, 2, "e-7", "7")]
