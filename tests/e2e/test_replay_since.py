"""With --since-run what arrived after a run is replayed: the objects that it did not list, as it replayed its own."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.e2e import lakes
from tests.e2e.far_side import FarSide, function_error, ok
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
    assert planned(runs, "last", "--limit", "5").events["matched"] == 5
    run_id = runs.newest.run_id
    run = planned(runs, run_id, "-f", "other", "s3://lake/a/")
    assert (run.summary["function"], run.summary["source"]) == ("other", ["s3://lake/a/"])
    assert run.summary["objects"]["read"] == 1
    result = refused(runs, "--since-run", "last", "-f", "other")
    assert (result.code, "there is no replay to other" in result.err) == (2, True)


def test_a_run_that_looked_for_less_does_not_stand_for_the_one_that_it_followed(runs: Runs, far_side: FarSide) -> None:
    runs.execute()
    first = runs.newest.run_id
    far_side.add_bucket("lake", {**LAKE, **arrived(0)})
    created = [event for event in data_of(LATER[0]) if b'"thing-created"' in event]
    assert since(runs, "last", "--type", "thing-created").events["delivered"] == len(created)
    narrow = runs.newest.run_id
    assert planned(runs, "last", "--type", "thing-created").events["matched"] == 0
    plan = planned(runs, "last")
    assert (plan.events["matched"], plan.summary["plan"]["arguments"]["since_run"]) == (60, first)
    assert f"Run {narrow} looked for something else since" in plan.summary["plan"]["warnings"][0]
    others = planned(runs, "last", "--type", "thing-updated", "--type", "thing-deleted")
    assert others.events["matched"] == 60 - len(created)
    assert "looked for less" in refused(runs, "--since-run", narrow, "--type", "thing-*").err
    (warning,) = planned(runs, narrow).summary["plan"]["warnings"]
    assert f"chosen as by run {narrow}" in warning
    assert since(runs, "last").events["delivered"] == 60
    assert set(far_side.delivered_data()) == set(data_of([*EVENTS, *LATER[0]]))
    assert since(runs, "last").status == "nothing"


def test_a_run_can_be_asked_for_no_more_than_it_looked_for(runs: Runs, far_side: FarSide) -> None:
    runs.execute("--type", "thing-created", "--to", "2018-04-09")
    far_side.add_bucket("lake", {**LAKE, **arrived(0)})
    for more in (("--type", "*"), ("--to", "2018-04-10"), ("--format", "firehose-error")):
        result = refused(runs, "--since-run", "last", *more)
        assert (result.code, "looked for all that is asked" in result.err) == (2, True), more
    assert planned(runs, "last", "--to", "2018-04-08").events["matched"] == 0
    warnings = planned(runs, "last").summary["plan"]["warnings"]
    assert any("Events from 2018-04-09T00:00:00Z on are left out" in each for each in warnings)


def test_an_end_that_was_said_once_does_not_hold_for_what_follows(runs: Runs, far_side: FarSide) -> None:
    runs.execute()
    far_side.add_bucket("lake", {**LAKE, **arrived(0)})
    assert since(runs, "last", "--to", "2018-01-01").status == "nothing"
    assert since(runs, "last").events["delivered"] == 60
    assert since(runs, "last").status == "nothing"


def test_fewer_sources_do_not_hold_for_what_follows(runs: Runs, far_side: FarSide) -> None:
    runs.execute()
    far_side.add_bucket("lake", {**LAKE, **arrived(0)})
    assert since(runs, "last", "s3://lake/a/").events["delivered"] == 20
    run = since(runs, "last")
    assert (run.events["delivered"], run.summary["source"]) == (40, ["s3://lake/"])
    assert_once_each(far_side.delivered_data(), data_of([*EVENTS, *LATER[0]]))


def test_another_function_is_told_what_it_does_not_get(runs: Runs, far_side: FarSide) -> None:
    far_side.add_function("other")
    runs.execute()
    far_side.add_bucket("lake", {**LAKE, **arrived(0)})
    first = runs.newest.run_id
    (warning,) = planned(runs, first, "-f", "other").summary["plan"]["warnings"]
    assert "was to fn: other does not get what that listed" in warning
    assert since(runs, first, "-f", "other").events["delivered"] == 60
    assert since(runs, "last", "-f", "other").status == "nothing"
    assert since(runs, "last", "-f", "fn").events["delivered"] == 60


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
    assert f"run {runs.newest.run_id} (crashed) has not come to all" in refused(runs, "--since-run", "last").err
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


def test_what_a_run_left_is_told_until_it_is_mended_however_long_the_chain(runs: Runs, far_side: FarSide) -> None:
    far_side.add_function("fn", lambda _payload, _context: function_error("Broken", "x"))
    runs.execute("--max-attempts", "1", "--max-failures", "1000")
    first = runs.newest.run_id
    far_side.add_function("fn")
    for number in range(3):
        far_side.add_bucket("lake", {**LAKE, **(arrived(number - 1) if number else {})})
        (warning,) = planned(runs, "last").summary["plan"]["warnings"]
        (same,) = since(runs, "last").summary["since_run"]["warnings"]
        assert f"Not all that run {first} had was delivered" in warning
        assert same == warning
    assert runs.command("runs", "redrive", first, "--execute", endpoint=far_side.url).code == 0
    assert since(runs, "last").summary["since_run"]["warnings"] == []


def test_a_run_says_what_it_follows_and_why_there_is_nothing(runs: Runs, far_side: FarSide) -> None:
    runs.execute("--type", "thing-*")
    first = runs.newest.run_id
    result = runs.command("replay", "--since-run", "last", "--execute", endpoint=far_side.url)
    assert f"note: since run {first}: s3://lake/, types thing-*, to fn" in result.err
    why = f"nothing is new since run {first}: {len(LAKE)} objects were listed by then"
    assert f"nothing to do: {why}" in result.err
    result = runs.command("replay", "--since-run", first, endpoint=far_side.url)
    assert f"Nothing to do: {why}" in " ".join(result.out.split())
    since_run = since(runs, first).summary["since_run"]
    assert (since_run["asked"]["selection"]["types"], since_run["run_id"]) == (["thing-*"], first)


def test_sources_that_the_run_did_not_have_are_told(runs: Runs, far_side: FarSide) -> None:
    far_side.add_bucket("other", arrived(0))
    runs.execute(sources=["s3://lake/a/", "s3://lake/shardId-000000000000/"])
    first = runs.newest.run_id
    (warning,) = planned(runs, "last", "s3://lake/a/b/", "s3://lake/", "s3://other/").summary["plan"]["warnings"]
    assert f"Run {first} did not have all of s3://lake/, s3://other/" in warning
    assert since(runs, "last", "s3://other/").events["delivered"] == 60
    assert planned(runs, "last", "s3://lake/a/", "s3://other/").summary["plan"]["warnings"] == []
