"""Runs in the ledger: found, begun, taken up by one process at a time, and given orders."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest
from msgspec import structs

from cncbops.errors import BadInput, CannotRun
from cncbops.ledger.ledger import Ledger
from cncbops.ledger.lock import RunLock, is_held
from cncbops.ledger.pulse import Order, Pulse
from cncbops.ledger.worker import this_worker
from cncbops.session.entry import Entry
from cncbops.tally import of_object
from tests.ledger.runs import ANN, begin, lake_object, new_run

ROOT = Path(__file__).parents[2]
HOLD = (
    "import sys, time; from pathlib import Path; from cncbops.ledger.lock import RunLock\n"
    "with RunLock(Path(sys.argv[1]), sys.argv[2]): print('held', flush=True); time.sleep(600)"
)
TAKE_UP = """
import sys; from pathlib import Path; from cncbops.errors import CannotRun
from cncbops.ledger.ledger import Ledger; from cncbops.ledger.lock import RunLock
from cncbops.ledger.worker import this_worker
with Ledger.open(Path(sys.argv[1])) as ledger:
    run = ledger.find(sys.argv[2])
    print('ready', flush=True); sys.stdin.readline()
    try:
        with RunLock(ledger.folder, run.run_id):
            print('won', ledger.take_up(run, 'resume', this_worker(None)), flush=True); sys.stdin.readline()
    except CannotRun as error: print(error, flush=True)
