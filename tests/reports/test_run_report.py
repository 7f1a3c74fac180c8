"""A run's facts and its report for auditors: all of it, whole, and harmless in a spreadsheet."""

import csv
import json
import stat
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cncbops.errors import BadInput, CannotRun
from cncbops.ledger.database import open_for_writing, transaction
from cncbops.ledger.ledger import Ledger
from cncbops.ledger.lock import RunLock
from cncbops.ledger.pulse import leave
from cncbops.ledger.rows import Run
from cncbops.ledger.worker import this_worker
from cncbops.reports.run_facts import details, headline, object_facts, state_of
from cncbops.reports.run_report import COLUMNS, _cell, write_report
from cncbops.session.entry import LEFT_OUT, Entry
from cncbops.tally import Failure
from tests.ledger.runs import ANN, NO_PROCESS, begin, lake_object


@pytest.fixture(autouse=True)
def usual(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The ledger is where the shell looks for it, and need not be named."""
    monkeypatch.setenv("CNCBOPS_STATE_DIR", str(tmp_path / "state"))


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with Ledger.open(tmp_path / "state") as opened:
        yield opened


def failure(number: int, message: str = "=1+1", **more: Any) -> Failure:
    facts: dict[str, Any] = {"event_id": "-7", "sequence_number": "4958", "fate": "failed", "error": "Unhandled"}
    return Failure(lake_object(number).uri, 1, 0, message=message, **(facts | more))


def finished(ledger: Ledger, objects: int = 3, status: str = "partial", *, listed: bool = True) -> Run:
    """A run with a failure in its first object, and with its last one not readable."""
    run = begin(ledger)
    entries = [Entry(number, 0, lake_object(number), 4, 3, 1, 3, ended=True) for number in range(objects)]
    entries[0].delivered, entries[0].failed = 2, 1
    entries[-1].ended, entries[-1].error = False, "SlowDown"
    writer = ledger.run_writer(run, 1)
    writer.write(entries, [(0, failure(0))], [])
    writer.finish(status, None, {"duration_s": 1.5}, listed=listed)
    return ledger.find(run.run_id)


def lines_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_json_lines_tell_the_run_its_sessions_each_object_and_each_failure(ledger: Ledger, tmp_path: Path) -> None:
    run = finished(ledger)
    write_report(ledger, run, tmp_path / "report.jsonl")
    head, session, *objects, failed = lines_of(tmp_path / "report.jsonl")
    assert (head["kind"], head["run_id"], head["who"], head["status"]) == ("run", run.run_id, ANN, "partial")
    assert head["counts"]["matched"] == 9
    assert {each["run_id"] for each in (session, *objects)} == {run.run_id}
    assert (session["kind"], session["session_kind"], session["summary"]) == ("session", "execute", {"duration_s": 1.5})
    assert [(each["kind"], each["uri"], each["state"]) for each in objects] == [
        ("object", "s3://lake/s1/0", "done"),
        ("object", "s3://lake/s1/1", "done"),
        ("object", "s3://lake/s1/2", "unreadable"),
    ]
    assert (objects[0]["etag"], objects[0]["size"], objects[0]["delivered"], objects[0]["failed"]) == (
        "etag-0",
        1000,
        2,
        1,
    )
    assert head["started"] <= failed.pop("time") <= head["ended"]
    assert failed == {
        "kind": "failure",
        "run_id": run.run_id,
        "command": "replay",
        "function": "fn",
        "object": "s3://lake/s1/0",
        "line": 1,
        "part": 0,
        "event_id": "-7",
        "sequence_number": "4958",
        "fate": "failed",
        "error": "Unhandled",
        "message": "=1+1",
        "session": 1,
        "mended_in": None,
    }


def test_a_table_tells_the_same_in_fixed_columns_and_no_cell_is_a_formula(ledger: Ledger, tmp_path: Path) -> None:
    write_report(ledger, finished(ledger), tmp_path / "report.CSV")
    with (tmp_path / "report.CSV").open(newline="") as file:
        head, *rows = csv.reader(file)
    assert tuple(head) == COLUMNS
    told = [dict(zip(head, row, strict=True)) for row in rows]
    assert [row["kind"] for row in told] == ["run", "session", "object", "object", "object", "failure"]
    assert (told[0]["matched"], told[0]["failed"], told[2]["matched"], told[2]["object"]) == (
        "9",
        "1",
        "3",
        "s3://lake/s1/0",
    )
    of_objects = ("objects", "objects_done", "objects_unreadable", "objects_left_out")
    assert [[row[name] for name in of_objects] for row in told[:3]] == [["3", "2", "1", "0"], [""] * 4, [""] * 4]
    assert (told[-1]["message"], told[-1]["event_id"], told[-1]["object"]) == ("'=1+1", "-7", "s3://lake/s1/0")
    assert (told[-1]["command"], told[-1]["function"]) == ("replay", "fn")
    assert {row["run_id"] for row in told} == {told[0]["run_id"]}, "tables of several runs may be put together"


def test_a_failure_of_a_resubmit_leaves_its_function_to_the_fault(ledger: Ledger, tmp_path: Path) -> None:
    run = begin(ledger, command="resubmit")
    entry = Entry(0, 0, lake_object(0), 1, 1, failed=1, ended=True)
    ledger.run_writer(run, 1).write([entry], [(0, failure(0))], [])
    write_report(ledger, run, tmp_path / "report.jsonl")
    failed = lines_of(tmp_path / "report.jsonl")[-1]
    assert (failed["run_id"], failed["command"], failed["function"]) == (run.run_id, "resubmit", None)


@given(st.text() | st.sampled_from(["=1", "+1+1", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "-", "+", "-1e5", "-٣"]))
def test_a_cell_begins_as_text_or_is_a_plain_number(text: str) -> None:
    cell = _cell(text)
    assert cell.removeprefix("'") == text.removeprefix("'")
    if cell.startswith(("=", "+", "-", "@", "\t", "\r")):
        assert float(cell) == float(text)


@pytest.mark.parametrize("number", ["-5", "+3", "-0.25", "49"])
def test_a_plain_number_stays_one(number: str) -> None:
    assert _cell(number) == number


def test_a_report_is_private_and_replaces_the_one_before(ledger: Ledger, tmp_path: Path) -> None:
    path = tmp_path / "report.jsonl"
    path.write_text("old")
    path.chmod(0o644)
    write_report(ledger, finished(ledger), path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "old" not in path.read_text()
    assert sorted(each.name for each in tmp_path.iterdir()) == ["report.jsonl", "state"]


def test_a_report_that_fails_leaves_what_was_there(ledger: Ledger, tmp_path: Path) -> None:
    run = finished(ledger)
    path = tmp_path / "report.jsonl"
    path.write_text("old")
    ledger._connection.execute("DROP TABLE failures")
    with pytest.raises(CannotRun):
        write_report(ledger, run, path)
    assert path.read_text() == "old"
    assert sorted(each.name for each in tmp_path.iterdir()) == ["report.jsonl", "state"]


@pytest.mark.parametrize("name", ["report.txt", "report", "csv"])
def test_a_name_must_say_the_form(ledger: Ledger, tmp_path: Path, name: str) -> None:
    with pytest.raises(BadInput, match="form of a report"):
        write_report(ledger, finished(ledger), tmp_path / name)


def test_a_report_that_cannot_be_written_is_told_of(ledger: Ledger, tmp_path: Path) -> None:
    run = finished(ledger)
    with pytest.raises(CannotRun, match="No such file"):
        write_report(ledger, run, tmp_path / "none" / "report.csv")
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(CannotRun, match="Is a directory"):
        write_report(ledger, run, tmp_path / "folder.csv")


@pytest.mark.parametrize("name", ["report.csv", "report.jsonl"])
def test_a_large_run_takes_no_more_memory_than_a_page_of_it(ledger: Ledger, tmp_path: Path, name: str) -> None:
    run = finished(ledger, objects=6_000)
    tracemalloc.start()
    write_report(ledger, run, tmp_path / name)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len((tmp_path / name).read_text().splitlines()) > 6_000
    assert peak < 1_200_000


@pytest.mark.parametrize(
    ("status", "listed", "command"),
    [
        ("stopped", False, "resume"),
        ("interrupted", True, "resume"),
        ("partial", True, "redrive"),  # then resume what could not be read
    ],
)
def test_what_is_not_done_is_to_be_resumed_and_what_failed_redriven(
    ledger: Ledger, status: str, command: str, *, listed: bool
) -> None:
    run = finished(ledger, status=status, listed=listed)
    assert details(ledger, run)["next_step"] == f"cncbops runs {command} {run.run_id} --execute"


@pytest.mark.parametrize(
    ("errors", "arguments", "option"),
    [
        ([None, "LeftOut"], {}, " --on-changed skip"),  # which was chosen before
        (["LeftOut", "Changed"], {}, " --on-changed skip"),
        (["NoSuchKey"], {}, " --on-changed skip"),
        (["Changed", "NoSuchKey"], {}, " --on-changed restart"),
        (["Changed"], {"dedupe": True}, " --on-changed skip"),
        (["LeftOut", "LeftOut"], {}, None),
    ],
)
def test_a_resume_is_told_with_what_it_needs_where_objects_changed(
    ledger: Ledger, errors: list[str | None], arguments: dict[str, Any], option: str | None
) -> None:
    run = begin(ledger, arguments=arguments)
    entries = [Entry(number, 0, lake_object(number), 4, 3, 1, 2, error=error) for number, error in enumerate(errors)]
    ledger.run_writer(run, 1).write(entries, [], [])
    ledger.run_writer(run, 1).finish("partial", None, {}, listed=True)
    said = None if option is None else f"cncbops runs resume {run.run_id} --execute{option}"
    assert details(ledger, ledger.find(run.run_id))["next_step"] == said


@pytest.mark.parametrize(
    ("summary", "option"),
    [
        ({"on_changed": "restart"}, " --on-changed restart"),
        ({"on_changed": "skip"}, " --on-changed skip"),
        ({"on_changed": "fail"}, " --on-changed skip"),  # as what was left out before was
        ({}, " --on-changed skip"),  # an earlier version's
    ],
)
def test_a_resume_that_was_interrupted_is_told_as_it_was_said(
    ledger: Ledger, summary: dict[str, Any], option: str
) -> None:
    run = begin(ledger)
    writer = ledger.run_writer(run, ledger.take_up(run, "resume", this_worker(ANN)))
    entries = [Entry(number, 0, lake_object(number), 4, 3, 1, 2) for number in range(2)]
    entries[0].error = LEFT_OUT
    writer.write(entries, [], [])
    writer.finish("interrupted", None, summary, listed=True)
    said = f"cncbops runs resume {run.run_id} --execute{option}"
    assert details(ledger, ledger.find(run.run_id))["next_step"] == said


def test_what_failed_is_to_be_redriven_and_what_is_all_right_left_alone(ledger: Ledger) -> None:
    run = begin(ledger)
    entry = Entry(0, 0, lake_object(0), 1, 1, failed=1, ended=True)
    writer = ledger.run_writer(run, 1)
    writer.write([entry], [(0, failure(0))], [])
    writer.finish("partial", None, {}, listed=True)
    run = ledger.find(run.run_id)
    assert details(ledger, run)["next_step"] == f"cncbops runs redrive {run.run_id} --execute"
    entry.failed, entry.delivered = 0, 1
    writer.write([entry], [], [])
    assert details(ledger, run)["next_step"] is None


@pytest.mark.parametrize(
    ("fates", "command"),
    [
        (["failed"], None),
        (["unknown"], None),
        (["failed", "failed"], "redrive {} --execute --on-changed skip"),
        (["failed", "unknown"], "redrive {} --unknown --execute --on-changed skip"),
        (["delivered", "failed"], "redrive {} --execute"),
    ],
)
def test_what_failed_in_objects_that_were_left_out_is_nothing_to_be_redriven(
    ledger: Ledger, fates: list[str], command: str | None
) -> None:
    run = begin(ledger)
    entries = [
        Entry(number, 0, lake_object(number), 1, 1, ended=True, **{fate: 1}) for number, fate in enumerate(fates)
    ]
    entries[0].error = LEFT_OUT
    ledger.run_writer(run, 1).write(entries, [], [])
    ledger.run_writer(run, 1).finish("partial", None, {}, listed=True)
    said = command and f"cncbops runs {command.format(run.run_id)}"
    assert details(ledger, ledger.find(run.run_id))["next_step"] == said
    assert [object_facts(entry)["state"] for entry in entries][:2] == ["left_out", "done"][: len(entries)]


@pytest.mark.parametrize(
    ("fate", "command"),
    [("failed", "redrive {} --execute"), ("unknown", "resume {} --execute"), ("delivered", "resume {} --execute")],
)
def test_what_may_arrive_twice_is_redriven_after_all_else(ledger: Ledger, fate: str, command: str) -> None:
    run = begin(ledger)
    unread = Entry(1, 0, lake_object(1), error="AccessDenied")
    ledger.run_writer(run, 1).write([Entry(0, 0, lake_object(0), 1, 1, ended=True, **{fate: 1}), unread], [], [])
    ledger.run_writer(run, 1).finish("partial", None, {}, listed=True)
    said = f"cncbops runs {command.format(run.run_id)}"
    assert details(ledger, ledger.find(run.run_id))["next_step"] == said


def after(ledger: Ledger, run: Run, kind: str, status: str, summary: dict[str, Any], *entries: Entry) -> Any:
    """What is advised after a session that left these objects like this."""
    session = ledger.take_up(run, kind, this_worker(ANN))
    writer = ledger.redrive_writer(run, session) if kind == "redrive" else ledger.run_writer(run, session)
    ledger.run_writer(run, 1).write(entries, [], [])
    writer.finish(status, None, summary, listed=True)
    told = details(ledger, ledger.find(run.run_id))
    return told["next_step_when"], told["next_step"]


def of(number: int, **fates: Any) -> Entry:
    return Entry(number, 0, lake_object(number), 3, 3, **{"ended": True, **fates})


@pytest.mark.parametrize("status", ["interrupted", "stopped", "failed"])
def test_of_a_run_that_was_through_when_it_was_ended_no_resume_is_advised(ledger: Ledger, status: str) -> None:
    run = begin(ledger)
    when, command = after(ledger, run, "resume", status, {}, of(0, delivered=2, failed=1))
    assert (when, command) == ("Once the cause is mended", f"cncbops runs redrive {run.run_id} --execute")
    assert after(ledger, run, "resume", status, {}, of(0, delivered=3)) == (None, None)
    assert after(ledger, run, "resume", status, {}, of(0, delivered=2, error=LEFT_OUT)) == (None, None)


def test_what_was_ended_early_is_gone_on_with_at_once_unless_something_failed(ledger: Ledger) -> None:
    run, command = begin(ledger), "cncbops runs resume 20260101T000000Z-aaaaaa --execute"
    assert after(ledger, run, "resume", "stopped", {}, of(0, delivered=2)) == ("Go on with it", command)
    assert after(ledger, run, "resume", "stopped", {}, of(0, failed=2)) == ("Once the cause is mended", command)
    unread = of(0, ended=False, error="AccessDenied")
    assert after(ledger, run, "resume", "partial", {}, unread) == ("Once the cause is mended", command)


@pytest.mark.parametrize(
    ("fates", "of_object", "step"),
    [
        (["failed"], {"failed": 1}, ("Once the cause is mended", "redrive {} --execute")),
        (["failed", "unknown"], {"failed": 1}, ("Once the cause is mended", "redrive {} --unknown --execute")),
        (["failed", "unknown"], {"unknown": 1}, ("Send the unknown again,", "redrive {} --unknown --execute")),
        (["failed"], {"delivered": 2}, ("Go on with the rest of the run", "resume {} --execute")),
    ],
)
def test_a_redrive_that_ended_early_is_said_again_and_then_the_run_is_gone_on_with(
    ledger: Ledger, fates: list[str], of_object: dict[str, int], step: tuple[str, str]
) -> None:
    run = begin(ledger)
    ledger.run_writer(run, 1).finish("interrupted", None, {}, listed=True)
    when, command = after(ledger, run, "redrive", "interrupted", {"fates": fates}, of(0, **of_object))
    assert (when.startswith(step[0]), command) == (True, f"cncbops runs {step[1].format(run.run_id)}")


def test_a_run_without_an_end_crashed_unless_somebody_is_at_it(ledger: Ledger) -> None:
    run = begin(ledger)
    assert state_of(ledger, run) == "crashed"
    assert details(ledger, run)["sessions"][0]["status"] == "crashed"
    assert details(ledger, run)["next_step"] == f"cncbops runs resume {run.run_id} --execute"
    with RunLock(ledger.folder, run.run_id):
        assert headline(ledger, run)["status"] == "running"
        assert details(ledger, run)["sessions"][0]["status"] == "running"
        assert details(ledger, run)["next_step"] is None


def test_a_run_that_was_left_at_once_was_interrupted_whatever_was_redriven_of_it_since(ledger: Ledger) -> None:
    run = begin(ledger)
    leave(ledger.folder, run.id, 1)
    with RunLock(ledger.folder, run.run_id):
        assert state_of(ledger, run) == "running"
    assert (state_of(ledger, run), details(ledger, run)["sessions"][0]["status"]) == ("interrupted", "interrupted")
    assert details(ledger, run)["next_step"] == f"cncbops runs resume {run.run_id} --execute"
    redrive = ledger.take_up(run, "redrive", replace(this_worker(None), process=NO_PROCESS))
    ledger.redrive_writer(run, redrive).finish("nothing", None, {}, listed=False)
    assert state_of(ledger, ledger.find(run.run_id)) == "interrupted"
    ledger.take_up(run, "resume", replace(this_worker(None), process=NO_PROCESS))
    run = ledger.find(run.run_id)
    assert state_of(ledger, run) == "crashed"
    assert [each["status"] for each in details(ledger, run)["sessions"]] == ["interrupted", "nothing", "crashed"]


def test_what_has_ended_is_not_left_any_more_nor_does_who_leaves_wait_for_others(ledger: Ledger) -> None:
    run = finished(ledger)
    leave(ledger.folder, run.id, 1)
    assert ledger.sessions(run)[0].status != "interrupted"
    other = begin(ledger, "20260303T000000Z-cccccc")
    began = time.monotonic()
    with closing(open_for_writing(ledger.folder)) as connection, transaction(connection):
        leave(ledger.folder, other.id, 1)
    assert time.monotonic() - began < 5
    assert state_of(ledger, other) == "crashed"


def test_a_run_that_has_ended_is_not_running_although_its_process_has_yet_to_leave(ledger: Ledger) -> None:
    run = finished(ledger)
    with RunLock(ledger.folder, run.run_id):
        assert state_of(ledger, run) == "partial"
        assert details(ledger, run)["next_step"] == f"cncbops runs redrive {run.run_id} --execute"
        assert details(ledger, run)["sessions"][0]["status"] == "partial"


@pytest.mark.parametrize(
    ("sources", "fate", "command"),
    [
        (["sqs://q1", "sqs://q2"], "failed", "resume {} --execute"),
        (["sqs://q1"], "unknown", "resume {} --execute"),
        (["sqs://q1", "s3://lake/"], "failed", "redrive {} --execute"),
        (["sqs://q1", "s3://lake/"], "unknown", "redrive {} --unknown --execute"),
    ],
)
def test_what_failed_of_queues_alone_is_on_them_and_a_run_of_them_is_resumed(
    ledger: Ledger, sources: list[str], fate: str, command: str
) -> None:
    run = begin(ledger, command="resubmit", sources=sources)
    entry = Entry(0, 0, lake_object(0), 1, 1, ended=True)
    setattr(entry, fate, 1)
    writer = ledger.run_writer(run, 1)
    writer.write([entry], [(0, failure(0, fate=fate))], [])
    writer.finish("partial", None, {}, listed=True)
    run = ledger.find(run.run_id)
    assert details(ledger, run)["next_step"] == f"cncbops runs {command.format(run.run_id)}"


@pytest.mark.parametrize(
    ("fate", "command"),
    [
        ("read", "resume {} --execute"),
        ("failed", "redrive {} --execute"),
        ("unknown", "redrive {} --unknown --execute"),
    ],
)
def test_a_run_is_gone_on_with_where_its_last_session_worked(ledger: Ledger, fate: str, command: str) -> None:
    run = begin(ledger, cluster="tcp://scheduler:8786")
    entry = Entry(0, 0, lake_object(0), 1, 1, ended=True)
    setattr(entry, fate, 1)
    ledger.run_writer(run, 1).finish("partial", None, {}, listed=True)
    ledger.run_writer(run, 1).write([entry], [], [])
    run, said = ledger.find(run.run_id), f"cncbops runs {command.format(run.run_id)}"
    assert details(ledger, run)["next_step"] == f"{said} --cluster tcp://scheduler:8786"
    for address, there in (("local:2", " --cluster local:2"), (None, "")):
        ledger.take_up(run, "redrive", replace(this_worker(None, address), process=NO_PROCESS))
        run = ledger.find(run.run_id)
        assert details(ledger, run)["next_step"] == f"{said}{there}"


def test_a_redrive_under_way_is_told_of(ledger: Ledger) -> None:
    run = finished(ledger)
    ledger.take_up(run, "redrive", this_worker(None))
    run = ledger.find(run.run_id)
    with RunLock(ledger.folder, run.run_id):
        assert state_of(ledger, run) == "redriving"
        assert headline(ledger, run)["ended"] is None
    assert state_of(ledger, run) == "partial"
    assert [each["status"] for each in details(ledger, run)["sessions"]] == ["partial", "crashed"]
