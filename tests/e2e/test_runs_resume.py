"""A run that was killed or interrupted at any moment goes on where it stood: nothing lost, little doubled."""

import json
import random
import shutil
import signal
import sqlite3
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.e2e import lakes
from tests.e2e.far_side import Context, FarSide, Reply, function_error, ok
from tests.e2e.held import Held
from tests.e2e.runs import (
    Runs,
    assert_in_order,
    assert_once_each,
    data_of,
    ids_in,
    ids_of,
    interrupt,
    interrupt_text,
    kill,
    raising_on,
    repeats,
)
from tests.e2e.servers import Cncbops
from tests.e2e.warm import Warm

IN_FLIGHT, BATCH = 8, 20
MOST_REPEATS = IN_FLIGHT * BATCH
FAST = ("--concurrency", str(IN_FLIGHT), "--batch-size", str(BATCH))

EVENTS = lakes.make_events(300, 30, seed=3)
LAKE = lakes.lake_of(EVENTS, 50)


@pytest.fixture
def runs(cncbops: Cncbops, far_side: FarSide) -> Runs:
    return Runs(cncbops, far_side)


# Killed at any moment


def killed(runs: Runs, kills: int, *options: str, seed: int) -> None:
    """Begin a run and kill it, and so its next sessions: with the first batches, then anywhere."""
    chance = random.Random(seed)
    process = runs.start(*FAST, *options)
    runs.await_sent(chance.randint(1, 25))
    for _ in range(kills - 1):
        kill(runs, process)
        process = runs.start_resume()
        runs.await_requests(chance.randint(1, 60))
    kill(runs, process)


def test_a_run_killed_again_and_again_delivers_every_event_in_order(runs: Runs, far_side: FarSide) -> None:
    events, kills = lakes.make_events(6000, 300, seed=1), 6
    far_side.add_bucket("lake", lakes.lake_of(events, 250))
    far_side.add_function("fn", lambda _payload, _context: ok().after(0.01))
    killed(runs, kills, seed=6)
    run = runs.resume()
    assert (run.code, run.status) == (0, "succeeded")
    assert run.events["possible_duplicates"] == MOST_REPEATS
    assert (run.summary["run"]["matched"], run.summary["run"]["delivered"]) == (6000, 6000)
    assert set(far_side.delivered_data()) == set(data_of(events))
    assert repeats(far_side.delivered_data()) <= kills * MOST_REPEATS
    assert_in_order(far_side, events)


def test_a_killed_run_without_order_delivers_every_event(runs: Runs, far_side: FarSide) -> None:
    events, kills = lakes.make_events(2000, 20, seed=2), 3
    far_side.add_bucket("lake", lakes.lake_of(events, 100, shards=3))
    far_side.add_function("fn", lambda _payload, context: ok().after(0.01 * (context.number % 4)))
    killed(runs, kills, "--unordered", seed=9)
    (warning, *_) = runs.plan("--unordered").summary["plan"]["warnings"]
    assert warning.startswith(f"Run {runs.newest.run_id} (crashed) has sent some of these events")
    run = runs.resume()
    assert run.status == "succeeded"
    assert run.summary["run"]["delivered"] == 2000
    assert set(far_side.delivered_data()) == set(data_of(events))
    assert repeats(far_side.delivered_data()) <= kills * MOST_REPEATS


def test_a_killed_run_names_each_record_that_failed_once(runs: Runs, far_side: FarSide) -> None:
    events, kills = lakes.make_events(1500, 60, seed=4), 3
    poison = events[7::50]
    far_side.add_bucket("lake", lakes.lake_of(events, 100, shards=4))
    far_side.add_function("fn", raising_on(ids_of(poison)))
    killed(runs, kills, "--max-attempts", "1", "--max-failures", "100%", seed=11)
    run = runs.resume()
    assert (run.code, run.status) == (3, "partial")
    assert [kept.failure.event_id for kept in runs.failures] == ids_of(poison)
    assert run.summary["run"].items() >= {"matched": 1500, "delivered": 1470, "failed": 30, "unknown": 0}.items()
    well = [event for event in events if event not in poison]
    assert set(far_side.delivered_data()) == set(data_of(well))
    assert repeats(far_side.delivered_data()) <= kills * MOST_REPEATS
    assert_in_order(far_side, events)


def test_a_limit_is_for_all_sessions_of_a_killed_run(runs: Runs, far_side: FarSide) -> None:
    events, kills = lakes.make_events(2000, 50, seed=5), 2
    far_side.add_bucket("lake", lakes.lake_of(events, 150))
    far_side.add_function("fn", lambda _payload, _context: ok().after(0.01))
    killed(runs, kills, "--limit", "1400", seed=11)
    assert runs.resume().summary["run"]["delivered"] == 1400
    assert set(far_side.delivered_data()) == set(data_of(events[:1400]))
    assert runs.resume().status == "nothing"


def test_what_a_killed_session_may_have_sent_is_told_by_the_next_that_sends(runs: Runs, far_side: FarSide) -> None:
    """Not by one in between that was stopped before it had sent anything."""
    events = lakes.make_events(1000, 50, seed=3)
    far_side.add_bucket("lake", lakes.lake_of(events, 100))
    far_side.add_function("fn", lambda _payload, _context: ok().after(0.01))
    process = runs.start(*FAST)
    runs.await_sent(3)
    kill(runs, process)
    far_side.requests.clear()
    read = far_side.hold("GET /lake/")
    process = runs.start_resume()
    far_side.wait_until(lambda: any(request.startswith("GET /lake/") for request in far_side.requests))
    process.send_signal(signal.SIGINT)
    read.set()
    between, run = runs.finish(process), runs.resume()
    assert (between.status, between.events["possible_duplicates"], between.events["delivered"]) == ("interrupted", 0, 0)
    assert (run.status, run.events["possible_duplicates"]) == ("succeeded", MOST_REPEATS)
    assert runs.show()["possible_duplicates"] == MOST_REPEATS
    assert runs.plan_resume().events["possible_duplicates"] == 0


