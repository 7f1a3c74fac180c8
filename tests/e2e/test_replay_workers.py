"""A replay that several processes work at is one run: one order, one rate, one ledger, one end.

The lake here is larger than what one process reads at a time, so that all of them have work.
"""

import os
import random
import re
import signal
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from cncbops.terms import BATCH_SIZE, CONCURRENCY
from cncbops.undertaking import BYTES_A_BYTE
from tests.e2e import lakes
from tests.e2e.far_side import Context, FarSide, Reply, function_error, ok
from tests.e2e.held import Held
from tests.e2e.rates import assert_held
from tests.e2e.runs import (
    Runs,
    assert_firsts_in_order,
    assert_in_order,
    assert_once_each,
    assert_orders_hold,
    data_of,
    ids_in,
    ids_of,
    kill_once_sent,
    repeats,
)
from tests.e2e.servers import Cncbops
from tests.execution.looks import await_gone, children_of, is_alive, sockets_of

AT_A_TIME = int(CONCURRENCY * BATCH_SIZE * 1_600 * 1.5 * BYTES_A_BYTE)
"""As bytes of the lake: of half as many records again as the batches in flight have."""
WORKERS = 3
AT_WORK = ("--workers", str(WORKERS))
PADDING = 20_000
EVENTS = [
    (key, event.replace(b'"thing":', b'"padding":"%b","thing":' % (b"x" * PADDING)))
    for key, event in lakes.make_events(480, 60, seed=7)
]
LAKE = lakes.lake_of(EVENTS, 40, shards=2)


def test_the_lake_is_larger_than_what_one_process_reads_at_a_time() -> None:
    assert sum(map(len, LAKE.values())) > 3 * AT_A_TIME


@pytest.fixture
def runs(cncbops: Cncbops, far_side: FarSide) -> Runs:
    far_side.add_bucket("lake", LAKE)
    return Runs(cncbops, far_side)


class Uneven:
    """A function that takes its time, each time another."""

    def __init__(self, longest_s: float = 0.02) -> None:
        self.longest_s = longest_s
        self._chance = random.Random(3)

    def __call__(self, _payload: object, _context: Context) -> Reply:
        return ok().after(self._chance.random() * self.longest_s)


@pytest.fixture
def held(far_side: FarSide) -> Iterator[Held]:
    function = Held()
    far_side.add_function("fn", function)
    yield function
    function.go.set()


def begun_with(runs: Runs, process: "subprocess.Popen[bytes]", in_flight: int) -> list[int]:
    """The processes that work at a run, once so many invocations are under way."""
    runs.far_side.wait_until(lambda: runs.far_side.in_flight == in_flight)
    workers = children_of(process.pid)
    assert len(workers) == WORKERS
    return workers


def records_sent(runs: Runs) -> int:
    return sum(len(call.records) for call in runs.sent)


def test_every_event_comes_once_and_the_order_within_a_key_holds_over_all_processes(
    runs: Runs, far_side: FarSide
) -> None:
    far_side.add_function("fn", Uneven())
    process = runs.start(*AT_WORK, "--batch-size", "5", "--concurrency", "12")
    runs.await_sent(1)
    workers = children_of(process.pid)
    run = runs.finish(process)
    assert len(workers) == WORKERS
    assert (run.code, run.status, run.events["delivered"]) == (0, "succeeded", len(EVENTS))
    assert_once_each(far_side.delivered_data(), data_of(EVENTS))
    assert_in_order(far_side, EVENTS)
    assert not any(map(is_alive, workers))


def test_no_more_are_in_flight_over_all_processes_than_was_asked_for(runs: Runs, far_side: FarSide) -> None:
    far_side.add_function("fn", lambda _payload, _context: ok().after(0.01))
    run = runs.execute(*AT_WORK, "--batch-size", "5", "--concurrency", "4")
    assert (run.status, far_side.max_concurrency) == ("succeeded", 4)


def test_one_rate_holds_over_all_processes(runs: Runs, far_side: FarSide) -> None:
    far_side.add_function("fn", Uneven(0.03))
    run = runs.execute(*AT_WORK, "--batch-size", "5", "--concurrency", "16", "--rate", "300")
    assert run.status == "succeeded"
    assert_held(runs.sent, 300)


def test_a_plan_counts_the_same_however_many_work_at_it(runs: Runs, far_side: FarSide) -> None:
    far_side.add_function("fn")
    alone, several = (runs.plan("--workers", workers, "--batch-size", "7").summary for workers in ("1", str(WORKERS)))
    for part in ("events", "objects", "invocations", "by_hour", "first_event", "last_event", "status"):
        assert several[part] == alone[part]
    assert several["plan"]["estimate"] == alone["plan"]["estimate"]
    run = runs.execute(*AT_WORK, "--batch-size", "7")
    assert run.summary["invocations"]["total"] == alone["invocations"]["total"] > len(EVENTS) / 7
    assert len(runs.sent) == alone["invocations"]["total"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_to_all_processes_lets_all_finish_and_a_resumed_run_sends_exactly_the_rest(
    number: signal.Signals, held: Held, runs: Runs, far_side: FarSide
) -> None:
    """As a terminal sends Ctrl-C, or its hanging up, and a service manager its SIGTERM: to the whole group."""
    process = runs.start(*AT_WORK, "--batch-size", "5", "--concurrency", "8")
    workers = begun_with(runs, process, 8)
    under_way = records_sent(runs)
    os.killpg(process.pid, number)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.2)
    assert all(map(is_alive, workers))
    held.go.set()
    run = runs.finish(process)
    assert (run.code, run.status) == (130, "interrupted")
    assert run.events.items() >= {"delivered": under_way, "failed": 0, "unknown": 0}.items()
    assert len(far_side.delivered()) == under_way
    await_gone(workers)
    run = runs.resume(*AT_WORK)
    assert (run.status, run.events["delivered"]) == ("succeeded", len(EVENTS) - under_way)
    assert_once_each(far_side.delivered_data(), data_of(EVENTS))
    assert_in_order(far_side, EVENTS)


