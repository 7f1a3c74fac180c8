"""A run that is redriven, and resubmits of its report, are told to each other while both may send the same."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from cncbops.faults.sources import parse_fault_source
from cncbops.ledger.ledger import Ledger
from cncbops.ledger.lock import RunLock
from cncbops.ledger.rows import Run
from cncbops.ledger.worker import this_worker
from cncbops.request import ResubmitRequest
from cncbops.session.of_report import redriven_in_doubt, redriven_now, resubmits_of
from tests.ledger.runs import NO_PROCESS, begin

DEAD = replace(this_worker(None), process=NO_PROCESS)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with Ledger.open(tmp_path / "state") as opened:
        yield opened


@pytest.fixture
def run(ledger: Ledger) -> Run:
    """A replay that has ended."""
    run = begin(ledger, "20260101T000000Z-aaaaaa")
    ledger.run_writer(run, 1).finish("partial", None, {}, listed=True)
    return run


@pytest.fixture
def report(run: Run, tmp_path: Path) -> Path:
    first = {"kind": "run", "run_id": run.run_id, "command": "replay", "counts": {}}
    path = tmp_path / "report.jsonl"
    path.write_bytes(orjson.dumps(first) + b"\n" + orjson.dumps({"kind": "failure"}) + b"\n")
    return path


def of(*paths: Path | str) -> ResubmitRequest:
    return ResubmitRequest(sources=tuple(parse_fault_source(str(path)) for path in paths))


def test_a_redrive_that_was_killed_is_told_to_who_reads_the_report_until_another_has_sent_something(
    ledger: Ledger, run: Run, report: Path
) -> None:
    assert redriven_in_doubt(ledger, of(report)) == []
    ledger.take_up(run, "redrive", DEAD)
    assert [each.run_id for each in redriven_in_doubt(ledger, of(report))] == [run.run_id]
    session = ledger.take_up(run, "redrive", DEAD)
    ledger.redrive_writer(run, session).finish("succeeded", None, {"invocations": {"total": 1}}, listed=True)
    assert redriven_in_doubt(ledger, of(report)) == []


def test_a_resume_that_was_killed_has_sent_nothing_that_a_report_tells_of(
    ledger: Ledger, run: Run, report: Path
) -> None:
    ledger.take_up(run, "resume", DEAD)
    assert redriven_in_doubt(ledger, of(report)) == []


def test_a_redrive_under_way_is_told_of_as_that_and_a_resume_is_not(ledger: Ledger, run: Run, report: Path) -> None:
    with RunLock(ledger.folder, run.run_id):
        ledger.take_up(run, "resume", DEAD)
        assert redriven_now(ledger, of(report)) == []
        ledger.take_up(run, "redrive", DEAD)
        assert [each.run_id for each in redriven_now(ledger, of(report))] == [run.run_id]
        assert redriven_in_doubt(ledger, of(report)) == []
    assert redriven_now(ledger, of(report)) == []


@pytest.mark.parametrize(
    "content", [b"", b"no JSON\n", b'{"kind":"run","run_id":7,"command":"replay","counts":{}}\n', b"{}"]
)
def test_what_is_no_report_tells_of_no_run(ledger: Ledger, run: Run, report: Path, content: bytes) -> None:
    ledger.take_up(run, "redrive", DEAD)
    report.write_bytes(content)
    assert redriven_in_doubt(ledger, of(report, report.parent, "s3://faults/")) == []
    report.unlink()
    assert redriven_in_doubt(ledger, of(report)) == []


def test_the_resubmits_of_a_report_are_those_that_have_read_it(ledger: Ledger, run: Run, report: Path) -> None:
    begin(ledger, "20260101T000001Z-bbbbbb", command="resubmit", sources=[str(report)])
    begin(ledger, "20260101T000002Z-cccccc", command="resubmit", sources=["s3://faults/"])
    begin(ledger, "20260101T000003Z-dddddd", sources=[str(report)])
    assert [each.run_id for each in resubmits_of(ledger, run)] == ["20260101T000001Z-bbbbbb"]
    assert resubmits_of(ledger, ledger.find("20260101T000002Z-cccccc")) == []
