"""Each fault is sent once, and what comes back is not sent in circles."""

import time
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.e2e.far_side import Context, FarSide, Reply, StoredObject, ok
from tests.e2e.resubmits import Resubmits, cookbook, faults, library, lines, one_each, record
from tests.e2e.runs import ids_in
from tests.e2e.servers import Cncbops


@pytest.fixture
def resubmits(cncbops: Cncbops, far_side: FarSide) -> Resubmits:
    return Resubmits(cncbops, far_side)


def now_ms() -> int:
    return int(time.time() * 1000)


def deployed_at(moment_ms: int) -> dict[str, object]:
    """What Lambda says of a function that was deployed then."""
    moment = datetime.fromtimestamp(moment_ms / 1000, UTC)
    return {"LastModified": f"{moment:%Y-%m-%dT%H:%M:%S}.{moment_ms % 1000:03d}+0000"}


def test_what_was_raised_since_the_command_began_is_left_out(far_side: FarSide, resubmits: Resubmits) -> None:
    """It may be what the run itself brings about."""
    to_come = library(1, record(1), raised_ms=now_ms() + 3_600_000)
    far_side.add_bucket("faults", lines(library(0, record(0)), to_come))
    far_side.add_function("listener")
    run = resubmits.execute("--watch-faults", "--watch-for", "1s")
    assert (run.code, run.status, run.summary["faults"]["raised_since"]) == (0, "succeeded", 1)
    assert (resubmits.delivered_ids, run.summary["still_broken"]) == (["e-0000"], [])


def test_a_fault_that_is_met_twice_in_a_run_is_sent_once(far_side: FarSide, resubmits: Resubmits) -> None:
    """As by its id; one without an id is known by what it says."""
    documents = [*faults(4), *faults(2), cookbook(1, record(9)), cookbook(1, record(9))]
    far_side.add_bucket("faults", {**lines(*documents), "other": library(3, record(3))})
    far_side.add_function("listener")
    run = resubmits.execute()
    assert (run.code, run.events["read"], run.events["matched"]) == (0, 9, 5)
    assert run.summary["faults"]["repeated"] == 4
    assert resubmits.delivered_ids == ["e-0000", "e-0001", "e-0002", "e-0003", "e-0009"]


def test_a_fault_that_came_back_waits_until_the_function_is_deployed(far_side: FarSide, resubmits: Resubmits) -> None:
    before = now_ms() - 60_000
    far_side.add_bucket("faults", one_each([*faults(3), cookbook(3, record(3))]))
    far_side.add_function("listener", configuration=deployed_at(before))
    assert resubmits.execute().events["delivered"] == 4
    came_back = [library(10, record(0, "thing-0"), raised_ms=now_ms()), cookbook(11, record(3), raised_ms=now_ms())]
    other = library(12, record(12), raised_ms=now_ms())
    far_side.add_bucket("faults", one_each([*faults(3), cookbook(3, record(3)), *came_back, other]))
    planned, run = resubmits.plan(), resubmits.execute()
    assert (planned.code, planned.events["matched"], planned.summary["faults"]["came_back"]) == (3, 1, 2)
    assert [group["count"] for group in planned.summary["plan"]["came_back"]] == [1, 1]
    assert any("listener was not deployed since" in warning for warning in planned.summary["plan"]["warnings"])
    assert (run.code, run.status, run.events["delivered"]) == (3, "partial", 1)
    assert run.summary["faults"].items() >= {"came_back": 2, "sent_before": 4}.items()
    groups = [(group["count"], group["function"], group["pipeline"]) for group in run.summary["came_back"]]
    assert sorted(groups, key=repr) == [(1, "listener", "m1"), (1, "listener", None)]
    assert run.failures == []
    assert len(far_side.delivered()) == 5

    far_side.add_function("listener", configuration=deployed_at(now_ms()))
    run = resubmits.execute()
    assert (run.code, run.status, run.events["delivered"]) == (0, "succeeded", 2)
    assert resubmits.delivered_ids == ["e-0000", "e-0000", "e-0001", "e-0002", "e-0003", "e-0003", "e-0012"]


def test_a_plan_says_which_function_was_not_deployed_since_its_newest_fault(
    far_side: FarSide, resubmits: Resubmits
) -> None:
    far_side.add_bucket("faults", lines(*faults(6, functions=["old", "new", "untold"])))
    far_side.add_function("old", configuration=deployed_at(1_600_000_000_000))
    far_side.add_function("new", configuration=deployed_at(now_ms()))
    far_side.add_function("untold")
    plan = resubmits.plan().summary["plan"]
    assert {name: facts["deployed_since"] for name, facts in plan["functions"].items()} == {
        "old": False,
        "new": True,
        "untold": None,
    }
    assert [warning.split()[0] for warning in plan["warnings"]] == ["old"]
    shown = resubmits.text()
    assert (shown.code, shown.err) == (0, "")
    assert "warning: old was not deployed since its newest fault" in shown.out


class RaisingAgain:
    """A function that takes everything, and stores a new fault, as its monitor would, for each of some events."""

    def __init__(self, far_side: FarSide, ids: set[str], stored: dict[str, bytes]) -> None:
        self._far_side, self._ids = far_side, ids
        self._objects: dict[str, bytes | StoredObject] = {**stored}

    def __call__(self, payload: Any, _context: Context) -> Reply:
        for id_ in sorted(self._ids & set(ids_in(payload))):
            number = int(id_.removeprefix("e-"))
            new = library(1000 + number, record(number, f"thing-{number % 3}"), message=f"no {id_}", raised_ms=now_ms())
            self._objects[f"new/{number}"] = StoredObject(new, last_modified=datetime.now(UTC))
        self._far_side.add_bucket("faults", self._objects)
        return ok()


def test_what_is_raised_again_while_somebody_watches_is_told_by_group(far_side: FarSide, resubmits: Resubmits) -> None:
    quiet = [library(20 + number, record(20 + number), error="Timeout") for number in range(3)]
    stored = lines(*faults(6, keys=3), *quiet)
    far_side.add_bucket("faults", stored)
    far_side.add_function("listener", RaisingAgain(far_side, {"e-0001", "e-0004"}, stored))
    run = resubmits.execute("--watch-faults", "--watch-for", "1s", "--concurrency", "1")
    assert (run.code, run.status, run.events["delivered"]) == (3, "partial", 9)
    (group,) = run.summary["still_broken"]
    assert group.items() >= {"function": "listener", "came_back": 2, "delivered": 6, "error": "Error"}.items()
    assert (run.summary["faults"]["still_broken"], len(group["fingerprint"])) == (2, 12)
    assert len(far_side.delivered()) == 9
    shown = resubmits.text("--execute", "--again", "--watch-faults", "--watch-for", "1s", "--to", "2023-11-23")
    assert shown.code == 3
    assert f"still broken: 2 of 6 in group {group['fingerprint']}: listener: Error: " in shown.err
    assert resubmits.execute().summary["faults"]["came_back"] == 2
    assert len(far_side.delivered()) == 18
