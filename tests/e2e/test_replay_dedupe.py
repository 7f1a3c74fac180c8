"""With --dedupe an event that the lake holds more than once is sent once: the first of the lake."""

import json
import random
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.e2e import lakes
from tests.e2e.copies import Event, copy_of, firsts, with_copies
from tests.e2e.far_side import FarSide, ok
from tests.e2e.runs import (
    Runs,
    assert_in_order,
    assert_once_each,
    data_of,
    ids_of,
    interrupt_once_sent,
    kill,
    kill_once_sent,
    raising_on,
    repeats,
)
from tests.e2e.servers import Cncbops

EVENTS = with_copies(400, 40, seed=11, padding=8_000)  # more than several processes read at a time
FIRSTS = firsts(EVENTS)
LAKE = lakes.lake_of(EVENTS, 30, shards=2)
REPEATED = len(EVENTS) - len(FIRSTS)
FEW = with_copies(200, 20, seed=12)
FEW_FIRSTS = firsts(FEW)
FAST = ("--dedupe", "--batch-size", "5", "--concurrency", "6")


@pytest.fixture
def runs(cncbops: Cncbops, far_side: FarSide) -> Runs:
    far_side.add_bucket("lake", LAKE)
    far_side.add_function("fn")
    return Runs(cncbops, far_side)


def put(far_side: FarSide, *events: Sequence[Event], per_object: int = 10) -> None:
    """Lakes one after another: each is a bucket's folder."""
    objects = {
        f"{number}/{key}": body
        for number, some in enumerate(events)
        for key, body in lakes.lake_of(some, per_object).items()
    }
    far_side.add_bucket("lake", objects)


@pytest.mark.parametrize("workers", ["1", "3"])
def test_the_first_event_of_each_id_is_sent_and_the_others_are_counted(
    workers: str, runs: Runs, far_side: FarSide
) -> None:
    planned = runs.plan(*FAST, "--workers", workers)
    assert planned.events.items() >= {"matched": len(FIRSTS), "repeated": REPEATED, "read": len(EVENTS)}.items()
    run = runs.execute(*FAST, "--workers", workers)
    assert (run.status, run.events["delivered"], run.events["repeated"]) == ("succeeded", len(FIRSTS), REPEATED)
    assert run.summary["invocations"]["total"] == planned.summary["invocations"]["total"]
    assert_once_each(far_side.delivered_data(), data_of(FIRSTS))
    assert_in_order(far_side, FIRSTS)


def test_without_it_all_are_sent(runs: Runs, far_side: FarSide) -> None:
    put(far_side, FEW)
    run = runs.plan()
    assert (run.events["matched"], run.events["repeated"]) == (len(FEW), 0)


def test_an_id_is_known_over_all_sources_in_their_order(runs: Runs, far_side: FarSide) -> None:
    events = with_copies(60, 6, seed=2)
    put(far_side, events[40:], events)
    run = runs.execute("--dedupe", sources=["s3://lake/1/", "s3://lake/0/"])
    assert run.events["delivered"] == len(firsts(events))
    assert_once_each(far_side.delivered_data(), data_of(firsts(events)))


def test_events_without_an_id_are_like_no_other(runs: Runs, far_side: FarSide) -> None:
    event = b'{"type":"thing-created","timestamp":1523159608000,"partitionKey":"a"}'
    far_side.add_bucket("lake", {"a": lakes.join([event, event]), "b": lakes.join([event])})
    run = runs.execute("--dedupe")
    assert (run.events["delivered"], run.events["repeated"]) == (3, 0)


def test_only_what_is_chosen_is_first(runs: Runs, far_side: FarSide) -> None:
    (key, event), *_ = lakes.make_events(1, 1)
    other = event.replace(b"thing-updated", b"thing-created").replace(b"thing-deleted", b"thing-created")
    typed = other.replace(b"thing-created", b"thing-chosen")
    put(far_side, [(key, other), (key, typed), (key, other)])
    run = runs.execute("--dedupe", "--type", "thing-chosen")
    assert (run.events["delivered"], run.events["repeated"]) == (1, 0)


def test_a_limit_counts_what_is_sent(runs: Runs, far_side: FarSide) -> None:
    put(far_side, FEW)
    planned = runs.plan("--dedupe", "--limit", "150")
    run = runs.execute("--dedupe", "--limit", "150")
    assert (run.events["delivered"], planned.events["matched"]) == (150, 150)
    assert run.events["repeated"] == planned.events["repeated"] > 0
    assert_once_each(far_side.delivered_data(), data_of(FEW_FIRSTS[:150]))


def test_a_limit_is_for_all_sessions_of_a_killed_run(runs: Runs, far_side: FarSide) -> None:
    far_side.add_function("fn", lambda _payload, _context: ok().after(0.01))
    process = runs.start(*FAST, "--limit", "250")
    kill_once_sent(runs, process, 20)
    run = runs.resume()
    assert run.summary["run"]["delivered"] == 250
    assert set(far_side.delivered_data()) == set(data_of(FIRSTS[:250]))
    assert repeats(far_side.delivered_data()) <= 30
    assert runs.resume().status == "nothing"


