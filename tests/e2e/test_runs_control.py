"""A run under way is paused, slowed, hurried and stopped from another terminal; no second process works on it."""

import signal
import sqlite3
import threading
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import closing

import pytest

from tests.e2e import lakes
from tests.e2e.far_side import Context, FarSide, Reply, ok
from tests.e2e.rates import assert_none_before
from tests.e2e.replays import Run
from tests.e2e.runs import Runs, assert_in_order, assert_once_each, data_of, interrupt
from tests.e2e.servers import Cncbops
from tests.execution.bench import until

EVENTS = lakes.make_events(3000, 100, seed=41)
SOON_S = 2.0


@pytest.fixture
def runs(cncbops: Cncbops, far_side: FarSide) -> Runs:
    return Runs(cncbops, far_side)


class Valve:
    """A function that takes its time, until it is told to hurry."""

    def __init__(self) -> None:
        self.seconds = 0.04

    def __call__(self, _payload: object, _context: Context) -> Reply:
        return ok().after(self.seconds)


def test_a_run_obeys_another_terminal_within_two_seconds(runs: Runs, far_side: FarSide) -> None:
    valve = Valve()
    far_side.add_bucket("lake", lakes.lake_of(EVENTS, 500))
    far_side.add_function("fn", valve)
    process = runs.start("--batch-size", "10", "--concurrency", "2")
    runs.await_sent(5)

    valve.seconds = 0.3  # else it may be over before it is told to pause
    paused = runs.order("pause")
    assert (paused.code, paused.out) == (0, "")
    runs.await_silence()
    sent = len(runs.sent)
    assert_refused(runs.resume())
    assert_refused(runs.redrive())
    assert len(runs.sent) == sent, "the pause held while two commands came and went"

    assert runs.order("rate", "40").code == 0
    assert runs.order("continue").code == 0
    far_side.wait_until(lambda: len(runs.sent) >= sent + 8)
    assert_none_before(runs.sent[sent + 2 :], 40, runs.continued_at())  # two may have waited for their turn

    valve.seconds = 0.01
    assert runs.order("rate", "100000").code == 0
    hurried = len(runs.sent)
    far_side.wait_until(lambda: len(runs.sent) >= hurried + 100, timeout_s=20)  # at 40 a second these take longer

    valve.seconds = 0.3  # it would go on for half a minute
    assert runs.order("stop").code == 0
    run = runs.finish(process)
    assert (run.code, run.status) == (5, "stopped")
    assert run.summary["reason"].startswith("by order of ")
    assert run.events["delivered"] == len(far_side.delivered())
    assert 0 < run.events["delivered"] < len(EVENTS)
    assert (runs.newest.status, runs.newest.reason) == ("stopped", run.summary["reason"])
    assert min(waiting_times(runs)) < SOON_S  # a busy machine makes one or the other late

    valve.seconds = 0.0
    run = runs.resume()
    assert (run.status, run.summary["run"]["delivered"]) == ("succeeded", len(EVENTS))
    assert_once_each(far_side.delivered_data(), data_of(EVENTS))
    assert_in_order(far_side, EVENTS)
    refused = runs.order("pause")
    assert (refused.code, refused.out) == (1, "")
    assert "is not under way: succeeded" in refused.err


def test_who_interrupts_a_command_at_the_ledger_is_told_so(runs: Runs, far_side: FarSide) -> None:
    far_side.add_bucket("lake", lakes.lake_of(EVENTS[:100], 500))
    far_side.add_function("fn", Valve())
    process = runs.start("--rate", "1", "--batch-size", "1")
    runs.await_sent(1)
    process.send_signal(signal.SIGSTOP)  # it takes no order
    ordering = runs.command.start("runs", "pause", runs.newest.run_id)
    until(lambda: orders_in(runs) == 1)
    ordering.send_signal(signal.SIGINT)
    told = runs.command.finish(ordering)
    process.kill()
    process.communicate()
    assert (told.code, told.out, told.err) == (130, "", "interrupted\n")


def orders_in(runs: Runs) -> int:
    with closing(sqlite3.connect(f"file:{runs.file}?mode=ro", uri=True)) as connection:
        (count,) = connection.execute("SELECT count(*) FROM orders").fetchone()
    return int(count)


def assert_refused(run: Run) -> None:
    assert (run.code, run.status) == (1, "failed")
    assert "is under way in another process" in run.err


def waiting_times(runs: Runs) -> list[float]:
    """How long each order waited to be carried out, in seconds."""
    connection = sqlite3.connect(f"file:{runs.file}?mode=ro", uri=True)
    try:
        rows = connection.execute("SELECT taken_ms - given_ms FROM orders").fetchall()
    finally:
        connection.close()
    assert len(rows) == 5
    return [waited_ms / 1000 for (waited_ms,) in rows]


def test_of_two_processes_that_race_for_a_run_one_wins(runs: Runs, far_side: FarSide) -> None:
    events, go_on = EVENTS[:600], threading.Event()
    valve = Valve()
    far_side.add_bucket("lake", lakes.lake_of(events, 100))
    far_side.add_function("fn", valve)
    process = runs.start("--batch-size", "10", "--concurrency", "4")
    runs.await_sent(6)
    interrupt(runs, process)
    delivered = len(far_side.delivered())

    def held(_payload: object, _context: Context) -> Reply:
        assert go_on.wait(timeout=120)
        return ok()

    far_side.add_function("fn", held)
    asking = "GET /2015-03-31/functions/fn/configuration"
    asked = far_side.requests.count(asking)
    gate = far_side.hold(asking)
    with ThreadPoolExecutor(2) as racing:
        racers = [racing.submit(runs.finish, runs.start_resume()) for _ in range(2)]
        try:
            far_side.wait_until(lambda: far_side.requests.count(asking) > asked)
            gate.set()
            loser, winner = result_of_first(racers)
        finally:
            gate.set()
            go_on.set()
    assert_refused(loser)
    run = winner.result()
    assert (run.code, run.status, run.events["delivered"]) == (0, "succeeded", len(events) - delivered)
    assert_once_each(far_side.delivered_data(), data_of(events))
    assert [run.status for run in runs.all] == ["succeeded"]


def result_of_first(racers: list[Future[Run]]) -> tuple[Run, Future[Run]]:
    """Who is through first, and who is not."""
    done, others = wait(racers, timeout=60, return_when=FIRST_COMPLETED)
    (first,), (other,) = done, others
    return first.result(), other
