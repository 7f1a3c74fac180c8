"""With --since-run what arrived after a run is replayed: the objects that it did not list, as it replayed its own."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.e2e import lakes
from tests.e2e.far_side import FarSide, ok
from tests.e2e.replays import Run
from tests.e2e.runs import Runs, assert_once_each, data_of, interrupt, kill
from tests.e2e.servers import Cncbops, Result

EVENTS = lakes.make_events(300, 30, seed=41)
LAKE = lakes.lake_of(EVENTS, 50)
KEYS = sorted(LAKE)
LATER = [lakes.make_events(60, 10, seed=seed) for seed in (42, 43)]


def arrived(number: int) -> Mapping[str, bytes]:
    """What comes before, among and behind the objects of the lake."""
    objects = lakes.lake_of(LATER[number], 20)
    return {f"{KEYS[place]}-{number}" if place else f"a/{key}": objects[key] for place, key in enumerate(objects)}


@pytest.fixture
def runs(cncbops: Cncbops, far_side: FarSide) -> Runs:
    far_side.add_bucket("lake", LAKE)
    far_side.add_function("fn")
    return Runs(cncbops, far_side)


def since(runs: Runs, *arguments: str) -> Run:
    """What follows a run, with nothing said but that."""
    return runs.finish(started(runs, "--execute", "-o", "json", "--since-run", *arguments))


def planned(runs: Runs, *arguments: str) -> Run:
    return runs.finish(started(runs, "-o", "json", "--since-run", *arguments))


def started(runs: Runs, *arguments: str):  # type: ignore[no-untyped-def]
    return runs.command.start("replay", *arguments, endpoint=runs.far_side.url)


def refused(runs: Runs, *arguments: str) -> Result:
    result = runs.command("replay", *arguments, endpoint=runs.far_side.url)
    assert result.out == ""
    return result


def test_what_arrived_since_is_sent_and_runs_follow_one_another(runs: Runs, far_side: FarSide) -> None:
    runs.execute()
    sent = data_of(EVENTS)
    lake = LAKE
    for number in range(2):
        lake = {**lake, **arrived(number)}
        far_side.add_bucket("lake", lake)
        plan = planned(runs, "last")
        run = since(runs, "last")
        assert run.status == "succeeded"
        assert run.events["delivered"] == plan.events["matched"] == 60
        assert run.summary["objects"]["read"] == 3
        assert run.summary["objects"]["skipped_as"] == {"listed by the run before": len(lake) - 3}
        sent += data_of(LATER[number])
        assert_once_each(far_side.delivered_data(), sent)
    assert since(runs, "last").status == "nothing"
    assert since(runs, "last").status == "nothing"


def test_an_earlier_run_of_a_chain_is_followed_by_its_id_and_what_others_sent_since_is_told(
    runs: Runs, far_side: FarSide
) -> None:
    runs.execute()
    first = runs.newest.run_id
    far_side.add_bucket("lake", {**LAKE, **arrived(0)})
    since(runs, first[-6:])
    second = runs.newest.run_id
    run = since(runs, first)
    assert run.code == 1
    assert f"Run {second} (succeeded) has sent some of these events" in run.err
    assert second in planned(runs, first).summary["plan"]["warnings"][0]
    assert since(runs, first, "--again").events["delivered"] == 60
    assert planned(runs, second).summary["plan"]["warnings"] == []


def test_sources_function_and_choice_are_those_of_the_run_unless_said(runs: Runs, far_side: FarSide) -> None:
    far_side.add_function("other")
    runs.execute("--type", "thing-created", "--from", "2018-04-08T03:53Z")
    far_side.add_bucket("lake", {**LAKE, **arrived(0)})
    created = [event for event in data_of(LATER[0]) if b'"thing-created"' in event]
    assert planned(runs, "last").events["matched"] == len(created)
    assert planned(runs, "last", "--partition-key", "thing-1").events["matched"] == sum(
        b'"partitionKey":"thing-1"' in event for event in created
    )
    updated = [event for event in data_of(LATER[0]) if b'"thing-updated"' in event]
    assert planned(runs, "last", "--type", "thing-updated").events["matched"] == len(updated)
    assert planned(runs, "last", "--limit", "5").events["matched"] == 5
    run_id = runs.newest.run_id
    run = planned(runs, run_id, "-f", "other", "s3://lake/a/")
    assert (run.summary["function"], run.summary["source"]) == ("other", ["s3://lake/a/"])
    assert run.summary["objects"]["read"] == 1
    result = refused(runs, "--since-run", "last", "-f", "other")
    assert (result.code, "there is no replay to other" in result.err) == (2, True)


def test_an_object_that_has_changed_is_sent_whole_and_told(runs: Runs, far_side: FarSide) -> None:
    runs.execute()
    grown = LAKE[KEYS[1]] + next(iter(arrived(0).values()))
    far_side.add_bucket("lake", {**LAKE, KEYS[1]: grown})
    run = planned(runs, "last")
    assert (run.events["matched"], run.summary["objects"]["changed"]) == (70, 1)
    result = runs.command("replay", "--since-run", "last", endpoint=far_side.url)
    assert f"since run {runs.newest.run_id}" in result.out
    result = runs.command("replay", "--since-run", "last", "--execute", endpoint=far_side.url)
    assert result.code == 0
    assert "1 object changed since the run before" in result.err
    assert len(far_side.delivered()) == 370


def test_a_run_that_is_not_through_is_to_be_resumed_first(runs: Runs, far_side: FarSide) -> None:
    far_side.add_function("fn", lambda _payload, _context: ok().after(0.05))
    process = runs.start("--batch-size", "5", "--concurrency", "1", "--limit", "200")
    runs.await_sent(2)
    interrupt(runs, process)
    result = refused(runs, "--since-run", "last", "--execute")
    assert result.code == 1
    assert f"runs resume {runs.newest.run_id} --execute" in result.err
    far_side.add_function("fn")
    assert runs.resume().status == "succeeded"
    (warning,) = planned(runs, "last").summary["plan"]["warnings"]
    assert "had a limit of 200 events" in warning


def test_a_following_run_that_was_killed_is_resumed_with_what_it_was_to_send(runs: Runs, far_side: FarSide) -> None:
    runs.execute()
    far_side.add_bucket("lake", {**LAKE, **arrived(0)})
    far_side.add_function("fn", lambda _payload, _context: ok().after(0.05))
    process = started(runs, "--execute", "-o", "json", "--since-run", "last", "--batch-size", "2", "--concurrency", "2")
    runs.await_sent(4)
    kill(runs, process)
    far_side.add_function("fn")
    run = runs.resume()
    assert run.summary["run"].items() >= {"objects": 3, "delivered": 60}.items()
    assert set(far_side.delivered_data()) == set(data_of([*EVENTS, *LATER[0]]))


def test_a_plan_of_what_arrived_is_done_as_it_was(runs: Runs, far_side: FarSide, tmp_path: Path) -> None:
    runs.execute()
    far_side.add_bucket("lake", {**LAKE, **arrived(0)})
    plan = tmp_path / "the.plan"
    assert planned(runs, "last", "--save-plan", str(plan)).events["matched"] == 60
    far_side.add_bucket("lake", {**LAKE, **arrived(0), **arrived(1)})
    assert "are new" in runs.execute_plan(plan).err
    far_side.add_bucket("lake", {**LAKE, **arrived(0)})
    assert runs.execute_plan(plan).events["delivered"] == 60
    assert_once_each(far_side.delivered_data(), data_of([*EVENTS, *LATER[0]]))


@pytest.mark.parametrize("option", ["--dedupe", "--latest-per-key"])
def test_it_goes_with_the_other_options(option: str, runs: Runs, far_side: FarSide) -> None:
    runs.execute()
    far_side.add_bucket("lake", {**LAKE, **arrived(0)})
    keys = {key for key, _ in LATER[0]}
    assert since(runs, "last", option).events["delivered"] == (60 if option == "--dedupe" else len(keys))
    assert since(runs, "last", option).status == "nothing"


def test_only_a_replay_can_be_followed(runs: Runs) -> None:
    result = refused(runs, "--since-run", "last")
    assert (result.code, "there is no run last" in result.err) == (2, True)
    runs.execute()
    assert refused(runs, "--since-run", "no-such-run").code == 2
    assert refused(runs, "--since-run", "last", "--plan", "x").code == 2


def test_folders_are_followed_as_buckets_are(runs: Runs, tmp_path: Path, far_side: FarSide) -> None:
    lake = tmp_path / "lake"
    lake.mkdir()
    for number, body in enumerate(LAKE.values()):
        (lake / f"{number}.jsonl").write_bytes(body)
    runs.execute(sources=[str(lake)])
    (lake / "00.jsonl").write_bytes(lakes.join(event for _, event in LATER[0]))
    assert since(runs, "last").events["delivered"] == 60