@pytest.mark.parametrize("workers", ["1", "3"])
def test_what_was_chosen_before_a_kill_stays_chosen_though_the_lake_has_grown(
    workers: str, runs: Runs, far_side: FarSide
) -> None:
    chance = random.Random(int(workers))
    far_side.add_function("fn", lambda _payload, _context: ok().after(0.01))
    process = runs.start(*FAST, "--workers", workers)
    runs.await_sent(chance.randint(1, 40))
    for _ in range(3):
        kill(runs, process)
        process = runs.start_resume("--workers", workers)
        runs.await_requests(chance.randint(5, 60))
    kill(runs, process)
    # A copy of everything in front of all that the run knows: only what it has not come to is new.
    copies = [(key, copy_of(event, 9)) for key, event in lakes.make_events(400, 40, seed=11)]
    far_side.add_bucket("lake", {**LAKE, **{f"a/{key}": body for key, body in lakes.lake_of(copies, 50).items()}})
    run = runs.resume("--workers", workers)
    assert run.status == "succeeded"
    assert run.summary["run"]["delivered"] == len(FIRSTS)
    delivered = far_side.delivered_data()
    sent = {json.loads(event)["id"]: event for event in delivered}
    assert len(sent) == len(FIRSTS)
    in_flight = 4 * 6 * 5
    assert len(delivered) - len(sent) <= in_flight
    known = {json.loads(event)["id"]: event for _, event in FIRSTS}
    assert all(event == known[event_id] or b'"copy":9' in event for event_id, event in sent.items())


def test_an_interrupted_run_sends_each_id_once(runs: Runs, far_side: FarSide) -> None:
    far_side.add_function("fn", lambda _payload, _context: ok().after(0.01))
    process = runs.start(*FAST, "--workers", "2")
    first = interrupt_once_sent(runs, process, 20)
    planned = runs.plan_resume("--workers", "1")
    run = runs.resume("--workers", "2")
    assert first.events["delivered"] + run.events["delivered"] == len(FIRSTS)
    assert planned.events["matched"] == run.events["matched"]
    assert_once_each(far_side.delivered_data(), data_of(FIRSTS))
    assert_in_order(far_side, FIRSTS)


def test_what_failed_is_redriven_as_it_was_chosen(runs: Runs, far_side: FarSide) -> None:
    put(far_side, FEW)
    poison = FEW_FIRSTS[5::40]
    far_side.add_function("fn", raising_on(ids_of(poison)))
    run = runs.execute("--dedupe", "--max-attempts", "1", "--max-failures", "100%")
    assert (run.events["failed"], run.events["delivered"]) == (len(poison), len(FEW_FIRSTS) - len(poison))
    far_side.add_function("fn")
    assert runs.redrive().events["delivered"] == len(poison)
    assert_once_each(far_side.delivered_data(), data_of(FEW_FIRSTS))


def test_an_object_that_changed_is_not_sent_anew_as_others_lost_events_to_it(runs: Runs, far_side: FarSide) -> None:
    first, second, other = (lakes.make_events(10, 3, seed=seed) for seed in (3, 4, 5))
    objects = {"a": lakes.join(data_of(first)), "b": lakes.join(data_of([*first, *second]))}
    far_side.add_bucket("lake", objects)
    far_side.add_function("fn", lambda _payload, _context: ok().after(0.05))
    process = runs.start("--dedupe", "--batch-size", "1", "--concurrency", "1")
    sent = interrupt_once_sent(runs, process, 3).events["delivered"]
    far_side.add_function("fn")
    far_side.add_bucket("lake", {**objects, "a": lakes.join(data_of(other))})
    run = runs.resume("--on-changed", "restart")
    assert (run.code, "restart with --dedupe" in run.err, "new run" in run.err) == (2, True, True)
    run = runs.resume()
    assert (run.code, "--on-changed skip" in run.err, "restart" in run.err) == (1, True, False)
    assert len(far_side.delivered_data()) == sent
    run = runs.resume("--on-changed", "skip")
    assert (run.code, run.events["delivered"]) == (3, 10)
    assert run.summary["run"].items() >= {"delivered": sent + 10, "not_sent": 10 - sent}.items()
    assert set(data_of(second)) <= set(far_side.delivered_data()) <= set(data_of([*first, *second]))


def test_a_plan_that_was_saved_is_done_alike(runs: Runs, far_side: FarSide, tmp_path: Path) -> None:
    put(far_side, FEW)
    plan = tmp_path / "the.plan"
    planned = runs.plan("--dedupe", "--save-plan", str(plan))
    run = runs.execute_plan(plan)
    assert run.events["delivered"] == planned.events["matched"] == len(FEW_FIRSTS)
    assert_once_each(far_side.delivered_data(), data_of(FEW_FIRSTS))
    assert runs.newest.arguments["dedupe"] is True


def test_a_canary_is_of_first_events(runs: Runs, far_side: FarSide) -> None:
    run = runs.execute(*FAST, "--canary", "20", "--workers", "3")
    assert run.events["delivered"] == len(FIRSTS)
    canary = [record.data for call in runs.sent[:4] for record in call.records]
    assert sorted(canary) == sorted(data_of(FIRSTS[:20]))
