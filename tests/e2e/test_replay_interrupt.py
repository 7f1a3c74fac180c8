"""Ctrl-C and SIGTERM: what is under way is finished, the rest is left, and nothing is lost count of."""

import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e import lakes
from tests.e2e.far_side import FarSide, Reply, function_error, ok, throttled
from tests.e2e.held import Held
from tests.e2e.replays import Run, checked
from tests.e2e.resubmits import Resubmits, faults, lines
from tests.e2e.runs import Runs, interrupt, kill
from tests.e2e.servers import Cncbops
from tests.execution.looks import await_gone, children_of
from tests.inventory.inventories import URI, Written

EVENTS = lakes.make_events(2000, 50)
ASKED = ("replay", "s3://lake/", "-f", "fn", "--execute")


@pytest.fixture
def held(far_side: FarSide) -> Iterator[Held]:
    function = Held()
    far_side.add_bucket("lake", lakes.lake_of(EVENTS, 200))
    far_side.add_function("fn", function)
    yield function
    function.go.set()


def assert_drained(run: Run, far_side: FarSide) -> None:
    """Everything that reached the function is accounted for, and there was more to send."""
    assert (run.code, run.status) == (130, "interrupted")
    assert run.events["delivered"] == len(far_side.delivered())
    assert run.events["not_sent"] > 0
    assert run.events.items() >= {"failed": 0, "unknown": 0}.items()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_lets_what_is_under_way_finish_and_sends_no_more(
    number: signal.Signals, held: Held, far_side: FarSide, cncbops: Cncbops
) -> None:
    process = cncbops.start(*ASKED, "-o", "json", "--batch-size", "10", "--concurrency", "4", endpoint=far_side.url)
    far_side.wait_until(lambda: far_side.in_flight == 4)
    process.send_signal(number)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.3)
    held.go.set()
    run = checked(cncbops.finish(process))
    assert_drained(run, far_side)
    assert 0 < run.events["delivered"] <= 40


def test_in_text_the_first_signal_is_answered_and_the_end_told(held: Held, far_side: FarSide, cncbops: Cncbops) -> None:
    process = cncbops.start(*ASKED, endpoint=far_side.url)
    far_side.wait_until(lambda: far_side.in_flight > 0)
    process.send_signal(signal.SIGINT)
    held.go.set()
    result = cncbops.finish(process)
    assert (result.code, result.out) == (130, "")
    assert "stopping: what is under way is finished first; again to leave at once" in result.err
    assert "interrupted: " in result.err
    assert "not sent" in result.err


@pytest.mark.parametrize(
    ("first", "second"), [(signal.SIGINT, signal.SIGINT), (signal.SIGTERM, signal.SIGINT)], ids=["twice", "both"]
)
def test_a_second_signal_leaves_at_once(
    first: signal.Signals, second: signal.Signals, held: Held, far_side: FarSide, cncbops: Cncbops
) -> None:
    process = cncbops.start(*ASKED, endpoint=far_side.url)
    assert process.stderr
    far_side.wait_until(lambda: far_side.in_flight > 0)
    process.send_signal(first)
    assert process.stderr.readline() + process.stderr.readline()
    process.send_signal(second)
    assert process.wait(timeout=60) == 130
    assert not held.go.is_set()
    assert "Go on with `cncbops runs resume 2" in str(process.stderr.read())


def test_what_was_left_at_once_is_told_as_that_and_goes_on_as_what_was_killed(
    held: Held, far_side: FarSide, cncbops: Cncbops
) -> None:
    runs = Runs(cncbops, far_side)
    process = cncbops.start(*ASKED, "-o", "json", "--batch-size", "10", "--concurrency", "4", endpoint=far_side.url)
    far_side.wait_until(lambda: far_side.in_flight == 4)
    workers = children_of(process.pid)
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=60) == 130
    await_gone(workers)  # until then the run is under way
    told = runs.show()
    (session,) = told["sessions"]
    assert (told["status"], session["status"], session["ended"]) == ("interrupted", "interrupted", None)
    assert session["reason"] == "left at once: what was under way may have arrived"
    assert told["next_step"].startswith("cncbops runs resume 2")
    held.go.set()
    resumed = runs.resume()
    assert resumed.summary["run"].items() >= {"delivered": len(EVENTS), "not_sent": 0}.items()
    assert resumed.events["possible_duplicates"] == 40
    assert [each["status"] for each in runs.show()["sessions"]] == ["interrupted", "succeeded"]


def test_a_look_at_the_function_that_hangs_holds_up_nobody_who_leaves(cncbops: Cncbops) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        process = cncbops.start(*ASKED, endpoint=f"http://127.0.0.1:{silent.getsockname()[1]}")
        with silent.accept()[0]:
            process.send_signal(signal.SIGINT)
            assert process.wait(timeout=20) == 130


