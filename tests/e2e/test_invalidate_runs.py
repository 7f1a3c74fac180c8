"""Invalidations that end early, and `cncbops runs` on them: nothing is paid for twice, whatever happens."""

import signal
import stat
from collections.abc import Sequence
from pathlib import Path

import pytest

from cncbops.ledger.ledger import Ledger
from cncbops.ledger.worker import this_worker
from tests.e2e.far_side_cloudfront import LOSE, UNAVAILABLE, FarSideCloudFront
from tests.e2e.invalidates import Invalidates, paths_file
from tests.e2e.servers import Process
from tests.ledger.runs import ANN, begin, new_run

PATHS = [f"/things/{number}" for number in range(5_000)]


def under_way(invalidates: Invalidates, folder: Path, *arguments: str) -> Process:
    """A run of five requests, three of which are in progress: the fourth waits for room."""
    process = invalidates.start("--from-file", paths_file(folder, PATHS), *arguments)
    invalidates.far_side.wait_until(lambda memory: len(memory.made) == 3)
    await_looks(invalidates.far_side, 2)
    return process


def await_looks(far_side: FarSideCloudFront, count: int) -> None:
    """Wait until the command has looked at what is in progress so many times more."""
    seen = len(far_side.memory.requests) + count
    far_side.wait_until(lambda memory: len(memory.requests) >= seen)


def assert_each_once(far_side: FarSideCloudFront, paths: Sequence[str] = PATHS) -> None:
    assert sorted(far_side.items) == sorted(paths)


def test_a_killed_run_is_resumed_with_the_same_references(invalidates: Invalidates, tmp_path: Path) -> None:
    far_side = invalidates.far_side
    process = under_way(invalidates, tmp_path, "--wait")
    invalidates.kill(process)
    shown = invalidates.runs("show", invalidates.newest.run_id).out
    assert "3 of 5 created, 0 completed; 3,000 of 5,000 paths sent" in shown
    assert all(made.id in shown for made in far_side.memory.made)
    before = list(far_side.memory.creates)
    planned = invalidates.resume()
    assert (planned["status"], planned["requests"]["created"]) == ("planned", 3)
    assert planned["plan"]["first_paths"][0] == "/things/3000"
    assert planned["plan"]["to_send"] == {"paths": 2_000, "wildcards": 0, "tags": 0}
    assert (planned["cost"]["paths"], planned["cost"]["usd_at_most"]) == (2_000, 10.0)
    assert far_side.memory.creates == before
    far_side.memory.completes_at_once = True
    far_side.complete()
    resumed = invalidates.resume("--execute")
    assert (resumed["status"], resumed["requests"]["completed"]) == ("succeeded", 5)
    assert_each_once(far_side)
    assert len(far_side.memory.creates) == len(set(far_side.memory.creates)) == 5


def test_what_was_created_unheard_before_a_kill_is_not_created_again(invalidates: Invalidates) -> None:
    far_side = invalidates.far_side
    far_side.memory.answers = [LOSE, *[UNAVAILABLE] * 7]
    process = invalidates.start("/a")
    far_side.wait_until(lambda memory: len(memory.creates) >= 2)
    invalidates.kill(process)
    assert len(far_side.memory.made) == 1
    far_side.memory.answers = []
    assert invalidates.resume("--execute")["status"] == "succeeded"
    assert len(far_side.memory.made) == len(set(far_side.memory.creates)) == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_stops_creating_and_says_how_to_go_on(
    invalidates: Invalidates, tmp_path: Path, number: signal.Signals
) -> None:
    process = under_way(invalidates, tmp_path)
    summary = invalidates.interrupt(process, number)
    assert (summary["status"], summary["requests"]["created"]) == ("interrupted", 3)
    assert (summary["cost"]["paths"], summary["cost"]["usd_at_most"]) == (3_000, 15.0)
    assert invalidates.newest.status == "interrupted"
    shown = invalidates.runs("show", invalidates.newest.run_id).out
    assert f"cncbops runs resume {invalidates.newest.run_id} --execute" in shown


