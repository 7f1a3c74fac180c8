"""Acts, runs that send no events: begun, kept alive, stopped and ended in the ledger."""

import threading
from pathlib import Path

import pytest

from cncbops.errors import CannotRun
from cncbops.ledger.ledger import Ledger
from cncbops.ledger.rows import NewRun
from cncbops.ledger.worker import this_worker
from cncbops.reports.run_facts import details, headline
from cncbops.session.acting import new_act, resumed_act
from tests.ledger.runs import ANN, new_run

ID = "20260101T000000Z-aaaaaa"
WORKER = this_worker(ANN)


@pytest.fixture(autouse=True)
def usual(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The ledger is where the shell looks for it, and need not be named."""
    monkeypatch.setenv("CNCBOPS_STATE_DIR", str(tmp_path))


def an_act(command: str = "failover out", **changed: object) -> NewRun:
    """A failover that takes us-east-1 out."""
    told = {
        "function": "us-east-1",
        "sources": [],
        "likeness": "",
        "arguments": {"stage": "john", "why": "bad deploy", "overrides": []},
        "terms": {"go_on": "cncbops failover out us-east-1 --stage john --execute"},
        **changed,
    }
    return new_run(ID, command=command, **told)


def test_an_act_is_under_way_while_its_block_is_and_then_what_it_ended_as(tmp_path: Path) -> None:
    with new_act(tmp_path, an_act(), WORKER, threading.Event()) as act:
        assert headline(act.ledger, act.run)["status"] == "running"
        act.end("succeeded", None, {"result": {"recovered_s": 4.5}})
    with Ledger.open(tmp_path) as ledger:
        told = details(ledger, ledger.find(ID))
    assert (told["status"], told["command"], told["function"]) == ("succeeded", "failover out", None)
    assert (told["subject"], told["next_step"]) == ("us-east-1", None)
    assert told["sessions"][0]["summary"] == {"result": {"recovered_s": 4.5}}


def test_an_order_to_stop_sets_the_stop_and_says_who(tmp_path: Path) -> None:
    stop = threading.Event()
    with new_act(tmp_path, an_act(), WORKER, stop) as act:
        with Ledger.open(tmp_path) as beside:
            order = beside.order(act.run, "stop", None, "bob@host")
            assert stop.wait(10)
            assert act.ordered == "stopped by bob@host"
        act.end("stopped", act.ordered, {})
        assert act.ledger.is_taken(act.run, order)


def test_an_act_that_cannot_be_done_is_written_down_as_failed(tmp_path: Path) -> None:
    def work() -> None:
        with new_act(tmp_path, an_act(), WORKER, threading.Event()):
            raise CannotRun("access denied", "Ask for more")

    with pytest.raises(CannotRun):
        work()
    with Ledger.open(tmp_path) as ledger:
        run = ledger.find(ID)
    assert (run.status, run.reason) == ("failed", "access denied. Ask for more")


@pytest.mark.parametrize(
    ("command", "again"),
    [
        ("failover out", "cncbops failover out us-east-1 --stage john --execute"),
        ("invalidate", f"cncbops runs resume {ID} --execute"),
    ],
)
def test_an_act_that_was_not_ended_crashed_and_says_how_to_go_on(tmp_path: Path, command: str, again: str) -> None:
    with new_act(tmp_path, an_act(command), WORKER, threading.Event()):
        pass
    with Ledger.open(tmp_path) as ledger:
        told = details(ledger, ledger.find(ID))
    assert (told["status"], told["next_step"]) == ("crashed", again)


def test_an_act_is_taken_up_by_one_process_at_a_time(tmp_path: Path) -> None:
    with new_act(tmp_path, an_act("invalidate"), WORKER, threading.Event()) as act:
        run = act.run
        with (
            pytest.raises(CannotRun, match="under way in another process"),
            resumed_act(tmp_path, run, WORKER, threading.Event()),
        ):
            pass
        act.end("interrupted", None, {})
    with resumed_act(tmp_path, run, WORKER, threading.Event()) as act:
        assert (act.session, act.run.status) == (2, "running")
        act.end("succeeded", None, {})
    with Ledger.open(tmp_path) as ledger:
        assert [each.status for each in ledger.sessions(run)] == ["interrupted", "succeeded"]