"""


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with Ledger.open(tmp_path) as opened:
        yield opened


@contextmanager
def child(program: str, *arguments: str) -> Iterator["subprocess.Popen[str]"]:
    """A real process of its own, which has said its first word."""
    pipe = subprocess.PIPE
    process = subprocess.Popen(
        [sys.executable, "-c", program, *arguments], cwd=ROOT, stdin=pipe, stdout=pipe, text=True
    )
    try:
        assert process.stdout
        assert process.stdout.readline()
        yield process
    finally:
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            assert stream
            stream.close()


def finish(ledger: Ledger, run_id: str, session: int = 1, status: str = "stopped") -> None:
    ledger.run_writer(ledger.find(run_id), session).finish(status, None, {}, listed=True)


def test_a_run_comes_back_as_it_was_written(ledger: Ledger) -> None:
    new = new_run(arguments={"a": [1, None, "é"]}, terms={"t": {"u": 0.5}}, plan_sha256="abc", account=None)
    run = ledger.begin(new, this_worker(ANN))
    assert {name: getattr(run, name) for name in structs.asdict(new)} == structs.asdict(new)
    assert (run.status, run.reason, run.ended_ms, run.listed) == ("running", None, None, False)
    (session,) = ledger.sessions(run)
    assert (session.number, session.kind, session.who, session.status) == (1, "execute", ANN, "running")
    ledger.run_writer(run, 1).finish("stopped", "too many", {"events": 1}, listed=True)
    run, (session,) = ledger.find(run.run_id), ledger.sessions(run)
    assert (run.status, run.reason, run.listed, run.ended_ms) == ("stopped", "too many", True, session.ended_ms)
    assert (session.status, session.reason, session.summary) == ("stopped", "too many", {"events": 1})


def test_runs_are_listed_the_newest_first(ledger: Ledger) -> None:
    for run_id in ("b", "a", "c"):
        begin(ledger, run_id, likeness=run_id.replace("c", "b"))
    assert [run.run_id for run in ledger.runs()] == ["c", "a", "b"]
    assert [run.run_id for run in ledger.alike("b")] == ["c", "b"]


def test_an_id_is_not_given_twice(ledger: Ledger) -> None:
    begin(ledger, "run-1")
    with pytest.raises(CannotRun):
        begin(ledger, "run-1")
    assert len(ledger.runs()) == 1


def test_a_run_is_found_by_any_unique_begin_or_end_of_its_id(ledger: Ledger) -> None:
    for run_id in ("20260101T000000Z-aaaaaa", "20260101T000000Z-bbbbbb", "20260202T000000Z-aaabbb"):
        begin(ledger, run_id)
    assert ledger.find("20260202").run_id == "20260202T000000Z-aaabbb"
    assert ledger.find("aaaaaa").run_id == "20260101T000000Z-aaaaaa"
    assert ledger.find("20260101T000000Z-bbbbbb").run_id == "20260101T000000Z-bbbbbb"
    with pytest.raises(BadInput, match=r"202601 may be 20260101T000000Z-bbbbbb or 20260101T000000Z-aaaaaa"):
        ledger.find("202601")
    with pytest.raises(BadInput, match="no run 2027"):
        ledger.find("2027")
    for text in ("%%%%", "zzz"):
        with pytest.raises(BadInput, match=f"no run {text}"):
            ledger.find(text)


@pytest.mark.parametrize("text", ["", "2", "aaa"])
def test_too_little_of_an_id_names_no_run_though_there_is_but_one(ledger: Ledger, text: str) -> None:
    begin(ledger, "20260101T000000Z-aaaaaa")
    with pytest.raises(BadInput, match="4 characters"):
        ledger.find(text)


def test_an_id_that_begins_another_is_found(ledger: Ledger) -> None:
    begin(ledger, "run-1")
    begin(ledger, "run-10")
    assert ledger.find("run-1").run_id == "run-1"


def test_a_run_is_active_until_its_process_is_gone_however_it_went(ledger: Ledger) -> None:
    run = begin(ledger)
    assert not ledger.is_active(run)
    with child(HOLD, str(ledger.folder), run.run_id) as process:
        assert ledger.is_active(run)
        with pytest.raises(CannotRun, match="under way in another process"), RunLock(ledger.folder, run.run_id):
            pass
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert not ledger.is_active(run)
    with RunLock(ledger.folder, run.run_id):
        assert ledger.is_active(run)
    assert not is_held(ledger.folder, run.run_id)
    assert not list(ledger.folder.glob("*.lock"))


def test_a_run_of_another_machine_is_active_while_it_gives_signs_of_life(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = ledger.begin(new_run(), replace(this_worker(ANN), host="elsewhere"))
    assert ledger.is_active(run)
    with pytest.raises(CannotRun, match="under way"):
        ledger.take_up(run, "resume", this_worker(None))
    monkeypatch.setattr("cncbops.ledger.ledger.FRESH_S", -1.0)
    assert not ledger.is_active(run)
    assert ledger.take_up(run, "resume", this_worker(None)) == 2


def test_of_processes_that_race_for_a_run_exactly_one_wins(ledger: Ledger) -> None:
    run = begin(ledger)
    arguments = (str(ledger.folder), run.run_id)
    with child(TAKE_UP, *arguments) as one, child(TAKE_UP, *arguments) as two, child(TAKE_UP, *arguments) as three:
        racing = (one, two, three)
        for process in racing:
            assert process.stdin
            process.stdin.write("\n")
            process.stdin.flush()
        told = sorted(process.stdout.readline() for process in racing if process.stdout)
    assert [line.split()[0] for line in told] == ["run", "run", "won"]
    assert told[-1] == "won 2\n"
    assert [each.status for each in ledger.sessions(run)] == ["crashed", "running"]


def test_taking_a_run_up_opens_it_again_and_forgets_orders_that_nobody_took(ledger: Ledger) -> None:
    run = begin(ledger)
    order = ledger.order(run, "stop", None, "ann@laptop")
    finish(ledger, run.run_id)
    assert ledger.find(run.run_id).status == "stopped"
    assert ledger.take_up(run, "resume", this_worker(ANN)) == 2
    assert ledger.find(run.run_id).status == "running"
    assert ledger.find(run.run_id).listed
    obeyed: list[Order] = []
    beat(ledger, run.run_id, 2, obeyed)
    assert obeyed == []
    assert not ledger.is_taken(run, order)


def beat(ledger: Ledger, run_id: str, session: int, obeyed: list[Order]) -> None:
    pulse = Pulse(ledger.folder, ledger.find(run_id).id, session)
    pulse.beat(obeyed.append)
    pulse.close()


def test_orders_are_taken_once_and_in_turn_by_their_own_run(ledger: Ledger) -> None:
    run, other = begin(ledger, "run-1"), begin(ledger, "run-2")
    orders = [ledger.order(run, "pause", None, "ann@laptop"), ledger.order(run, "rate", 7.5, "bob@desk")]
    foreign = ledger.order(other, "stop", None, "eve@home")
    obeyed: list[Order] = []
    assert not any(ledger.is_taken(run, order) for order in orders)
    beat(ledger, "run-1", 1, obeyed)
    beat(ledger, "run-1", 1, obeyed)
    assert obeyed == [Order("pause", None, "ann@laptop"), Order("rate", 7.5, "bob@desk")]
    assert all(ledger.is_taken(run, order) for order in orders)
    assert not ledger.is_taken(other, foreign)


def test_a_sign_of_life_tells_how_many_records_may_have_arrived_twice(ledger: Ledger) -> None:
    run = begin(ledger)
    (before,) = ledger.sessions(run)
    pulse = Pulse(ledger.folder, run.id, 1)
    for doubted in (7, 9):
        pulse.beat(lambda _: None, doubted)
    pulse.close()
    (session,) = ledger.sessions(run)
    assert (before.doubted, session.doubted) == (0, 9)


def test_an_order_that_cannot_be_obeyed_is_not_taken(ledger: Ledger) -> None:
    run = begin(ledger)
    order = ledger.order(run, "pause", None, "ann@laptop")
    pulse = Pulse(ledger.folder, run.id, 1)
    with pytest.raises(ZeroDivisionError):
        pulse.beat(lambda _: 1 // 0)
    pulse.close()
    assert not ledger.is_taken(run, order)


def test_a_run_is_paused_from_the_order_taken_until_it_continues_or_is_taken_up(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = count(1_000)
    for module in ("ledger", "pulse", "writing"):
        monkeypatch.setattr(f"cncbops.ledger.{module}.now_ms", lambda: next(clock))
    run = begin(ledger)
    ledger.order(run, "pause", None, "ann@laptop")
    assert not ledger.is_paused(run)
    beat(ledger, run.run_id, 1, [])
    assert ledger.is_paused(run)
    ledger.order(run, "rate", 1.0, "ann@laptop")
    beat(ledger, run.run_id, 1, [])
    assert ledger.is_paused(run)
    ledger.order(run, "continue", None, "ann@laptop")
    beat(ledger, run.run_id, 1, [])
    assert not ledger.is_paused(run)
    ledger.order(run, "pause", None, "ann@laptop")
    beat(ledger, run.run_id, 1, [])
    finish(ledger, run.run_id)
    ledger.take_up(run, "resume", this_worker(ANN))
    assert not ledger.is_paused(run)


def test_objects_come_back_as_they_are_whatever_their_keys_hold(ledger: Ledger) -> None:
    run = begin(ledger)
    local = replace(lake_object(1), uri="/lake/\\xff\n", bucket="", key="/lake/\udcff\n", storage_class="GLACIER_IR")
    found = [Entry(0, 0, lake_object(0, "é '\n"), 5, 4, 1, 2, 1, 1, ended=True), Entry(1, 3, local, error="Archived")]
    ledger.run_writer(run, 1).write(found, [(1, of_object(local, "Archived", "in Glacier"))], [])
    assert [facts(entry) for entry in ledger.known(run).entries()] == list(map(facts, found))
    assert [entry.number for entry in ledger.known(run).entries(unfinished=True)] == [1]
    (kept,) = ledger.known(run).failures()
    assert (kept.object_number, kept.failure, kept.mended_in) == (1, of_object(local, "Archived", "in Glacier"), None)
    assert list(ledger.known(run).keys()) == [(0, "é '\n".encode()), (3, b"/lake/\xff\n")]
    counts = ledger.known(run).counts()
    assert (counts.objects, counts.objects_done, counts.objects_unreadable) == (2, 1, 1)
    assert (counts.read, counts.matched, counts.malformed, counts.not_sent) == (5, 4, 1, 0)


def facts(entry: Entry) -> dict[str, object]:
    return {name: getattr(entry, name) for name in ("number", "source", "object", "read", "matched", "malformed")} | {
        name: getattr(entry, name) for name in ("delivered", "failed", "unknown", "ended", "error")
    }


def test_a_page_is_no_limit(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cncbops.ledger.known._PAGE", 3)
    run = begin(ledger)
    found = [Entry(number, 0, lake_object(number), ended=number % 2 == 0) for number in range(10)]
    failures = [(number, of_object(lake_object(number), "Bad", "bad")) for number in range(10)]
    ledger.run_writer(run, 1).write(found, failures, [])
    assert [entry.number for entry in ledger.known(run).entries()] == list(range(10))
    assert [entry.number for entry in ledger.known(run).entries(unfinished=True)] == [1, 3, 5, 7, 9]
    assert [kept.object_number for kept in ledger.known(run).failures()] == list(range(10))
    assert len(list(ledger.known(run).keys())) == 10


def test_a_process_whose_lock_was_removed_is_at_work_all_the_same(ledger: Ledger) -> None:
    begin(ledger)
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        run = ledger.begin(new_run("20260202T000000Z-bbbbbb"), replace(this_worker(ANN), process=other.pid))
        assert ledger.is_active(run)
        other.kill()
        os.waitid(os.P_PID, other.pid, os.WEXITED | os.WNOWAIT)  # it has ended, and its parent has not looked yet
        assert not ledger.is_active(run)