def test_an_interrupt_while_it_waits_for_the_end_leaves_all_created(invalidates: Invalidates) -> None:
    process = invalidates.start("/a", "--wait")
    invalidates.far_side.wait_until(lambda memory: len(memory.made) == 1)
    await_looks(invalidates.far_side, 1)
    assert invalidates.interrupt(process)["requests"]["created"] == 1
    invalidates.far_side.complete()
    resumed = invalidates.resume("--execute")
    assert (resumed["status"], resumed["requests"]["completed"]) == ("succeeded", 1)
    assert len(invalidates.far_side.memory.creates) == 1


def test_a_run_under_way_can_be_stopped_from_elsewhere_and_nothing_else(
    invalidates: Invalidates, tmp_path: Path
) -> None:
    process = under_way(invalidates, tmp_path)
    run = invalidates.newest.run_id
    for order in (["pause"], ["continue"], ["rate"]):
        refused = invalidates.runs(order[0], run, *(["5"] if order == ["rate"] else []))
        assert (refused.code, f"cncbops runs stop {run}" in refused.err) == (2, True)
    busy = invalidates.runs("resume", run, "--execute")
    assert (busy.code, "under way in another process" in busy.err) == (1, True)
    assert invalidates.runs("stop", run).code == 0
    summary = invalidates.finish(process)
    assert (summary["status"], summary["reason"].startswith("stopped by ")) == ("stopped", True)


def test_a_run_that_is_done_has_nothing_left_and_no_records_to_redrive(invalidates: Invalidates) -> None:
    invalidates.execute("/a")
    assert invalidates.resume("--execute")["status"] == "succeeded"
    assert len(invalidates.far_side.memory.creates) == 1
    redrive = invalidates.runs("redrive", invalidates.newest.run_id, "--execute")
    assert (redrive.code, "no records that failed" in redrive.err) == (2, True)
    listed = invalidates.runs("ls").out
    assert "invalidate" in listed
    shown = invalidates.runs("show", invalidates.newest.run_id)
    assert "1 of 1 created, 0 completed; 1 of 1 path sent" in shown.out
    assert invalidates.far_side.memory.made[0].id in shown.out


@pytest.mark.parametrize(
    "option",
    [
        ("--report", "r.csv"),
        ("--on-changed", "skip"),
        ("--max-failures", "1"),
        ("--max-duration", "1m"),
        ("--stop-on-alarm", "john-5xx"),
        ("--canary", "1"),
        ("--show-payload",),
    ],
)
def test_what_an_invalidation_cannot_heed_is_refused(invalidates: Invalidates, option: tuple[str, ...]) -> None:
    invalidates.execute("/a")
    asked = len(invalidates.far_side.memory.requests)
    refused = invalidates.runs("resume", invalidates.newest.run_id, *option, "--execute")
    assert (refused.code, len(refused.err.splitlines())) == (2, 1)
    assert f"sends no events, to which alone belong {option[0]}." in refused.err
    assert len(invalidates.far_side.memory.requests) == asked


def test_a_run_that_was_killed_before_it_wrote_its_paths_says_so(invalidates: Invalidates) -> None:
    with Ledger.open(invalidates.command.state_dir) as ledger:
        told = {"arguments": {"wait": False, "timeout_s": 60}, "terms": {"paths": {}, "failures": []}}
        begin(ledger, command="invalidate", function="E1", **told)
    for mode in ([], ["--execute"]):
        refused = invalidates.runs("resume", invalidates.newest.run_id, *mode)
        assert (refused.code, "before its paths were written down" in refused.err) == (1, True)


def test_a_failover_is_said_again_and_not_taken_up(invalidates: Invalidates) -> None:
    terms = {"go_on": "cncbops failover out us-east-1 --stage john --execute"}
    new = new_run(command="failover out", function="us-east-1", sources=[], likeness="", terms=terms)
    with Ledger.open(invalidates.command.state_dir) as ledger:
        ledger.begin(new, this_worker(ANN))
    refused = invalidates.runs("resume", new.run_id, "--execute")
    assert (refused.code, "cncbops failover out us-east-1 --stage john --execute" in refused.err) == (2, True)


def test_what_is_left_on_disk_is_for_its_owner_alone(invalidates: Invalidates) -> None:
    invalidates.execute("/a")
    files = [path for path in invalidates.command.state_dir.rglob("*") if path.is_file()]
    assert files
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in files)
