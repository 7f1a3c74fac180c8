"""`cncbops runs` on a ledger: lists, shows, and gives orders to who holds the run."""

import io
import json
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from cncbops.commands._options import Local
from cncbops.commands._runs import carry_out_ls, carry_out_order, carry_out_show
from cncbops.commands._runs_view import differing, json_pieces, short_name, show_runs
from rich.console import Console

from cncbops.delivery.outcome import Undelivered
from cncbops.errors import CannotRun
from cncbops.frozen import freeze_request, freeze_target, freeze_terms
from cncbops.function_name import parse_function
from cncbops.lake.sources import S3Source
from cncbops.ledger.ledger import Ledger
from cncbops.ledger.lock import RunLock
from cncbops.ledger.pulse import Order, Pulse
from cncbops.ledger.rows import Run
from cncbops.request import ReplayRequest
from cncbops.selection.selection import Selection
from cncbops.session.entry import Entry
from cncbops.tally import of_record
from cncbops.target import Target
from cncbops.terms import settle
from tests.ledger.runs import begin, lake_object, record_of

REQUEST = ReplayRequest(
    sources=(S3Source("lake", ""),),
    function=parse_function("fn:live"),
    selection=Selection(types=("thing-*",)),
    limit=7,
    bisect=False,
)
TARGET = Target(REQUEST.function, arn="arn:aws:lambda:eu-west-1:123456789012:function:fn", version="3")
ID = "20260101T000000Z-aaaaaa"