def test_a_second_signal_leaves_at_once_and_leaves_nobody_behind(held: Held, runs: Runs) -> None:
    process = runs.start_text(*AT_WORK, "--concurrency", "4", "--batch-size", "5")
    workers = begun_with(runs, process, 4)
    assert process.stderr
    os.killpg(process.pid, signal.SIGINT)
    assert process.stderr.readline() + process.stderr.readline()
    os.killpg(process.pid, signal.SIGINT)
    assert process.wait(timeout=60) == 130
    await_gone(workers)
    assert not held.go.is_set()


def test_what_a_process_had_that_is_killed_goes_to_another_and_the_run_to_its_end(
    held: Held, runs: Runs, far_side: FarSide
) -> None:
    process = runs.start(*AT_WORK, "--batch-size", "5", "--concurrency", "8")
    workers = begun_with(runs, process, 8)
    busiest = max(workers, key=sockets_of)
    os.kill(busiest, signal.SIGKILL)
    await_gone([busiest])
    held.go.set()
    run = runs.finish(process)
    assert (run.code, run.status, run.events["delivered"]) == (0, "succeeded", len(EVENTS))
    assert repeats(far_side.delivered_data()) <= run.events["possible_duplicates"]
    assert 0 < run.events["possible_duplicates"] <= 8 * 5
    assert set(far_side.delivered_data()) == set(data_of(EVENTS))
    assert_firsts_in_order(far_side, EVENTS)
    await_gone(workers)


def test_that_a_process_was_killed_is_said_while_the_others_go_on(held: Held, runs: Runs) -> None:
    process = runs.start_text(*AT_WORK, "--batch-size", "5", "--concurrency", "8")
    lost = begun_with(runs, process, 8)[0]
    os.kill(lost, signal.SIGKILL)
    assert process.stderr
    assert process.stderr.readline().decode() == f"note: worker process {lost} has ended (signal 9)\n"
    held.go.set()
    result = runs.command.finish(process)
    assert (result.code, result.err.count("has ended")) == (0, 0)
    assert "3 processes; 1 lost" in result.err


def test_where_all_its_processes_are_killed_a_run_ends_and_says_how_to_go_on(
    held: Held, runs: Runs, far_side: FarSide
) -> None:
    process = runs.start_text(*AT_WORK, "--batch-size", "5", "--concurrency", "8")
    workers = begun_with(runs, process, 8)
    for worker in workers:
        os.kill(worker, signal.SIGKILL)
    held.go.set()
    told = runs.command.finish(process)
    assert (told.code, runs.newest.status) == (1, "failed")
    assert "has ended (signal 9), and no other is left" in told.err
    assert re.findall("cncbops runs resume.*", told.err) == [f"cncbops runs resume {runs.newest.run_id} --execute"]
    runs.await_silence()
    run = runs.resume(*AT_WORK)
    assert (run.status, run.summary["run"]["delivered"]) == ("succeeded", len(EVENTS))
    assert set(far_side.delivered_data()) == set(data_of(EVENTS))
    assert repeats(far_side.delivered_data()) <= 8 * 5
    assert_in_order(far_side, EVENTS)


def test_when_the_command_is_killed_its_processes_are_gone_and_the_run_is_resumed_as_any_other(
    runs: Runs, far_side: FarSide
) -> None:
    far_side.add_function("fn", Uneven(0.05))
    process = runs.start(*AT_WORK, "--batch-size", "5", "--concurrency", "8")
    runs.await_sent(1)
    workers = children_of(process.pid)
    kill_once_sent(runs, process, 20)
    assert len(workers) == WORKERS
    await_gone(workers)
    sent = len(runs.sent)
    far_side.add_function("fn")
    run = runs.resume(*AT_WORK)
    assert (run.code, run.status, run.summary["run"]["delivered"]) == (0, "succeeded", len(EVENTS))
    assert 0 < sent < len(EVENTS) / 5
    assert set(far_side.delivered_data()) == set(data_of(EVENTS))
    assert repeats(far_side.delivered_data()) <= 8 * 5
    assert_in_order(far_side, EVENTS)


def test_orders_from_another_terminal_hold_for_all_processes(held: Held, runs: Runs) -> None:
    process = runs.start(*AT_WORK, "--batch-size", "5", "--concurrency", "3")
    workers = begun_with(runs, process, 3)
    assert_orders_hold(runs, process, EVENTS, held)
    await_gone(workers)


def test_a_canary_that_fails_is_all_that_any_process_sends(runs: Runs, far_side: FarSide) -> None:
    bad = set(ids_of(EVENTS[:2]))

    def handler(payload: Any, _context: Context) -> Reply:
        return function_error("Error", "no") if bad & set(ids_in(payload)) else ok()

    far_side.add_function("fn", handler)
    run = runs.execute(*AT_WORK, "--canary", "6", "--max-attempts", "1", "--batch-size", "3")
    assert (run.code, run.status) == (5, "stopped")
    assert run.summary["reason"] == "2 of the canary's 6 records failed"
    assert {record.data for call in runs.sent for record in call.records} == set(data_of(EVENTS[:6]))