ECHO_S = 3
"""Longer than usual: a busy machine may be late with the second signal."""
ECHOING = f"""
from cncbops.commands import _signals
_signals.ECHO_S = {ECHO_S}
from cncbops.cli import main
main()
"""


def test_a_sigterm_that_comes_twice_at_once_is_one_as_timeout_sends_it_and_one_that_comes_later_another(
    held: Held, far_side: FarSide, cncbops: Cncbops
) -> None:
    command = Cncbops(cncbops.home, (sys.executable, "-c", ECHOING))
    process = command.start(*ASKED, endpoint=far_side.url)
    far_side.wait_until(lambda: far_side.in_flight > 0)
    assert process.stderr
    process.send_signal(signal.SIGTERM)
    assert "stopping" in str(process.stderr.readline() + process.stderr.readline())
    process.send_signal(signal.SIGTERM)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(ECHO_S)
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=60) == 130
    assert not held.go.is_set()
    assert "left at once" in str(process.stderr.read())


def test_in_json_what_is_left_at_once_is_told_as_far_as_it_is_known(
    held: Held, far_side: FarSide, cncbops: Cncbops
) -> None:
    process = cncbops.start(*ASKED, "-o", "json", "--batch-size", "10", endpoint=far_side.url)
    far_side.wait_until(lambda: far_side.in_flight > 0)
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGTERM)
    result = cncbops.finish(process)
    assert (result.code, result.json["status"], held.go.is_set()) == (130, "interrupted", False)
    events = result.json["events"]
    assert (events["delivered"], events["not_sent"]) == (0, events["matched"])
    assert events["matched"] > 0
    assert "left at once" in result.err


@pytest.mark.parametrize(
    ("reply", "options"),
    [
        (ok(), ["--rate", "1", "--batch-size", "50"]),
        (throttled(retry_after=60), []),
        (function_error("Error", "no"), ["--no-bisect", "--max-attempts", "50"]),
    ],
    ids=["a low rate", "throttling", "failing"],
)
def test_waiting_is_cut_short(reply: Reply, options: list[str], far_side: FarSide, cncbops: Cncbops) -> None:
    far_side.add_bucket("lake", lakes.lake_of(EVENTS, 200))
    far_side.add_function("fn", lambda _payload, _context: reply)
    process = cncbops.start(*ASKED, "-o", "json", *options, endpoint=far_side.url)
    far_side.wait_until(lambda: len([call for call in far_side.invocations if call.records]) > 0)
    interrupted = time.monotonic()
    process.send_signal(signal.SIGINT)
    run = checked(cncbops.finish(process))
    assert time.monotonic() - interrupted < 20
    assert_drained(run, far_side)


def test_a_dry_run_can_be_interrupted_as_well(far_side: FarSide, cncbops: Cncbops) -> None:
    lake = lakes.make_lake(4000, 50, 100)
    far_side.add_bucket("lake", lake)
    far_side.add_function("fn")
    middle = far_side.hold(f"GET /lake/{list(lake)[20]}")
    process = cncbops.start("replay", "s3://lake/", "-f", "fn", "-o", "json", endpoint=far_side.url)
    far_side.wait_until(lambda: any(list(lake)[20] in request for request in far_side.requests))
    process.send_signal(signal.SIGINT)
    middle.set()
    run = checked(cncbops.finish(process))
    assert (run.code, run.status) == (130, "interrupted")
    assert run.events["read"] < 4000


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_before_anything_is_sent_ends_the_run_without_a_trace(
    number: signal.Signals, far_side: FarSide, cncbops: Cncbops
) -> None:
    far_side.add_bucket("lake", lakes.make_lake(10, 1, 10))
    far_side.add_function("fn")
    far_side.hold("GET /2015-03-31/functions/fn/configuration")
    process = cncbops.start(*ASKED, endpoint=far_side.url)
    far_side.wait_until(lambda: far_side.requests != [])
    process.send_signal(number)
    result = cncbops.finish(process)
    assert (result.code, result.out, result.err) == (130, "", "interrupted: nothing was sent\n")
    assert far_side.delivered() == []


# In JSON it is told even so


LOOKED_AT, LISTED = "GET /2015-03-31/functions/fn/configuration", "GET /lake?list-type=2"


@pytest.fixture
def runs(cncbops: Cncbops, far_side: FarSide) -> Runs:
    far_side.add_bucket("lake", lakes.make_lake(400, 1, 10))
    far_side.add_function("fn")
    return Runs(cncbops, far_side)


def held_at(runs: Runs, beginning: str) -> threading.Event:
    """Let requests that begin like this wait until that is set, and forget those that came before."""
    runs.far_side.requests.clear()
    return runs.far_side.hold(beginning)


