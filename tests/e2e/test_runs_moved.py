"""A run goes on where the lake moved meanwhile: what is new is sent, what changed as the operator says."""

import signal
import threading
from collections.abc import Iterator
from contextlib import closing

import pytest

from cncbops.undertaking import LEAST_BYTES
from tests.e2e import lakes
from tests.e2e.far_side import Context, FarSide, Reply, StoredObject, function_error, ok
from tests.e2e.far_side_lambda import ARN
from tests.e2e.runs import Before, Events, Runs, assert_once_each, data_of, id_of, ids_in, ids_of, interrupt
from tests.e2e.servers import Cncbops
from tests.e2e.warm import Warm

PADDING = LEAST_BYTES // 100
"""So that the first two objects are all that is read at first, and a run without room does not know the last two."""
EVENTS = [
    (key, event.replace(b'"thing":', b'"padding":"%b","thing":' % (b"x" * PADDING)))
    for key, event in lakes.make_events(300, 2, seed=3)
]
LAKE = lakes.lake_of(EVENTS, 50)
KEYS = sorted(LAKE)
LATER = EVENTS[100:]
"""The events of the objects that the run before had not come to; see `before`."""


@pytest.fixture
def runs(cncbops: Cncbops, far_side: FarSide) -> Runs:
    return Runs(cncbops, far_side)


def running(runs: Runs) -> list[list[str]]:
    """The ids of the events of each invocation under way."""
    return [[id_of(record.data) for record in call.records] for call in runs.sent if call.outcome == "running"]


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory, warm: Warm) -> Iterator[Before]:
    """A run of two keys interrupted within the second of six objects, before it sent anything of the third."""
    go_on, held = threading.Event(), set(ids_of(EVENTS[60:]))

    def handler(payload: object, _context: Context) -> Reply:
        assert held.isdisjoint(ids_in(payload)) or go_on.wait(timeout=120)
        return ok()

    with FarSide() as far_side, closing(Cncbops(tmp_path_factory.mktemp("before"), warm=warm)) as command:
        runs = Runs(command, far_side)
        far_side.add_bucket("lake", LAKE)
        far_side.add_function("fn", handler)
        process = runs.start_text("--batch-size", "10", "--concurrency", "2")
        far_side.wait_until(lambda: len(waiting := running(runs)) == 2 and all(map(held.intersection, waiting)))
        process.send_signal(signal.SIGINT)
        assert process.stderr
        assert any(b"stopping" in line for line in process.stderr), "it heeds the signal before it may go on"
        go_on.set()
        assert command.finish(process).code == 130
        delivered = far_side.delivered_data()
        assert set(data_of(EVENTS[50:100])) & set(delivered)
        assert not set(data_of(LATER)) & set(delivered)
        yield Before(runs.file, delivered)


@pytest.fixture
def halfway(runs: Runs, before: Before) -> Before:
    """The run before, to be taken up with a copy of its ledger's file and another far side with the same lake."""
    before.copy_to(runs.command.state_dir)
    runs.far_side.add_bucket("lake", LAKE)
    runs.far_side.add_function("fn")
    return before


def left_of(before: Before, events: Events) -> list[bytes]:
    return [event for event in data_of(events) if event not in set(before.delivered)]


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
    line = f"cncbops runs resume {runs.newest.run_id} --execute --on-changed"
    assert f"Leave them out: `{line} skip`, or send them anew: `{line} restart`\n" in run.err
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
    assert (totals["objects_left_out"], run.summary["objects"]["left_out"]) == (1, 1)
    assert totals["not_sent_left_out"] == totals["not_sent"]
    assert run.summary["next_step"] is runs.show()["next_step"] is None
    again = runs.resume("--on-changed", "restart")
    assert (again.code, again.status) == (0, "succeeded")
    assert set(data_of(NEW)) < set(far_side.delivered_data())


def test_who_interrupts_a_resume_that_leaves_out_is_told_to_go_on_like_that(
    runs: Runs, halfway: Before, far_side: FarSide
) -> None:
    far_side.add_bucket("lake", CHANGED)
    far_side.add_function("fn", lambda _payload, _context: ok().after(0.05))
    process = runs.start_resume("--on-changed", "skip")
    runs.await_sent(1)
    run = interrupt(runs, process)
    assert (run.status, run.summary["on_changed"]) == ("interrupted", "skip")
    assert run.summary["next_step"] == f"cncbops runs resume {runs.newest.run_id} --execute --on-changed skip"
    assert runs.show()["next_step"] == run.summary["next_step"]


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
    assert runs.redrive().code == 0
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
    plan = runs.plan_resume()
    assert (plan.code, plan.status, plan.events["matched"]) == (0, "planned", 50)
    run = runs.resume()
    assert (run.code, run.status, run.events["delivered"]) == (0, "succeeded", 50)
    assert_once_each(far_side.delivered_data(), data_of(EVENTS))
    assert [kept.mended_in for kept in runs.failures] == [2]


def test_what_fails_again_and_what_cannot_be_read_are_advised_in_turns(runs: Runs, far_side: FarSide) -> None:
    bad = ids_of(EVENTS[:1])[0]
    archived = StoredObject(LAKE[KEYS[2]], storage_class="GLACIER")
    far_side.add_bucket("lake", {**LAKE, KEYS[2]: archived})
    far_side.add_function("fn", lambda payload, _: function_error("E", "e") if bad in ids_in(payload) else ok())
    assert runs.execute().summary["next_step"].startswith("cncbops runs redrive")
    assert runs.redrive().summary["next_step"].startswith("cncbops runs resume")
    assert runs.resume().summary["next_step"].startswith("cncbops runs redrive")


def test_a_run_does_not_go_on_with_another_account_s_function(runs: Runs, halfway: Before, far_side: FarSide) -> None:
    elsewhere = ARN.replace("123456789012", "210987654321") + "fn"
    far_side.add_function("fn", configuration={"FunctionArn": elsewhere})
    run = runs.resume()
    assert run.code == 1
    assert elsewhere in run.err
    assert runs.sent == []
