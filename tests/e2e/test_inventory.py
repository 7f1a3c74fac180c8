"""`--inventory` through the installed command: no list call is made, and its age is told."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.far_side import FarSide, ok
from tests.e2e.far_side_s3 import StoredObject
from tests.e2e.lakes import make_events, make_lake
from tests.e2e.replays import Replays
from tests.e2e.resubmits import Resubmits, library, lines, record
from tests.e2e.runs import Runs, data_of, kill
from tests.e2e.servers import Cncbops
from tests.inventory.inventories import URI, Written, entries_of


@pytest.fixture(params=["CSV", "Parquet"])
def far(request: Any, far_side: FarSide) -> FarSide:
    """A lake of 40 objects and an inventory of it, in no order, which knows all but the last of them."""
    stored = _stored(make_lake(400, 20, 10))
    far_side.add_bucket("lake", stored)
    known = entries_of(stored)[:-1]
    far_side.add_bucket("inventories", Written(form=request.param).objects(known[1::2][::-1], known[::2]))
    far_side.add_function("fn")
    return far_side


@pytest.fixture
def runs(cncbops: Cncbops, far_side: FarSide) -> Runs:
    return Runs(cncbops, far_side)


@pytest.fixture
def resubmits(cncbops: Cncbops, far_side: FarSide) -> Resubmits:
    return Resubmits(cncbops, far_side)


def _stored(bodies: Mapping[str, bytes]) -> dict[str, StoredObject]:
    return {key: StoredObject(body) for key, body in bodies.items()}


def _made_list_calls(far: FarSide) -> bool:
    return any("list-type" in request for request in far.requests)


def test_a_replay_reads_what_the_inventory_names_in_order(far: FarSide, replays: Replays) -> None:
    run = replays.execute("--inventory", URI)

    assert (run.status, run.events["delivered"], run.summary["objects"]["read"]) == ("succeeded", 390, 39)
    assert run.summary["inventory"] == {"manifest": URI, "created": "2018-04-09T00:00:00Z"}
    assert not _made_list_calls(far)


def test_a_plan_tells_how_old_it_is_and_what_it_does_not_reach(far: FarSide, replays: Replays) -> None:
    warnings = replays.plan("--inventory", URI, "--to", "2018-04-09T01:00Z").summary["plan"]["warnings"]

    assert "Listed from an S3 Inventory of 2018-04-09T00:00:00Z" in warnings[0]
    assert "ends at 2018-04-09T01:00:00Z" in warnings[1]


def test_a_plan_keeps_it(far: FarSide, replays: Replays, runs: Runs, tmp_path: Path) -> None:
    replays.plan("--inventory", URI, "--save-plan", tmp_path / "plan")

    run = runs.execute_plan(tmp_path / "plan")

    assert (run.status, run.events["delivered"]) == ("succeeded", 390)
    assert not _made_list_calls(far)


def test_a_killed_run_is_resumed_from_it(far: FarSide, runs: Runs) -> None:
    far.add_function("fn", lambda _payload, _context: ok().after(0.05))
    process = runs.start("--inventory", URI, "--concurrency", "1", "--batch-size", "10")
    runs.await_sent(5)
    kill(runs, process)

    run = runs.resume()

    assert (run.status, run.summary["run"]["delivered"]) == ("succeeded", 390)
    assert set(far.delivered_data()) == set(data_of(make_events(400, 20)[:390]))
    assert not _made_list_calls(far)


def test_a_resubmit_reads_what_it_names(far_side: FarSide, resubmits: Resubmits) -> None:
    faults = _stored(lines(library(0, record(0)), library(1, record(1))))
    far_side.add_bucket("faults", faults)
    far_side.add_bucket("inventories", Written(bucket="faults").objects(entries_of(faults)))
    far_side.add_function("listener")

    run = resubmits.execute("--inventory", URI, "--watch-faults", "--watch-for", "1s")

    assert (run.status, sorted(resubmits.delivered_ids)) == ("succeeded", ["e-0000", "e-0001"])
    lists = [request for request in far_side.requests if "list-type" in request]
    assert lists, "what came back is looked for in the bucket itself"


def test_lake_ls_lists_it_in_key_order(far: FarSide, cncbops: Cncbops) -> None:
    result = cncbops("lake", "ls", "s3://lake/", "--inventory", URI, "-o", "json", endpoint=far.url)

    keys = [json.loads(line)["object"] for line in result.out.splitlines()]
    assert result.code == 0
    assert len(keys) == 39
    assert keys == sorted(keys)
    assert not _made_list_calls(far)


def test_a_bad_inventory_ends_a_run_before_it_begins(far: FarSide, replays: Replays) -> None:
    run = replays.execute("--inventory", URI.replace("2018-04-09", "2018-04-10"))

    assert (run.code, run.status, run.summary["ledger"]) == (1, "failed", None)
    assert "does not exist" in run.err


@pytest.mark.parametrize(
    "line", ["lake ls s3://lake/", "lake cat --stage john", "replay -f fn", "resubmit --stage john", "resubmit"]
)
def test_its_policy_lets_it_be_read(line: str, cncbops: Cncbops) -> None:
    policy = cncbops("policy", *line.split(), "--inventory", URI).json

    statement = next(each for each in policy["Statement"] if each["Sid"] == "ReadInventory")
    assert statement["Resource"] == "arn:aws:s3:::inventories/inv/lake/daily/*"


def test_faults_are_told_from_it(far_side: FarSide, cncbops: Cncbops) -> None:
    faults = _stored(lines(library(0, record(0)), library(1, record(1))))
    far_side.add_bucket("faults", faults)
    far_side.add_bucket("inventories", Written(bucket="faults").objects(entries_of(faults)))
    asked = ("s3://faults/", "--inventory", URI)

    listed = cncbops("faults", "ls", *asked, "-o", "json", endpoint=far_side.url)
    counted = cncbops("faults", "stats", *asked, "-o", "json", endpoint=far_side.url)
    told = cncbops("faults", "stats", *asked, endpoint=far_side.url)

    assert (listed.code, len(listed.out.splitlines())) == (0, 2)
    assert counted.json["inventory"] == {"manifest": URI, "created": "2018-04-09T00:00:00Z"}
    assert f"cncbops resubmit s3://faults/ --inventory {URI} --group" in told.err
    assert not _made_list_calls(far_side)
