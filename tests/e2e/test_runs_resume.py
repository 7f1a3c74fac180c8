"""A run that was killed, interrupted or could not write goes on where it stood: nothing lost, little doubled."""

import json
import random
import shutil
import signal
import sqlite3
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.e2e import lakes
from tests.e2e.far_side import Context, FarSide, Reply, StoredObject, function_error, ok
from tests.e2e.far_side_lambda import ARN
from tests.e2e.runs import (
    Before,
    Events,
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
from tests.e2e.servers import BIN, Cncbops

IN_FLIGHT, BATCH = 8, 20
MOST_REPEATS = IN_FLIGHT * BATCH
FAST = ("--concurrency", str(IN_FLIGHT), "--batch-size", str(BATCH))

EVENTS = lakes.make_events(300, 30, seed=3)
LAKE = lakes.lake_of(EVENTS, 50)
KEYS = sorted(LAKE)
LATER = EVENTS[100:]
"""The events of the objects that the run before had not come to; see `before`."""


@pytest.fixture
def runs(cncbops: Cncbops, far_side: FarSide) -> Runs:
    return Runs(cncbops, far_side)


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Before]:
    """A run interrupted within the second of six objects, before it sent anything of the third."""
    go_on = threading.Event()

    def handler(_payload: object, context: Context) -> Reply:
        assert context.number < 6 or go_on.wait(timeout=30)
        return ok()

    with FarSide() as far_side:
        command = Cncbops(tmp_path_factory.mktemp("before"))
        runs = Runs(command, far_side)
        far_side.add_bucket("lake", LAKE)
        far_side.add_function("fn", handler)
        process = runs.start("--batch-size", "10", "--concurrency", "2")
        runs.await_sent(8)
        process.send_signal(signal.SIGINT)
        go_on.set()
        assert command.finish(process).code == 130
        delivered = far_side.delivered_data()
        assert set(data_of(EVENTS[50:100])) & set(delivered)
        assert not set(data_of(LATER)) & set(delivered)
        yield Before(runs.file, delivered)
        command.close()


@pytest.fixture
def halfway(runs: Runs, before: Before) -> Before:
    """The run before, to be taken up with a copy of its ledger's file and another far side with the same lake."""
    before.copy_to(runs.command.state_dir)
    runs.far_side.add_bucket("lake", LAKE)
    runs.far_side.add_function("fn")
    return before


def left_of(before: Before, events: Events) -> list[bytes]:
    return [event for event in data_of(events) if event not in set(before.delivered)]


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
        assert interrupted.wait(timeout=30)
        return ok()

    far_side.add_bucket("lake", LAKE)
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


def test_a_run_goes_on_elsewhere_as_it_was_asked(runs: Runs, far_side: FarSide, tmp_path: Path) -> None:
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
    elsewhere = Runs(Cncbops(tmp_path / "elsewhere"), far_side)
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


# When lake or function moved


def test_objects_that_appeared_are_sent_and_then_nothing_is_left(
    runs: Runs, halfway: Before, far_side: FarSide
) -> None:
    between, last = lakes.make_events(20, 5, seed=8), lakes.make_events(20, 5, seed=9)
    more = {
        KEYS[3] + "-between": b"".join(lakes.lake_of(between, 20).values()),
        KEYS[-1] + "-last": b"".join(lakes.lake_of(last, 20).values()),
    }
    far_side.add_bucket("lake", {**LAKE, **more})
    run = runs.resume()
    assert run.summary["run"].items() >= {"matched": 340, "delivered": 340, "objects": 8, "objects_done": 8}.items()
    assert_once_each(far_side.delivered_data(), left_of(halfway, EVENTS) + data_of(between) + data_of(last))
    again = runs.resume()
    assert (again.code, again.status, again.summary["run"]) == (0, "nothing", run.summary["run"])
    assert len(far_side.delivered_data()) == len(set(far_side.delivered_data()))


NEW = lakes.make_events(50, 5, seed=10)
CHANGED = {**LAKE, KEYS[1]: b"".join(lakes.lake_of(NEW, 50).values())}


def test_a_changed_object_ends_a_resume_before_anything_is_sent(runs: Runs, halfway: Before, far_side: FarSide) -> None:
    far_side.add_bucket("lake", CHANGED)
    run = runs.resume()
    assert run.code == 1
    assert KEYS[1] in run.err
    assert "--on-changed" in run.err
    assert runs.sent == []
    assert runs.newest.status == "interrupted"


def test_a_changed_object_can_be_left_out(runs: Runs, halfway: Before, far_side: FarSide) -> None:
    far_side.add_bucket("lake", CHANGED)
    run = runs.resume("--on-changed", "skip")
    assert (run.code, run.status) == (3, "partial")
    assert_once_each(far_side.delivered_data(), left_of(halfway, EVENTS[:50]) + data_of(LATER))
    (kept,) = runs.failures
    assert (kept.failure.object, kept.failure.error) == (f"s3://lake/{KEYS[1]}", "Changed")
    totals = run.summary["run"]
    assert (totals["objects_done"], totals["objects"]) == (5, 6)
    assert totals["not_sent"] == totals["matched"] - len(halfway.delivered) - len(far_side.delivered_data()) > 0
    again = runs.resume("--on-changed", "restart")
    assert (again.code, again.status) == (0, "succeeded")
    assert set(data_of(NEW)) < set(far_side.delivered_data())