def await_held(far_side: FarSide, beginning: str) -> None:
    far_side.wait_until(lambda: any(request.startswith(beginning) for request in far_side.requests))


def assert_broken_off(run: Run, command: str, *, dry_run: bool = False) -> None:
    told = (run.code, run.status, run.summary["command"], run.summary["dry_run"], run.summary["ledger"], run.err)
    assert told == (130, "interrupted", command, dry_run, None, "")


@pytest.mark.parametrize("mode", [[], ["--execute"]], ids=["planned", "executed"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_summary_tells_of_a_replay_that_was_interrupted_before_its_work_began(
    number: signal.Signals, mode: list[str], runs: Runs
) -> None:
    held_at(runs, LOOKED_AT)
    asked = ("replay", "s3://lake/", "-f", "fn", "-o", "json")
    process = runs.command.start(*asked, *mode, endpoint=runs.far_side.url)
    await_held(runs.far_side, LOOKED_AT)
    run = interrupt(runs, process, number)
    assert_broken_off(run, "replay", dry_run=not mode)
    assert (run.summary["function"], run.summary["source"]) == ("fn", ["s3://lake/"])
    assert 0 < run.summary["duration_s"] < 20
    assert not runs.file.exists()


def test_it_tells_of_one_that_was_comparing_the_lake_with_its_plan(runs: Runs, tmp_path: Path) -> None:
    runs.plan("--save-plan", str(tmp_path / "plan"))
    held_at(runs, LISTED)
    process = runs.start_plan(tmp_path / "plan")
    await_held(runs.far_side, LISTED)
    assert_broken_off(interrupt(runs, process), "replay")


@pytest.mark.parametrize("mode", [[], ["--execute"]], ids=["planned", "executed"])
def test_it_tells_of_one_that_was_listing_its_sources(mode: list[str], runs: Runs) -> None:
    listed = held_at(runs, LISTED)
    asked = ("replay", "s3://lake/", "-f", "fn", "-o", "json", "--workers", "2")
    process = runs.command.start(*asked, *mode, endpoint=runs.far_side.url)
    await_held(runs.far_side, LISTED)
    process.send_signal(signal.SIGINT)
    listed.set()
    run = runs.finish(process)
    assert (run.code, run.status, run.events["delivered"], runs.sent) == (130, "interrupted", 0, [])


def test_it_tells_of_one_that_was_reading_an_inventory(runs: Runs) -> None:
    runs.far_side.add_bucket("inventories", Written().objects([]))
    read = held_at(runs, "GET /inventories/")
    process = runs.start("--inventory", URI)
    await_held(runs.far_side, "GET /inventories/")
    process.send_signal(signal.SIGINT)
    read.set()
    assert_broken_off(runs.finish(process), "replay")


def test_it_tells_of_one_that_was_looking_at_a_cluster(runs: Runs) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(20)
        process = runs.start("--cluster", f"tcp://127.0.0.1:{silent.getsockname()[1]}")
        with silent.accept()[0]:  # else it would be closed, and that told, if that is sooner there than the signal
            assert_broken_off(interrupt(runs, process), "replay")


def test_it_tells_of_a_run_that_was_being_taken_up(runs: Runs) -> None:
    process = runs.start("--rate", "5", "--batch-size", "5")
    runs.await_sent(1)
    kill(runs, process)
    held_at(runs, LOOKED_AT)
    process = runs.start_resume()
    await_held(runs.far_side, LOOKED_AT)
    run = interrupt(runs, process)
    assert_broken_off(run, "runs resume")
    assert run.summary["run_id"] == runs.newest.run_id


def test_it_tells_of_a_resubmit(cncbops: Cncbops, far_side: FarSide) -> None:
    far_side.add_bucket("faults", lines(*faults(5)))
    resubmits = Resubmits(cncbops, far_side)
    far_side.hold("POST /")
    process = resubmits.start()
    await_held(far_side, "POST /")
    run = interrupt(resubmits, process)
    assert_broken_off(run, "resubmit")
    assert run.summary["functions"] == {}


@pytest.mark.parametrize("command", ["faults stats", "faults show", "lake ls --summary", "lake stats"])
def test_a_command_that_only_reads_says_that_it_was_interrupted(command: str, runs: Runs) -> None:
    listed = held_at(runs, LISTED)
    process = runs.command.start(*command.split(), "s3://lake/", "-o", "json", endpoint=runs.far_side.url)
    await_held(runs.far_side, LISTED)
    process.send_signal(signal.SIGINT)
    listed.set()
    result = runs.command.finish(process)
    told = {name: result.json[name] for name in ("command", "status")}
    assert (result.code, told) == (130, {"command": command.removesuffix(" --summary"), "status": "interrupted"})