@pytest.fixture(autouse=True)
def usual(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The ledger is where the shell looks for it, and need not be named."""
    monkeypatch.setenv("CNCBOPS_STATE_DIR", str(tmp_path))


def local(folder: Path, *, as_json: bool = False, quiet: bool = False) -> Local:
    return Local(json=as_json, quiet=quiet, verbose=False, state_dir=folder)


def a_run(folder: Path, run_id: str = ID, cluster: str | None = None) -> Run:
    """A run of two objects: one record of the first failed, the second is open."""
    with Ledger.open(folder) as ledger:
        run = begin(
            ledger,
            run_id,
            cluster,
            function=str(REQUEST.function),
            arguments=freeze_request(REQUEST),
            terms=freeze_terms(settle(REQUEST, TARGET, "eu-west-1")),
            target=freeze_target(TARGET),
        )
        done = Entry(0, 0, lake_object(0), 2, 2, delivered=1, failed=1, ended=True)
        bad = of_record(Undelivered(record_of(done, 0), "Unhandled", "boom\x1b[31m"), "failed")
        ledger.run_writer(run, 1).write([done, Entry(1, 0, lake_object(1), 2, 2)], [(0, bad)], [])
    return run


COLUMNS = ("run", "command", "status", "delivered", "not delivered", "subject", "who")


def finish(folder: Path, status: str) -> None:
    with Ledger.open(folder) as ledger:
        ledger.run_writer(ledger.find(ID), 1).finish(status, None, {}, listed=True)


def test_without_a_ledger_there_is_no_run_and_none_is_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "none"
    assert carry_out_ls(local(folder)) == 0
    assert capsys.readouterr() == ("", f"note: no run yet: none in {folder}\n")
    assert carry_out_ls(local(folder, as_json=True)) == 0
    assert json.loads(capsys.readouterr().out) == {"runs": []}
    assert carry_out_show("x", None, local(folder)) == 2
    assert carry_out_order("x", "stop", None, local(folder)) == 2
    assert not folder.exists()


def test_a_file_is_no_place_for_a_ledger(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (file := tmp_path / "file").touch()
    assert carry_out_ls(local(file)) == 1
    assert capsys.readouterr().err.startswith(f"error: cannot use the state directory {file}: Not a directory")


def test_runs_are_listed_the_newest_first_with_what_became_of_their_events(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    a_run(tmp_path)
    a_run(tmp_path, "20260202T000000Z-bbbbbb")
    assert carry_out_ls(local(tmp_path)) == 0
    head, first, second = capsys.readouterr().out.splitlines()
    assert " ".join(head.split()) == "run command status delivered not delivered subject who"
    assert (first.split()[0], second.split()[0]) == ("20260202T000000Z-bbbbbb", ID)
    assert " ".join(first.split()[1:]) == "replay crashed 1 of 4 1 failed, 2 not sent fn:live ann"
    assert carry_out_ls(local(tmp_path, as_json=True)) == 0
    runs = json.loads(capsys.readouterr().out)["runs"]
    assert [run["run_id"] for run in runs] == ["20260202T000000Z-bbbbbb", ID]
    assert (runs[0]["status"], runs[0]["counts"]["not_sent"], runs[0]["started"][-1]) == ("crashed", 2, "Z")


def test_a_run_is_shown_with_what_was_asked_what_failed_and_what_to_do_next(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    a_run(tmp_path)
    finish(tmp_path, "stopped")
    assert carry_out_show("aaaaaa", None, local(tmp_path)) == 0
    out = capsys.readouterr().out
    assert f"Run {ID}: stopped" in out
    assert "asked     limit 7, bisect no, types thing-*" in out
    assert "fn:live, ARN arn:aws:lambda:eu-west-1:123456789012:function:fn, version 3" in out
    assert "batches of 100 (default), 16 at a time (default), in order per partition key" in out
    assert "4 matched = 1 delivered + 1 failed + 0 unknown + 2 not sent" in out
    assert r"failed: s3://lake/s1/0:1 event e-0: Unhandled: boom\x1b[31m" in out
    assert f"cncbops runs resume {ID} --execute" in out
    assert "\x1b" not in out


def test_an_act_is_shown_with_its_subject_and_what_came_of_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = {
        "function": "us-east-1",
        "sources": [],
        "arguments": {"stage": "john", "why": "bad deploy", "overrides": []},
    }
    with Ledger.open(tmp_path) as ledger:
        run = begin(ledger, ID, command="failover out", **told)
        ledger.run_writer(run, 1).finish("succeeded", None, {"result": {"unhealthy_after_s": 61.5}}, listed=True)
    assert carry_out_ls(local(tmp_path)) == 0
    assert " ".join(capsys.readouterr().out.splitlines()[1].split()[1:]) == "failover out succeeded - - us-east-1 ann"
    assert carry_out_show(ID, None, local(tmp_path)) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "subject us-east-1" in shown
    assert "asked stage john, because bad deploy result unhealthy after 61.5 s" in shown
    assert carry_out_show(ID, None, local(tmp_path, as_json=True)) == 0


def test_a_report_is_told_of(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    a_run(tmp_path)
    report = tmp_path / "report.csv"
    assert carry_out_show(ID, report, local(tmp_path)) == 0
    assert capsys.readouterr().err == f"note: the report of run {ID} is in {report}\n"
    assert report.exists()


def test_all_of_a_run_is_one_json_document(tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    a_run(tmp_path)
    report = tmp_path / "report.csv"
    assert carry_out_show(ID, report, local(tmp_path, as_json=True)) == 0
    document = json.loads(capfdbinary.readouterr().out)
    assert (document["run_id"], document["status"], document["arguments"]["limit"]) == (ID, "crashed", 7)
    assert [(each["uri"], each["state"]) for each in document["objects"]] == [
        ("s3://lake/s1/0", "done"),
        ("s3://lake/s1/1", "open"),
    ]
    assert [(each["fate"], each["event_id"], each["mended_in"]) for each in document["failures"]] == [
        ("failed", "e-0", None)
    ]
    assert [each["status"] for each in document["sessions"]] == ["crashed"]
    assert report.exists()


def test_a_document_that_breaks_off_is_still_one_and_says_why() -> None:
    def broken() -> Iterator[int]:
        yield 1
        raise CannotRun("the ledger is damaged", "Put a copy in its place")

    written = io.BytesIO()
    with pytest.raises(CannotRun):
        written.writelines(json_pieces({"a": 1}, {"objects": broken(), "failures": []}, threading.Event()))
    assert json.loads(written.getvalue()) == {
        "a": 1,
        "objects": [1],
        "error": {"what": "the ledger is damaged", "next_step": "Put a copy in its place"},
    }


def test_lists_are_the_last_members_of_the_document() -> None:
    pieces = json_pieces({"a": 1}, {"objects": [], "failures": iter([1, {"b": 2}])}, threading.Event())
    assert json.loads(b"".join(pieces)) == {"a": 1, "objects": [], "failures": [1, {"b": 2}]}


def test_a_document_that_is_cut_off_is_still_one_and_says_so() -> None:
    stop = threading.Event()

    def objects() -> Iterator[int]:
        yield 1
        stop.set()
        yield 2

    pieces = json_pieces({"a": 1}, {"objects": objects(), "failures": [3]}, stop)
    assert json.loads(b"".join(pieces)) == {"a": 1, "objects": [1], "failures": [], "cut_off": True}


@contextmanager
def held(folder: Path) -> Iterator[list[Order]]:
    """The run under way here: its orders are taken as they come, and kept."""
    obeyed: list[Order] = []
    ended = threading.Event()

    def work() -> None:
        with Ledger.open(folder) as ledger:
            pulse = Pulse(folder, ledger.find(ID).id, 1)
        while not ended.wait(0.02):
            pulse.beat(obeyed.append)
        pulse.close()

    worker = threading.Thread(target=work)
    with RunLock(folder, ID):
        worker.start()
        try:
            yield obeyed
        finally:
            ended.set()
            worker.join()


def told(capsys: pytest.CaptureFixture[str]) -> Any:
    return json.loads(capsys.readouterr().out)


def test_orders_are_carried_out_by_the_run_under_way(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    a_run(tmp_path)
    with held(tmp_path) as obeyed:
        assert carry_out_order("aaaaaa", "pause", None, local(tmp_path, as_json=True)) == 0
        assert told(capsys) == {"command": "runs pause", "run_id": ID, "status": "done"}
        carry_out_ls(local(tmp_path, as_json=True))
        assert told(capsys)["runs"][0]["status"] == "paused"
        carry_out_show(ID, None, local(tmp_path))
        assert f"cncbops runs continue {ID}" in capsys.readouterr().out
        assert carry_out_order(ID, "continue", None, local(tmp_path)) == 0
        assert carry_out_order(ID, "rate", 2.5, local(tmp_path)) == 0
        assert carry_out_order(ID, "stop", None, local(tmp_path)) == 0
        out, err = capsys.readouterr()
    assert out == ""
    assert [line.split()[0] for line in err.splitlines()] == ["continued", "sends", "stopping:"]
    assert "2.5 events per second" in err
    assert [(order.kind, order.value) for order in obeyed] == [
        ("pause", None),
        ("continue", None),
        ("rate", 2.5),
        ("stop", None),
    ]
    assert all("@" in order.who for order in obeyed)


def test_an_order_that_a_run_takes_and_ends_of_while_it_is_looked_at_was_carried_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run, look = a_run(tmp_path), Ledger.is_active
    with ExitStack() as under_way:
        pulse = under_way.enter_context(closing(Pulse(tmp_path, run.id, 1)))
        under_way.enter_context(RunLock(tmp_path, ID))
        under_way.callback(pulse.beat, lambda _: None)

        def is_active(ledger: Ledger, looked_at: Run) -> bool:
            if ledger.orders(looked_at):
                under_way.close()
            return look(ledger, looked_at)

        monkeypatch.setattr(Ledger, "is_active", is_active)
        assert carry_out_order(ID, "stop", None, local(tmp_path)) == 0
    assert capsys.readouterr().err.startswith("stopping: ")


@pytest.mark.parametrize(
    ("cluster", "there"), [(None, ""), ("tcp://scheduler:8786", " --cluster tcp://scheduler:8786")]
)
def test_who_stops_a_run_is_told_how_to_go_on_with_it_where_it_works(
    cluster: str | None, there: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    a_run(tmp_path, cluster=cluster)
    with held(tmp_path):
        assert carry_out_order(ID, "stop", None, local(tmp_path)) == 0
    assert capsys.readouterr().err.endswith(f"go on with: cncbops runs resume {ID} --execute{there}\n")


def test_a_run_that_is_over_takes_no_orders(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    a_run(tmp_path)
    finish(tmp_path, "interrupted")
    assert carry_out_order(ID, "pause", None, local(tmp_path)) == 1
    err = capsys.readouterr().err
    assert f"run {ID} is not under way: interrupted. See `cncbops runs show {ID}`" in err


def test_a_run_that_does_not_answer_is_told_of(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    a_run(tmp_path)
    monkeypatch.setattr("cncbops.commands._runs.ANSWER_S", 0.1)
    with RunLock(tmp_path, ID):
        assert carry_out_order(ID, "stop", None, local(tmp_path, as_json=True)) == 1
    out, err = capsys.readouterr()
    assert json.loads(out)["status"] == "failed"
    assert f"run {ID} does not answer" in err


def test_arguments_that_are_as_by_default_go_without_saying() -> None:
    assert differing({"a": 1, "b": {"c": [], "d": 2}, "e": None}, {"a": 1, "b": {"c": [], "d": 3}, "e": 0}) == {
        "d": 2,
        "e": None,
    }


@pytest.mark.parametrize(
    ("arn", "said"),
    [
        ("arn:aws:sts::123456789012:assumed-role/operators/ann", "ann"),
        ("arn:aws:iam::123456789012:user/team/bob", "bob"),
        ("arn:aws:iam::123456789012:root", "root"),
        (None, "unknown"),
    ],
)
def test_an_arn_is_shortened_to_whom_it_names(arn: str | None, said: str) -> None:
    assert short_name(arn) == said


LONG = "cncb-replaying-events-john-listener"


def row(status: str, delivered: int, failed: int, function: str = "fn:live") -> dict[str, Any]:
    counts = {"matched": 1_234_567, "delivered": delivered, "failed": failed, "unknown": 0}
    counts["not_sent"] = counts["matched"] - delivered - failed
    told = {"run_id": ID, "command": "replay", "status": status, "who": "arn:aws:iam::1:user/ann", "counts": counts}
    return {**told, "function": function, "subject": function}


@pytest.mark.parametrize(
    ("width", "columns"),
    [
        (140, "run command status delivered not delivered subject who"),
        (100, "run status delivered not delivered subject"),
        (80, "run status delivered not delivered"),
        (60, "run status delivered"),
        (40, "run status"),
        (24, "run"),
    ],
)
def test_on_a_narrow_screen_columns_go_and_no_line_is_broken_but_that_of_a_long_name(width: int, columns: str) -> None:
    written = io.StringIO()
    rows = [row("partial", 1_000_000, 234_567), row("succeeded", 1_234_567, 0), row("interrupted", 30_000, 0, LONG)]
    left_out = show_runs(Console(file=written, width=width), rows)
    head, *lines = written.getvalue().splitlines()
    assert " ".join(head.split()) == columns
    shown = columns.replace("not delivered", "not_delivered").split()
    assert left_out == [name for name in COLUMNS if name.replace(" ", "_") not in shown]
    assert [line.split()[0] for line in lines if line[0] != " "] == [ID] * 3
    assert len(lines) == 3 + ("subject" in columns and width < 140)
    assert ("1,234,567 of 1,234,567" in lines[1]) == ("delivered" in columns)