def test_a_changed_object_can_be_sent_anew(runs: Runs, halfway: Before, far_side: FarSide) -> None:
    far_side.add_bucket("lake", CHANGED)
    run = runs.resume("--on-changed", "restart")
    assert (run.code, run.status) == (0, "succeeded")
    assert_once_each(far_side.delivered_data(), left_of(halfway, EVENTS[:50]) + data_of(NEW) + data_of(LATER))
    assert run.summary["run"].items() >= {"matched": 300, "delivered": 300, "objects": 6, "objects_done": 6}.items()


def test_a_changed_object_that_was_to_be_sent_anew_is_not_forgotten_when_that_is_stopped(
    runs: Runs, halfway: Before, far_side: FarSide
) -> None:
    far_side.add_bucket("lake", CHANGED)
    far_side.add_function("fn", lambda _payload, _context: function_error("Error", "broken"))
    stopped = runs.resume("--on-changed", "restart", "--max-failures", "0")
    assert (stopped.code, stopped.status) == (5, "stopped")
    far_side.add_function("fn")
    assert runs.resume().code == 3
    assert set(data_of(NEW)) <= set(far_side.delivered_data())


def test_an_object_that_is_gone_is_a_failure_of_its_own(runs: Runs, halfway: Before, far_side: FarSide) -> None:
    far_side.add_bucket("lake", {key: body for key, body in LAKE.items() if key != KEYS[1]})
    run = runs.resume("--on-changed", "restart")
    assert (run.code, run.status) == (3, "partial")
    (kept,) = runs.failures
    assert (kept.failure.object, kept.failure.error) == (f"s3://lake/{KEYS[1]}", "NoSuchKey")
    assert_once_each(far_side.delivered_data(), left_of(halfway, EVENTS[:50]) + data_of(LATER))


def test_an_object_that_was_archived_is_sent_when_it_is_restored(runs: Runs, far_side: FarSide) -> None:
    archived = StoredObject(LAKE[KEYS[2]], storage_class="GLACIER")
    far_side.add_bucket("lake", {**LAKE, KEYS[2]: archived})
    far_side.add_function("fn")
    run = runs.execute()
    assert (run.code, run.summary["run"]["objects_unreadable"], run.summary["run"]["delivered"]) == (3, 1, 250)
    far_side.add_bucket("lake", LAKE)
    run = runs.resume()
    assert (run.code, run.status, run.events["delivered"]) == (0, "succeeded", 50)
    assert_once_each(far_side.delivered_data(), data_of(EVENTS))
    assert [kept.mended_in for kept in runs.failures] == [2]


def test_a_run_does_not_go_on_with_another_account_s_function(runs: Runs, halfway: Before, far_side: FarSide) -> None:
    elsewhere = ARN.replace("123456789012", "210987654321") + "fn"
    far_side.add_function("fn", configuration={"FunctionArn": elsewhere})
    run = runs.resume()
    assert run.code == 1
    assert elsewhere in run.err
    assert runs.sent == []


# Where the ledger cannot be written


def with_room(kilobytes: int, home: Path) -> Cncbops:
    """The command, unable to let any file grow beyond that."""
    return Cncbops(home, ("bash", "-c", f'ulimit -f {kilobytes}; exec "$0" "$@"', str(BIN / "cncbops")))


def a_file_in_its_way(home: Path) -> Cncbops:
    (home / "file").touch()
    command = Cncbops(home)
    command.state_dir = home / "file" / "state"
    return command


def a_folder_in_its_place(home: Path) -> Cncbops:
    (home / "state" / "ledger.db").mkdir(parents=True)
    return Cncbops(home)


def another_file_in_its_place(home: Path) -> Cncbops:
    (home / "state").mkdir()
    (home / "state" / "ledger.db").write_bytes(b"what somebody else keeps here\n" * 200)
    return Cncbops(home)


@pytest.mark.parametrize(
    "trouble",
    [lambda home: with_room(0, home), a_file_in_its_way, a_folder_in_its_place, another_file_in_its_place],
    ids=["no room", "file in its way", "folder in its place", "another file"],
)
def test_nothing_is_sent_where_there_can_be_no_ledger(
    trouble: Callable[[Path], Cncbops], far_side: FarSide, tmp_path: Path
) -> None:
    far_side.add_bucket("lake", LAKE)
    far_side.add_function("fn")
    runs = Runs(trouble(tmp_path), far_side)
    files = contents_of(tmp_path)
    run = runs.execute()
    assert (run.code, run.status) == (1, "failed")
    assert str(runs.command.state_dir) in run.err
    assert runs.sent == []
    assert contents_of(tmp_path) == files


def contents_of(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_run_ends_where_its_ledger_has_no_more_room_and_goes_on_later(far_side: FarSide, tmp_path: Path) -> None:
    events = lakes.make_events(2000, 50, seed=11)
    far_side.add_bucket("lake", lakes.lake_of(events, 100))
    far_side.add_function("fn", lambda _payload, _context: ok().after(0.01))
    run = Runs(with_room(256, tmp_path), far_side).execute(*FAST)
    assert (run.code, run.status) == (1, "failed")
    assert "cannot be written" in run.err
    assert "Make room" in run.err
    assert 0 < run.events["delivered"] == len(far_side.delivered()) < 2000
    runs = Runs(Cncbops(tmp_path), far_side)
    run = runs.resume()
    assert (run.status, run.summary["run"]["delivered"]) == ("succeeded", 2000)
    assert set(far_side.delivered_data()) == set(data_of(events))
    assert repeats(far_side.delivered_data()) <= MOST_REPEATS
    assert_in_order(far_side, events)
