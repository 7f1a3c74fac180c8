"""With --latest-per-key the newest event of each partition key is sent, and nothing else."""

import gzip
import json
import random
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.e2e import far_side_s3, lakes
from tests.e2e.copies import copy_of
from tests.e2e.far_side import FarSide, ok
from tests.e2e.runs import (
    Runs,
    assert_once_each,
    ids_of,
    interrupt_once_sent,
    interrupt_text,
    kill_once_sent,
    raising_on,
    repeats,
)
from tests.e2e.servers import Cncbops

ARRIVAL_MS = 1_523_159_608_000


class Arrived(NamedTuple):
    """An event as the lake has it, with what orders it."""

    key: str
    event: bytes
    arrival_ms: int
    sequence: int

    @property
    def line(self) -> bytes:
        return lakes.envelope(self.event, self.key, self.sequence, 0, self.arrival_ms)


def arrived(n_events: int, n_keys: int, *, seed: int, padding: int = 0) -> list[Arrived]:
    """Events in an order that is not that of their arrival; some arrive at the same time."""
    chance = random.Random(seed)
    return [
        Arrived(key, copy_of(event, 0, padding), ARRIVAL_MS + chance.randrange(n_events // 4), chance.getrandbits(60))
        for key, event in lakes.make_events(n_events, n_keys, seed=seed)
    ]


def newest(events: list[Arrived]) -> list[bytes]:
    """The newest of each key, in the order of the lake."""
    last: dict[str, Arrived] = {}
    for each in events:
        if each.key not in last or each[2:] > last[each.key][2:]:
            last[each.key] = each
    return [each.event for each in events if each is last[each.key]]


def lake_of(events: list[Arrived], per_object: int) -> dict[str, bytes]:
    starts = range(0, len(events), per_object)
    return {
        lakes.firehose_key(index=start).replace("/03/", f"/03/{start:06d}-"): lakes.join(
            each.line for each in events[start : start + per_object]
        )
        for start in starts
    }


EVENTS = arrived(500, 120, seed=5, padding=10_000)  # more than several processes read at a time
NEWEST = newest(EVENTS)
LAKE = lake_of(EVENTS, 20)
FEW = arrived(200, 60, seed=6)
FEW_NEWEST = newest(FEW)
FEW_OBJECTS = lake_of(FEW, 20)
FAST = ("--latest-per-key", "--batch-size", "3", "--concurrency", "4")


@pytest.fixture
def runs(cncbops: Cncbops, far_side: FarSide) -> Runs:
    far_side.add_bucket("lake", LAKE)
    far_side.add_function("fn")
    return Runs(cncbops, far_side)


@pytest.mark.parametrize("workers", ["1", "3"])
def test_the_newest_event_of_each_key_is_sent(workers: str, runs: Runs, far_side: FarSide) -> None:
    planned = runs.plan(*FAST, "--workers", workers)
    counts = {"matched": len(NEWEST), "read": len(EVENTS), "older": len(EVENTS) - len(NEWEST)}
    assert planned.events.items() >= counts.items()
    run = runs.execute(*FAST, "--workers", workers)
    assert run.events.items() >= {**counts, "delivered": len(NEWEST)}.items()
    assert run.summary["objects"] == planned.summary["objects"]
    assert run.summary["objects"].items() >= {"listed": len(LAKE), "read": len(LAKE), "failed": 0}.items()
    assert run.summary["invocations"]["total"] == planned.summary["invocations"]["total"]
    assert_once_each(far_side.delivered_data(), NEWEST)


def test_it_is_the_newest_of_what_is_chosen(runs: Runs, far_side: FarSide) -> None:
    far_side.add_bucket("lake", FEW_OBJECTS)
    run = runs.execute("--latest-per-key", "--type", "thing-created")
    chosen = newest([each for each in FEW if b'"thing-created"' in each.event])
    assert run.events["delivered"] == len(chosen)
    assert_once_each(far_side.delivered_data(), chosen)


def test_a_limit_takes_the_first_of_the_lake(runs: Runs, far_side: FarSide) -> None:
    far_side.add_bucket("lake", FEW_OBJECTS)
    planned = runs.plan("--latest-per-key", "--limit", "30")
    run = runs.execute("--latest-per-key", "--limit", "30")
    assert (planned.events["matched"], run.events["delivered"]) == (30, 30)
    assert run.events["older"] == len(FEW) - len(FEW_NEWEST)
    assert_once_each(far_side.delivered_data(), FEW_NEWEST[:30])


def test_what_kept_no_arrival_goes_by_the_time_in_its_key_and_then_by_its_place(runs: Runs, far_side: FarSide) -> None:
    first, second, third, fourth = (event for _, event in lakes.make_events(4, 1, seed=1))
    folders = "s2/2018/04/08/03/a", "s1/2018/04/08/04/a"
    far_side.add_bucket("lake", {folders[0]: lakes.join([third, first]), folders[1]: lakes.join([fourth, second])})
    run = runs.execute("--latest-per-key")
    assert run.events["delivered"] == 1
    assert far_side.delivered_data() == [second]
    far_side.add_bucket(
        "lake", {"a": lakes.join([fourth]), "b": lakes.join([first, third]), "a/x": lakes.join([second])}
    )
    runs.execute("--latest-per-key", "--again")
    assert far_side.delivered_data()[1:] == [third]


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_killed_run_goes_on_with_what_it_picked_though_the_lake_has_grown(
    workers: str, runs: Runs, far_side: FarSide
) -> None:
    far_side.add_function("fn", lambda _payload, _context: ok().after(0.02))
    process = runs.start(*FAST, "--workers", workers)
    kill_once_sent(runs, process, 4)
    newer = [each._replace(arrival_ms=ARRIVAL_MS * 2, event=copy_of(each.event, 1)) for each in EVENTS[:200]]
    grown = {f"{first}/{key}": body for first in ("a", "z") for key, body in lake_of(newer, 100).items()}
    far_side.add_bucket("lake", {**LAKE, **grown})
    process = runs.start_resume("--workers", workers)
    kill_once_sent(runs, process, 6)
    planned = runs.plan_resume()
    run = runs.resume("--workers", workers)
    assert run.status == "succeeded"
    assert planned.events["matched"] == run.events["matched"]
    assert (
        run.summary["run"].items() >= {"matched": len(NEWEST), "delivered": len(NEWEST), "objects": len(LAKE)}.items()
    )
    assert set(far_side.delivered_data()) == set(NEWEST)
    assert repeats(far_side.delivered_data()) <= 2 * 3 * 4
    assert runs.resume().status == "nothing"


def test_one_killed_before_it_has_picked_picks_anew(runs: Runs, far_side: FarSide) -> None:
    go = far_side.hold(f"GET /lake/{sorted(LAKE)[-1]}")
    process = runs.start(*FAST, "--workers", "2")
    far_side.wait_until(lambda: len([each for each in far_side.requests if each.startswith("GET /lake/")]) > 10)
    process.kill()
    process.communicate()
    go.set()
    assert (runs.sent, runs.counts.objects) == ([], 0)
    planned = runs.plan_resume()
    run = runs.resume()
    assert run.events["delivered"] == planned.events["matched"] == len(NEWEST)
    assert_once_each(far_side.delivered_data(), NEWEST)


def test_an_interrupt_while_it_looks_sends_nothing(runs: Runs, far_side: FarSide) -> None:
    go = far_side.hold(f"GET /lake/{sorted(LAKE)[-1]}")
    process = runs.start_text(*FAST)
    far_side.wait_until(lambda: len([each for each in far_side.requests if each.startswith("GET /lake/")]) > 10)
    interrupt_text(runs, process, go.set)
    assert (runs.sent, runs.newest.status) == ([], "interrupted")
    assert runs.resume().events["delivered"] == len(NEWEST)


def test_an_interrupted_run_sends_each_once(runs: Runs, far_side: FarSide) -> None:
    far_side.add_function("fn", lambda _payload, _context: ok().after(0.02))
    process = runs.start(*FAST, "--workers", "2")
    first = interrupt_once_sent(runs, process, 6)
    run = runs.resume()
    assert first.events["delivered"] + run.events["delivered"] == len(NEWEST)
    assert_once_each(far_side.delivered_data(), NEWEST)


def test_an_object_that_cannot_be_read_is_told_and_the_newest_of_the_others_is_sent(
    runs: Runs, far_side: FarSide
) -> None:
    first, *_ = sorted(LAKE)
    lines = b"".join(each.line + b"\n" for each in EVENTS[:20])
    far_side.add_bucket("lake", {**LAKE, first: b"\x1f\x8b\x08" + lines, "zz": b"no event\n" + EVENTS[0].line + b"\n"})
    run = runs.execute(*FAST)
    left = newest([*EVENTS[20:], EVENTS[0]])
    assert (run.code, run.status, run.events["delivered"]) == (3, "partial", len(left))
    assert run.summary["objects"].items() >= {"failed": 1, "read": len(LAKE), "listed": len(LAKE) + 1}.items()
    assert run.events["malformed"] == 1
    assert_once_each(far_side.delivered_data(), left)
    again = runs.resume()
    assert (again.status, again.events["matched"]) == ("partial", 0)


def test_one_that_breaks_off_is_told_once_and_what_was_read_of_it_is_sent(runs: Runs, far_side: FarSide) -> None:
    packed = gzip.compress(b"".join(each.line + b"\n" for each in EVENTS))
    far_side.add_bucket("lake", {"only": packed[: len(packed) // 2]})
    run = runs.execute("--latest-per-key")
    assert (run.code, run.status) == (3, "partial")
    assert run.events["delivered"] == run.events["matched"] > 0
    assert run.summary["objects"].items() >= {"failed": 1, "read": 0, "listed": 1}.items()
    assert len(runs.failures) == 1


@pytest.mark.parametrize("ends", [True, False], ids=["whole", "breaks off"])
def test_one_that_fails_in_the_second_reading_is_told_each_time_and_mended(
    ends: bool, runs: Runs, far_side: FarSide
) -> None:
    packed = gzip.compress(b"".join(each.line + b"\n" for each in FEW))
    only = {"only": packed if ends else packed[: len(packed) // 2]}
    far_side.add_bucket("lake", {**only, "a": FEW[0].line})
    denies = Denies(far_side, "/lake/only", after=1)
    run = runs.execute("--latest-per-key", "--workers", "1")
    assert (run.code, run.events["delivered"], run.summary["objects"]["failed"]) == (3, 0, 1)
    run = runs.resume()
    assert (run.code, run.events["delivered"], run.summary["objects"]["failed"]) == (3, 0, 1)
    assert [each.failure.error for each in runs.failures] == ["AccessDenied"]
    denies.stop()
    run = runs.resume()
    assert (run.code, run.status) == ((0, "succeeded") if ends else (3, "partial"))
    assert run.events["delivered"] == run.events["matched"] > 0
    assert len(far_side.delivered_data()) == run.events["delivered"]
    assert runs.resume().events["matched"] == 0


class Denies:
    """A far side that gives out an object so often, and then no more."""

    def __init__(self, far_side: FarSide, path: str, after: int) -> None:
        self._far_side, self._answer, self._path, self._left = far_side, far_side.answer, path, after
        far_side.answer = self._answered  # type: ignore[method-assign]

    def _answered(self, method: str, target: str, headers: Any, body: bytes) -> Any:
        if (method, target.split("?")[0]) == ("GET", self._path):
            self._left -= 1
            if self._left < 0:
                return far_side_s3.error(403, "AccessDenied", "Access Denied")
        return self._answer(method, target, headers, body)

    def stop(self) -> None:
        """Give it out again."""
        self._far_side.answer = self._answer  # type: ignore[method-assign]


def test_what_failed_is_redriven_as_it_was_picked(runs: Runs, far_side: FarSide) -> None:
    far_side.add_bucket("lake", FEW_OBJECTS)
    poison = FEW_NEWEST[5::20]
    far_side.add_function("fn", raising_on(ids_of([("", each) for each in poison])))
    run = runs.execute("--latest-per-key", "--max-attempts", "1", "--max-failures", "100%")
    assert run.events.items() >= {"failed": len(poison), "delivered": len(FEW_NEWEST) - len(poison)}.items()
    far_side.add_function("fn")
    assert runs.redrive().events["delivered"] == len(poison)
    assert_once_each(far_side.delivered_data(), FEW_NEWEST)


def test_a_plan_that_was_saved_is_done_alike_also_after_a_kill(runs: Runs, far_side: FarSide, tmp_path: Path) -> None:
    plan = tmp_path / "the.plan"
    planned = runs.plan("--latest-per-key", "--save-plan", str(plan))
    objects = [json.loads(line) for line in plan.read_text().splitlines()[1:-1]]
    assert sum(each["matched"] for each in objects) == planned.events["matched"] == len(NEWEST)
    go = far_side.hold(f"GET /lake/{sorted(LAKE)[-1]}")
    process = runs.start_plan(plan)
    far_side.wait_until(lambda: len([each for each in far_side.requests if each.startswith("GET /lake/")]) > 60)
    process.kill()
    process.communicate()
    go.set()
    far_side.add_bucket("lake", {**LAKE, **{f"z/{key}": body for key, body in lake_of(EVENTS, 100).items()}})
    run = runs.resume()
    assert run.summary["run"].items() >= {"objects": len(LAKE), "delivered": len(NEWEST)}.items()
    assert_once_each(far_side.delivered_data(), NEWEST)


def test_what_cannot_be_meant_is_refused(runs: Runs, far_side: FarSide) -> None:
    result = runs.command("replay", "s3://lake/", "-f", "fn", "--latest-per-key", "--dedupe", endpoint=far_side.url)
    assert (result.code, result.out) == (2, "")
    assert "--dedupe with --latest-per-key" in result.err
    process = runs.start(*FAST)
    kill_once_sent(runs, process, 1)
    run = runs.resume("--on-changed", "restart")
    assert run.code == 2
