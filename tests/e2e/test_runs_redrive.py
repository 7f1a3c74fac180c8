"""What failed is sent once more when the function is mended: those records, each once, and nothing else."""

import signal
import stat
import threading
from collections.abc import Iterator

import pytest

from tests.e2e import lakes
from tests.e2e.far_side import Context, FarSide, Reply, close_after_running, function_error, ok
from tests.e2e.runs import (
    Before,
    Runs,
    assert_in_order,
    assert_once_each,
    data_of,
    ids_in,
    ids_of,
    kill_once_sent,
    raising_on,
    repeats,
)
from tests.e2e.servers import Cncbops
from tests.e2e.warm import Warm

EVENTS = lakes.make_events(200, 40, seed=21)
POISON = EVENTS[3::10]
LAKE = lakes.lake_of(EVENTS, 50)
FIRST, *_ = sorted(LAKE)
SMALL = ("--batch-size", "2", "--concurrency", "4", "--max-failures", "100%", "--max-attempts", "1")


@pytest.fixture
def runs(cncbops: Cncbops, far_side: FarSide) -> Runs:
    return Runs(cncbops, far_side)


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory, warm: Warm) -> Iterator[Before]:
    """A run of which one record in ten failed."""
    with FarSide() as far_side:
        runs = Runs(Cncbops(tmp_path_factory.mktemp("before"), warm=warm), far_side)
        far_side.add_bucket("lake", LAKE)
        far_side.add_function("fn", raising_on(ids_of(POISON)))
        run = runs.execute(*SMALL)
        assert (run.code, run.events["failed"], run.events["delivered"]) == (3, 20, 180)
        yield Before(runs.file, far_side.delivered_data())


@pytest.fixture
def poisoned(runs: Runs, before: Before) -> Before:
    """The run before, to be taken up with a copy of its ledger's file, and a function that is mended."""
    before.copy_to(runs.command.state_dir)
    runs.far_side.add_bucket("lake", LAKE)
    runs.far_side.add_function("fn")
    return before


def test_exactly_the_failed_records_are_sent_once_the_function_is_mended(
    runs: Runs, poisoned: Before, far_side: FarSide
) -> None:
    planned = runs.plan_redrive()
    assert (planned.status, planned.events["matched"], runs.sent) == ("planned", 20, [])
    run = runs.redrive()
    assert (run.code, run.status, run.events["delivered"]) == (0, "succeeded", 20)
    assert run.summary["run"].items() >= {"matched": 200, "delivered": 200, "failed": 0, "not_sent": 0}.items()
    assert_once_each(far_side.delivered_data(), data_of(POISON))
    assert_in_order(far_side, POISON)
    assert runs.newest.status == "succeeded"
    shown = runs.show()
    assert shown["ended"] == shown["sessions"][-1]["ended"] > shown["sessions"][0]["ended"]
    assert [kept.failure.event_id for kept in runs.failures if kept.mended_in == 2] == ids_of(POISON)
    again = runs.redrive()
    assert (again.code, again.status) == (0, "nothing")
    assert len(far_side.delivered()) == 20


def test_a_ledger_is_of_its_owner_alone_and_holds_no_event(before: Before) -> None:
    assert stat.S_IMODE(before.file.stat().st_mode) == 0o600
    held = before.file.read_bytes()
    assert all(event_id.encode() in held for event_id in ids_of(POISON)), "what failed is named"
    assert not [event_id for event_id in ids_of(EVENTS) if event_id.encode() in held and event_id not in ids_of(POISON)]
    assert not [event for event in data_of(EVENTS) if event.partition(b'"thing":')[2] in held]


def test_a_redrive_that_was_killed_leaves_nothing_behind(runs: Runs, poisoned: Before, far_side: FarSide) -> None:
    far_side.add_function("fn", lambda _payload, _context: ok().after(0.05))
    process = runs.start_redrive()
    kill_once_sent(runs, process, 5)
    assert 0 < len(far_side.delivered()) < 20
    run = runs.redrive()
    assert (run.code, run.summary["run"]["delivered"], run.events["possible_duplicates"]) == (0, 200, 4 * 2)
    assert set(far_side.delivered_data()) == set(data_of(POISON))
    assert repeats(far_side.delivered_data()) <= 4 * 2
    assert runs.newest.status == "succeeded"


@pytest.mark.parametrize("unknown", [[], ["--unknown"]], ids=["failed", "unknown"])
def test_one_that_is_left_at_once_is_said_again(
    unknown: list[str], runs: Runs, poisoned: Before, far_side: FarSide
) -> None:
    go_on = threading.Event()

    def held(_payload: object, _context: Context) -> Reply:
        assert go_on.wait(timeout=120)
        return ok()

    far_side.add_function("fn", held)
    process = runs.start_redrive(*unknown)
    runs.await_sent(1)
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGTERM)
    result = runs.command.finish(process)
    go_on.set()
    assert (result.code, result.json["status"]) == (130, "interrupted")
    line = " ".join(["cncbops runs redrive", runs.newest.run_id, *unknown, "--execute"])
    assert f"Go on with `{line}`" in result.err


