"""What cannot be on a cluster is said before anything is begun: one line, with what to do next."""

import re
from pathlib import Path

import pytest

from cncbops.native import hot
from tests.e2e import lakes
from tests.e2e.clusters import DaskCluster
from tests.e2e.far_side import FarSide
from tests.e2e.replays import Replays
from tests.e2e.resubmits import Resubmits, library, record
from tests.e2e.servers import Cncbops

NOWHERE = "http://127.0.0.1:9"
LAKE = lakes.lake_of(lakes.make_events(60, 5), 20)
WITHOUT_DASK = 'import sys; sys.modules["distributed"] = None\n'
WITHOUT_C = 'import sys; sys.modules["cncbops.native.hot"] = None\n'
OLDER = """
import importlib.metadata as metadata
found = metadata.version
metadata.version = lambda name: "0.0.9" if name == "cncbops" else found(name)
"""
"""What a worker's Python does first, so that it says to have an older version."""


def site(folder: Path, code: str) -> dict[str, str]:
    """The environment of a Python that does something first."""
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(code)
    return {"PYTHONPATH": str(folder)}


@pytest.fixture
def replays(replays: Replays, far_side: FarSide) -> Replays:
    far_side.add_bucket("lake", LAKE)
    far_side.add_function("fn")
    return replays


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (("--cluster", "h:8786"), "--cluster 'h:8786' is no address of a cluster"),
        (("--cluster", "local:0"), "--cluster local:0"),
        (("--cluster", "tcp://127.0.0.1:9", "--workers", "2"), "--workers beside --cluster. Give one of them"),
    ],
)
def test_what_cannot_be_meant_is_refused(arguments: tuple[str, ...], what: str, replays: Replays) -> None:
    run = replays.execute(*arguments)
    assert (run.code, run.status, run.summary["workers"]) == (2, "failed", None)
    assert what in run.err


def test_what_lies_on_this_machine_is_nothing_for_workers_elsewhere(
    replays: Replays, far_side: FarSide, tmp_path: Path
) -> None:
    lake = tmp_path / "lake"
    for key, body in LAKE.items():
        (lake / key).parent.mkdir(parents=True, exist_ok=True)
        (lake / key).write_bytes(body)
    run = replays.plan("--cluster", "tcp://127.0.0.1:9", sources=[lake])
    assert run.code == 2
    assert f"{lake} is of this machine" in run.err
    assert "--cluster local:N" in run.err
    run = replays.execute("--cluster", "local:1", sources=[lake])
    assert (run.status, run.events["delivered"]) == ("succeeded", 60), run.err


def test_without_dask_it_is_said_how_to_install_it(replays: Replays, tmp_path: Path) -> None:
    run = replays.execute("--cluster", "local:1", env=site(tmp_path / "site", WITHOUT_DASK))
    assert (run.code, run.status) == (1, "failed")
    assert "pip install 'cncbops[cluster]'" in run.err


@pytest.mark.cluster
def test_a_worker_of_another_version_is_named(replays: Replays, far_side: FarSide, tmp_path: Path) -> None:
    with DaskCluster(tmp_path) as dask:
        dask.join(1, env=site(tmp_path / "site", OLDER))
        run = replays.execute(*dask.at(far_side.url))
    assert (run.code, run.status) == (1, "failed")
    assert "has cncbops 0.0.9" in run.err


@pytest.mark.cluster
@pytest.mark.skipif(hot is None, reason="there was no C compiler")
def test_workers_of_which_one_alone_reads_in_c_are_refused(replays: Replays, far_side: FarSide, tmp_path: Path) -> None:
    """Should one of them be lost, the other could not go on where it stood."""
    with DaskCluster(tmp_path) as dask:
        dask.join(1, env=site(tmp_path / "site", WITHOUT_C))
        dask.join(1)
        run = replays.execute(*dask.at(far_side.url))
    assert (run.code, run.status) == (1, "failed")
    assert re.search("reads lines (in C|without C), another (in C|without C). Install cncbops alike", run.err)


@pytest.mark.cluster
def test_workers_that_would_call_another_aws_are_refused(replays: Replays, cluster: DaskCluster) -> None:
    """Here the endpoint is exported, and so is this machine's alone."""
    run = replays.execute("--cluster", cluster.address)
    assert (run.code, run.status) == (1, "failed")
    assert "calls Lambda at https://lambda.us-east-1.amazonaws.com" in run.err
    assert "--endpoint-url" in run.err


def test_what_is_read_one_after_another_is_done_here_and_that_is_said(cncbops: Cncbops, far_side: FarSide) -> None:
    far_side.add_bucket("faults", {f"{number:02d}": library(number, record(number, "key")) for number in range(5)})
    far_side.add_function("fn-a")
    resubmits = Resubmits(cncbops, far_side)
    told = resubmits.text("--function", "fn-a", "--limit", "3", "--cluster", "tcp://127.0.0.1:9", "--execute")
    assert told.code == 0, told.err
    assert "one object is read after another: here, not at tcp://127.0.0.1:9" in told.err
    assert len(far_side.delivered()) == 3


def test_a_policy_says_that_workers_need_it_too(cncbops: Cncbops) -> None:
    line = ("policy", "replay", "s3://lake/", "-f", "fn", "--cluster")
    assert "the workers at tcp://h:8786 call AWS as themselves" in cncbops(*line, "tcp://h:8786").err
    assert "workers" not in cncbops(*line, "local:2").err


def test_a_cluster_is_not_for_the_defaults_of_a_file_found_upwards(cncbops: Cncbops) -> None:
    """Who made the folder would have records sent to whoever listens there."""
    path = cncbops.home / "cncbops.toml"
    path.write_text('[defaults.replay]\ncluster = "tcp://h:8786"\n')
    refused = cncbops("replay", "s3://lake/", "-f", "fn")
    assert refused.code == 2
    assert f"{path}: defaults.replay.cluster: where AWS calls go" in refused.err
    path.write_text('[profiles.big.replay]\ncluster = "local:0"\nworkers = 2\n')
    chosen = cncbops("replay", "s3://lake/", "-f", "fn", "--use", "big")
    assert "note: --cluster local:0 as" in chosen.err
    assert "--cluster local:0: from 1" in chosen.err
