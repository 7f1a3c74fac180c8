"""A plan that was saved is done exactly so, or not at all when lake or function moved since."""

import shutil
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.e2e import lakes
from tests.e2e.far_side import FarSide, ok
from tests.e2e.runs import Runs, assert_once_each, data_of, ids_of, kill_once_sent, repeats
from tests.e2e.servers import Cncbops
from tests.e2e.warm import Warm

EVENTS = lakes.make_events(300, 30, seed=31)
LAKE = lakes.lake_of(EVENTS, 50)
KEYS = sorted(LAKE)
CHOSEN = ("--type", "thing-created", "--type", "thing-updated")
PLANNED = [event for event in data_of(EVENTS) if b'"thing-deleted"' not in event]
DEPLOYED = {"CodeSha256": "A" * 43 + "="}
MORE = {KEYS[2] + "-new": next(iter(lakes.make_lake(10, 2, 10, seed=32).values()))}


@pytest.fixture
def runs(cncbops: Cncbops, far_side: FarSide) -> Runs:
    return Runs(cncbops, far_side)


def deploy(far_side: FarSide, configuration: Mapping[str, Any] = DEPLOYED, batch_size: int = 10) -> None:
    mapping = {"BatchSize": batch_size}
    far_side.add_function(
        "fn", lambda _payload, _context: ok().after(0.02), configuration=configuration, mappings=[mapping]
    )


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory, warm: Warm) -> Path:
    """A plan of the chosen events of the lake."""
    home = tmp_path_factory.mktemp("saved")
    with FarSide() as far_side:
        far_side.add_bucket("lake", LAKE)
        deploy(far_side)
        asked = ("replay", "s3://lake/", "-f", "fn", *CHOSEN, "--concurrency", "4", "--save-plan", "the.plan")
        assert Cncbops(home, warm=warm)(*asked, endpoint=far_side.url).code == 0
        assert far_side.delivered() == []
    return home / "the.plan"


@pytest.fixture
def plan(saved: Path, runs: Runs) -> Path:
    """The plan, at home on another machine, with another far side that has the same lake and function."""
    runs.far_side.add_bucket("lake", LAKE)
    deploy(runs.far_side)
    return Path(shutil.copy(saved, runs.command.home))


def test_a_plan_is_of_its_owner_alone_and_holds_no_event(saved: Path) -> None:
    assert stat.S_IMODE(saved.stat().st_mode) == 0o600
    text = saved.read_text()
    assert all(key in text for key in KEYS)
    assert not [event_id for event_id in ids_of(EVENTS) if event_id in text]
    assert '"thing"' not in text


def test_what_was_planned_is_done_as_if_it_were_asked_for_directly(runs: Runs, plan: Path, far_side: FarSide) -> None:
    run = runs.execute_plan(plan)
    assert (run.code, run.status, run.events["matched"]) == (0, "succeeded", len(PLANNED))
    assert_once_each(far_side.delivered_data(), PLANNED)
    assert sum(request.startswith("GET /lake?list-type") for request in far_side.requests) == 1, "to compare"
    planned = [call.payload for call in runs.sent]
    assert runs.newest.plan_sha256
    runs.execute(*CHOSEN, "--concurrency", "4", "--again")
    assert sorted(call.payload for call in runs.sent) == sorted(planned * 2)


def test_nothing_is_done_when_the_lake_moved_since(runs: Runs, plan: Path, far_side: FarSide) -> None:
    changed = {**LAKE, **MORE, KEYS[0]: LAKE[KEYS[0]] + b"\n"}
    del changed[KEYS[4]]
    far_side.add_bucket("lake", changed)
    run = runs.execute_plan(plan)
    assert (run.code, run.status) == (1, "failed")
    differences = f"1 object changed (s3://lake/{KEYS[0]}), 1 is gone (s3://lake/{KEYS[4]}), 1 is new ("
    assert differences in run.err
    assert runs.sent == []
    assert not runs.file.exists()


def test_nothing_is_done_when_the_function_moved_since(runs: Runs, plan: Path, far_side: FarSide) -> None:
    deploy(far_side, {"CodeSha256": "B" * 43 + "="}, batch_size=25)
    run = runs.execute_plan(plan)
    assert (run.code, run.status) == (1, "failed")
    assert "CodeSha256) AAAAAAAA" in run.err
    assert "batch size 10 -> 25" in run.err
    assert runs.sent == []


def test_a_plan_that_somebody_edited_is_refused(runs: Runs, plan: Path, far_side: FarSide) -> None:
    plan.write_text(plan.read_text().replace("thing-updated", "thing-deleted"))
    result = runs.command("replay", "--plan", plan, "--execute", endpoint=far_side.url)
    assert (result.code, result.out) == (1, "")
    assert "hash does not fit" in result.err
    assert far_side.requests == []


@pytest.mark.parametrize("other", [["s3://lake/"], ["--type", "x"], ["--batch-size", "5"], ["--save-plan", "x"]])
def test_nothing_else_may_be_said_beside_a_plan(other: list[str], cncbops: Cncbops, saved: Path) -> None:
    result = cncbops("replay", "--plan", saved, *other)
    assert (result.code, result.out) == (2, "")
    assert "error: --plan beside other options" in result.err
    assert "with --again if what was sent is meant" in result.err


@pytest.mark.usefixtures("plan")
def test_what_a_plan_sends_again_is_said_when_it_is_executed(runs: Runs, tmp_path: Path) -> None:
    runs.execute()
    again = tmp_path / "again.plan"
    result = runs.command(
        "replay", "s3://lake/", "-f", "fn", "--again", "--save-plan", again, endpoint=runs.far_side.url
    )
    assert (result.code, "does not keep --again: it is typed with --plan" in result.err) == (0, True)
    assert f"Execute it: cncbops replay --plan {again} --again --execute" in result.out.replace("\n", " ")
    refused, done = (
        runs.command("replay", "--plan", again, "--execute", *more, endpoint=runs.far_side.url)
        for more in ((), ("--again",))
    )
    assert (refused.code, done.code) == (1, 0)
    assert "with --again" in refused.err


def test_a_plan_that_was_killed_goes_on_with_its_objects_alone(runs: Runs, plan: Path, far_side: FarSide) -> None:
    process = runs.start_plan(plan)
    kill_once_sent(runs, process, 8)
    far_side.add_bucket("lake", {**LAKE, **MORE})
    run = runs.resume()
    assert run.status == "succeeded"
    assert run.summary["run"].items() >= {"objects": 6, "delivered": len(PLANNED)}.items()
    assert set(far_side.delivered_data()) == set(PLANNED)
    assert repeats(far_side.delivered_data()) <= 4 * 10