def test_what_fails_again_stays_open_with_its_new_error(runs: Runs, poisoned: Before, far_side: FarSide) -> None:
    still_bad = POISON[::2]
    far_side.add_function("fn", raising_on(ids_of(still_bad), "TypeError"))
    run = runs.redrive()
    assert (run.code, run.status) == (3, "partial")
    assert run.summary["run"].items() >= {"delivered": 190, "failed": 10}.items()
    assert runs.newest.status == "partial"
    still_open = [kept for kept in runs.failures if kept.mended_in is None]
    assert [(kept.failure.event_id, kept.failure.error) for kept in still_open] == [
        (event_id, "TypeError") for event_id in ids_of(still_bad)
    ]
    assert_once_each(far_side.delivered_data(), data_of(POISON[1::2]))


def test_records_of_an_object_that_changed_are_not_guessed(runs: Runs, poisoned: Before, far_side: FarSide) -> None:
    far_side.add_bucket("lake", {**LAKE, FIRST: b"".join(lakes.make_lake(50, 5, 50, seed=22).values())})
    run = runs.redrive()
    assert run.code == 1
    assert FIRST in run.err
    assert runs.sent == []
    line = f"cncbops runs redrive {runs.newest.run_id}"
    assert f"Leave them out: `{line} --execute --on-changed skip`\n" in run.err
    assert f"`{line} --unknown --on-changed skip`" in runs.plan_redrive("--unknown").err, "what plans goes on planning"
    run = runs.redrive("--on-changed", "skip")
    assert run.summary["run"].items() >= {"delivered": 195, "failed": 5}.items()
    assert_once_each(far_side.delivered_data(), data_of(POISON[5:]))
    assert runs.newest.status == "partial"
    assert run.summary["objects"].items() >= {"failed": 1, "left_out": 1}.items()
    assert run.summary["run"].items() >= {"objects_left_out": 1, "failed_left_out": 5}.items()
    assert run.summary["run"].items() >= {"objects": 4, "objects_done": 3, "objects_unreadable": 1}.items()
    assert runs.show()["next_step"] is None, "a further redrive would send nothing"


def test_where_a_redrive_would_leave_all_out_it_advises_no_such_thing(
    runs: Runs, poisoned: Before, far_side: FarSide
) -> None:
    far_side.add_bucket("lake", {})
    run = runs.redrive()
    assert (run.code, "--on-changed" in run.err) == (1, False)
    assert "put them back, or begin a new run with `cncbops replay`" in run.err
    plan = runs.plan_redrive("--on-changed", "skip")
    assert (plan.code, plan.status, plan.summary["objects"]["left_out"]) == (3, "nothing", 4)


def test_an_object_that_is_what_it_was_again_is_no_more_left_out(
    runs: Runs, poisoned: Before, far_side: FarSide
) -> None:
    far_side.add_bucket("lake", {**LAKE, FIRST: b"".join(lakes.make_lake(50, 5, 50, seed=22).values())})
    assert runs.redrive("--on-changed", "skip").summary["run"]["failed"] == 5
    far_side.add_bucket("lake", LAKE)
    run = runs.redrive()
    assert run.summary["run"].items() >= {"delivered": 200, "objects_left_out": 0, "objects_unreadable": 0}.items()
    assert runs.newest.status == "succeeded"


def test_what_may_have_arrived_is_sent_again_only_when_that_is_asked_for(runs: Runs, far_side: FarSide) -> None:
    """The connection is cut after the function ran: nobody can know whether the records were taken."""
    lost, poison = ids_of(EVENTS)[30], ids_of(EVENTS)[150]

    def handler(payload: object, _context: Context) -> Reply:
        if lost in ids_in(payload):
            return close_after_running()
        return function_error("ValueError", "poison") if poison in ids_in(payload) else ok()

    far_side.add_bucket("lake", LAKE)
    far_side.add_function("fn", handler)
    run = runs.execute("--batch-size", "5", "--on-unknown", "fail")
    (cut,) = [call for call in runs.sent if call.outcome == "unknown"]
    lost_ones = [record.data for record in cut.records]
    assert run.code == 3
    assert run.events.items() >= {"unknown": 5, "failed": 1, "delivered": 194}.items()
    assert [kept.failure.fate for kept in runs.failures].count("unknown") == 5

    far_side.add_function("fn")
    sent = len(runs.sent)
    assert runs.resume().events["matched"] == 0
    assert len(runs.sent) == sent
    run = runs.redrive()
    assert run.summary["run"].items() >= {"delivered": 195, "failed": 0, "unknown": 5}.items()
    assert not set(lost_ones) & set(far_side.delivered_data())
    assert runs.newest.status == "partial"
    run = runs.redrive("--unknown")
    assert run.summary["run"].items() >= {"delivered": 200, "unknown": 0}.items()
    assert_once_each(far_side.delivered_data(), data_of(EVENTS))
    assert runs.newest.status == "succeeded"