def test_a_plan_tells_of_no_more_that_may_arrive_twice_than_is_left(runs: Runs, far_side: FarSide) -> None:
    events = lakes.make_events(300, 50, seed=3)
    far_side.add_bucket("lake", lakes.lake_of(events, 100))
    function = Held()
    far_side.add_function("fn", function)
    process = runs.start("--batch-size", "100", "--concurrency", "8")
    runs.await_sent(1)
    process.kill()
    function.go.set()
    kill(runs, process)
    plan = runs.plan_resume()
    assert plan.events["matched"] == 300
    assert plan.summary["plan"]["warnings"] == [
        "A session was killed, or left at once: of what was under way, up to 300 records may arrive twice."
    ]
    assert runs.resume().code == 0
    assert runs.plan_resume().summary["plan"]["warnings"] == []


# Interrupted


def test_a_run_interrupted_twice_delivers_every_event_once(runs: Runs, far_side: FarSide) -> None:
    events = lakes.make_events(2000, 100, seed=6)
    far_side.add_bucket("lake", lakes.lake_of(events, 130))
    far_side.add_function("fn", lambda _payload, _context: ok().after(0.01))
    process = runs.start(*FAST)
    runs.await_sent(25)
    first = interrupt(runs, process, signal.SIGINT)
    process = runs.start_resume()
    runs.await_sent(25)
    second = interrupt(runs, process, signal.SIGTERM)
    third = runs.resume()
    assert (third.status, third.events["possible_duplicates"]) == ("succeeded", 0)
    assert sum(run.events["delivered"] for run in (first, second, third)) == 2000
    assert third.summary["run"].items() >= {"matched": 2000, "delivered": 2000, "not_sent": 0}.items()
    assert_once_each(far_side.delivered_data(), data_of(events))
    assert_in_order(far_side, events)


@pytest.mark.parametrize("order", ["--ordered", "--unordered"])
def test_a_batch_of_which_only_a_half_was_sent_is_sent_to_its_end(order: str, runs: Runs, far_side: FarSide) -> None:
    """A batch that fails is halved, and the run interrupted before its second half is sent."""
    interrupted, bad = threading.Event(), ids_of(EVENTS)[15]

    def handler(payload: object, _context: Context) -> Reply:
        found = ids_in(payload)
        if len(found) == BATCH and bad in found:
            return function_error("ValueError", "poison")
        assert interrupted.wait(timeout=120)
        return ok()

    far_side.add_bucket("lake", lakes.lake_of([("the only key", event) for event in data_of(EVENTS)], 100))
    far_side.add_function("fn", handler)
    process = runs.start_text("--batch-size", str(BATCH), "--concurrency", "1", "--max-attempts", "1", order)
    runs.await_sent(2)
    interrupt_text(runs, process, interrupted.set)
    assert len(far_side.delivered()) == BATCH // 2
    far_side.add_function("fn")
    run = runs.resume()
    assert (run.status, run.summary["run"]["delivered"]) == ("succeeded", len(EVENTS))
    assert_once_each(far_side.delivered_data(), data_of(EVENTS))


# Under the frozen arguments


def test_a_run_goes_on_elsewhere_as_it_was_asked(runs: Runs, far_side: FarSide, tmp_path: Path, warm: Warm) -> None:
    """Relative paths and times mean what they meant; a dry-run of resume writes nothing."""
    for key, body in LAKE.items():
        (tmp_path / "lake" / key).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "lake" / key).write_bytes(body)
    far_side.add_function("fn", lambda _payload, _context: ok().after(0.05))
    ago_s = (datetime.now(UTC) - lakes.START - timedelta(seconds=200)) // timedelta(seconds=1)
    asked = ("--type", "thing-c*", "--type", "thing-u*", "--to", f"-{ago_s}s", "--batch-size", "7")
    process = runs.start(*asked, "--concurrency", "2", sources=["lake"])
    runs.await_sent(2)
    interrupt(runs, process)
    end_ms = runs.newest.arguments["selection"]["end_ms"]
    chosen = [event for event in data_of(EVENTS) if is_chosen(event, end_ms)]
    sent = len(far_side.delivered_data())

    shutil.copytree(runs.command.state_dir, tmp_path / "elsewhere" / "state")
    elsewhere = Runs(Cncbops(tmp_path / "elsewhere", warm=warm), far_side)
    known = dump(elsewhere.file)
    planned = elsewhere.plan_resume()
    assert (planned.status, planned.events["matched"]) == ("planned", len(chosen) - sent)
    assert planned.summary["run"]["delivered"] == sent == len(far_side.delivered_data())
    assert dump(elsewhere.file) == known

    assert elsewhere.resume().status == "succeeded"
    assert_once_each(far_side.delivered_data(), chosen)
    assert max(len(call.records) for call in runs.sent) == 7
    assert far_side.max_concurrency <= 2


def is_chosen(event: bytes, end_ms: int) -> bool:
    told = json.loads(event)
    return bool(told["type"] != "thing-deleted" and told["timestamp"] < end_ms)


def dump(ledger: Path) -> list[str]:
    connection = sqlite3.connect(f"file:{ledger}?mode=ro", uri=True)
    try:
        return list(connection.iterdump())
    finally:
        connection.close()
