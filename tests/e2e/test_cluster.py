"""A replay on a Dask cluster is the same run as on one machine: one order, one rate, one ledger, one end."""

import os
import random
import signal
import subprocess
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e import lakes
from tests.e2e.clusters import KEY, DaskCluster
from tests.e2e.cuts import Way
from tests.e2e.far_side import Context, FarSide, Reply, ok
from tests.e2e.held import Held
from tests.e2e.rates import assert_held, assert_none_early
from tests.e2e.runs import (
    Runs,
    assert_firsts_in_order,
    assert_in_order,
    assert_once_each,
    assert_orders_hold,
    data_of,
    ids_of,
    kill_once_sent,
    raising_on,
    repeats,
)
from tests.e2e.servers import CREDENTIALS, Cncbops
from tests.execution.looks import await_gone, is_alive, sockets_of

pytestmark = pytest.mark.cluster

PADDING = 20_000
EVENTS = [
    (key, event.replace(b'"thing":', b'"padding":"%b","thing":' % (b"x" * PADDING)))
    for key, event in lakes.make_events(480, 60, seed=7)
]
LAKE = lakes.lake_of(EVENTS, 40, shards=2)
SMALL = ("--batch-size", "5", "--concurrency", "8")


class Uneven:
    """A function that takes its time, each time another."""

    def __init__(self, longest_s: float = 0.02) -> None:
        self.longest_s = longest_s
        self._chance = random.Random(3)

    def __call__(self, _payload: object, _context: Context) -> Reply:
        return ok().after(self._chance.random() * self.longest_s)


@pytest.fixture
def runs(cncbops: Cncbops, far_side: FarSide) -> Runs:
    far_side.add_bucket("lake", LAKE)
    return Runs(cncbops, far_side)


@pytest.fixture
def held(far_side: FarSide) -> Iterator[Held]:
    function = Held()
    far_side.add_function("fn", function)
    yield function
    function.go.set()


def records_sent(runs: Runs) -> int:
    return sum(len(call.records) for call in runs.sent)


def batches(runs: Runs) -> "Counter[tuple[bytes, ...]]":
    return Counter(tuple(record.data for record in call.records) for call in runs.sent)


def in_flight(runs: Runs, process: Any, count: int) -> Any:
    """The process of a run, once so many invocations are under way."""
    runs.far_side.wait_until(lambda: runs.far_side.in_flight == count)
    return process


@pytest.mark.parametrize("where", ["tcp", "local:2"])
def test_what_is_delivered_is_what_one_machine_delivers(where: str, cluster: DaskCluster, cncbops: Cncbops) -> None:
    found = []
    at_cluster = cluster.address if where == "tcp" else where
    for at in (("--workers", "1"), ("--cluster", at_cluster)):
        with FarSide() as far_side:
            far_side.add_bucket("lake", LAKE)
            far_side.add_function("fn", Uneven())
            runs = Runs(cncbops, far_side)
            run = runs.execute(*SMALL, *at, "--endpoint-url", far_side.url)
            assert (run.code, run.status, run.events["possible_duplicates"]) == (0, "succeeded", 0)
            assert_once_each(far_side.delivered_data(), data_of(EVENTS))
            assert_in_order(far_side, EVENTS)
            assert far_side.max_concurrency <= 8
            found.append((run.summary["by_hour"], run.summary["events"]["matched"]))
            workers = run.summary["workers"]
    assert found[0] == found[1]
    assert workers == {"cluster": at_cluster, "count": 2, "lost": 0}


def test_workers_list_and_read_and_invoke_as_themselves(cluster: DaskCluster, runs: Runs, far_side: FarSide) -> None:
    far_side.add_function("fn")
    assert runs.execute(*cluster.at(far_side.url)).status == "succeeded"
    calls = list(zip(far_side.requests, far_side.callers, strict=True))
    begun = far_side.requests.index("GET /lake?list-type=2&prefix=&encoding-type=url")
    assert {caller for _, caller in calls[begun:]} == {KEY}
    assert len(calls[begun:]) == 1 + len(LAKE) + len(runs.sent)
    assert CREDENTIALS["AWS_ACCESS_KEY_ID"] in {caller for _, caller in calls[:begun]}, (
        "the command looked around before"
    )


def test_a_plan_is_of_what_would_be_done_there_and_says_where_it_was_made(
    cluster: DaskCluster, runs: Runs, far_side: FarSide
) -> None:
    far_side.add_function("fn")
    alone, there = (
        runs.plan(*at, "--batch-size", "7").summary for at in (("--workers", "1"), cluster.at(far_side.url))
    )
    for part in ("events", "objects", "by_hour", "first_event", "last_event", "status"):
        assert there[part] == alone[part]
    terms = there["plan"]["terms"]
    assert (terms["concurrency"], terms["concurrency_from"]) == (16, "default, for 2 workers")
    assert there["workers"] == {"cluster": cluster.address, "count": 2, "lost": 0}
    assert not runs.sent
    assert runs.execute(*cluster.at(far_side.url), "--batch-size", "7").status == "succeeded"
    assert len(runs.sent) == there["invocations"]["total"]


def test_the_default_concurrency_is_what_the_workers_have_room_for_and_is_kept(
    cluster: DaskCluster, runs: Runs, held: Held, far_side: FarSide
) -> None:
    process = in_flight(runs, runs.start(*cluster.at(far_side.url), "--unordered", "--batch-size", "2"), 16)
    process.send_signal(signal.SIGINT)
    held.go.set()
    assert runs.finish(process).code == 130
    assert runs.newest.terms["concurrency"] == 16
    far_side.add_function("fn", Uneven())
    assert runs.resume().status == "succeeded"
    assert far_side.max_concurrency == 16
    assert_once_each(far_side.delivered_data(), data_of(EVENTS))


@pytest.mark.parametrize(
    ("began_at", "number", "resumed_on"),
    [
        ("tcp", signal.SIGINT, "the cluster"),
        ("local:2", signal.SIGINT, "this machine"),
        ("local:2", signal.SIGHUP, "this machine"),
    ],
)
def test_after_an_interrupt_exactly_the_rest_is_sent_there_or_here(
    began_at: str,
    number: signal.Signals,
    resumed_on: str,
    cluster: DaskCluster,
    runs: Runs,
    held: Held,
    far_side: FarSide,
) -> None:
    at = cluster.at(far_side.url) if began_at == "tcp" else ("--cluster", began_at)
    process = in_flight(runs, runs.start(*at, *SMALL), 8)
    under_way = records_sent(runs)
    os.killpg(process.pid, number)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.2)
    held.go.set()
    run = runs.finish(process)
    assert (run.code, run.status, run.events["delivered"]) == (130, "interrupted", under_way)
    assert len(far_side.delivered()) == under_way
    run = runs.resume(*(("--cluster", cluster.address) if resumed_on == "the cluster" else ()))
    assert (run.status, run.events["delivered"]) == ("succeeded", len(EVENTS) - under_way)
    assert runs.newest.cluster == (cluster.address if resumed_on == "the cluster" else None)
    assert_once_each(far_side.delivered_data(), data_of(EVENTS))
    assert_in_order(far_side, EVENTS)
    assert all(map(is_alive, cluster.workers))


def test_orders_from_another_terminal_hold_for_all_workers(
    cluster: DaskCluster, runs: Runs, held: Held, far_side: FarSide
) -> None:
    at = cluster.at(far_side.url)
    process = in_flight(runs, runs.start(*at, "--batch-size", "5", "--concurrency", "3"), 3)
    assert_orders_hold(runs, process, EVENTS, held)


def test_when_the_command_is_killed_the_workers_stop_and_the_run_is_resumed_as_any_other(
    cluster: DaskCluster, runs: Runs, far_side: FarSide
) -> None:
    far_side.add_function("fn", Uneven(0.05))
    process = runs.start(*cluster.at(far_side.url), *SMALL)
    kill_once_sent(runs, process, 20)
    sent = len(runs.sent)
    assert runs.show()["next_step"] == f"cncbops runs resume {runs.newest.run_id} --execute --cluster {cluster.address}"
    far_side.add_function("fn")
    run = runs.resume("--cluster", cluster.address)
    assert (run.code, run.status, run.summary["run"]["delivered"]) == (0, "succeeded", len(EVENTS))
    assert 0 < sent < len(EVENTS) / 5
    assert set(far_side.delivered_data()) == set(data_of(EVENTS))
    assert repeats(far_side.delivered_data()) <= 8 * 5
    assert_in_order(far_side, EVENTS)


def test_a_worker_that_is_killed_costs_nothing_but_what_it_had_in_flight(
    small_cluster: DaskCluster, runs: Runs, held: Held, far_side: FarSide
) -> None:
    small_cluster.join(1)
    process = in_flight(runs, runs.start(*small_cluster.at(far_side.url), *SMALL), 8)
    lost = max(small_cluster.workers, key=sockets_of)
    small_cluster.end(lost)
    await_gone([lost])
    held.go.set()
    run = runs.finish(process)
    assert (run.code, run.status, run.events["delivered"]) == (0, "succeeded", len(EVENTS)), run.err
    assert run.summary["workers"] == {"cluster": small_cluster.address, "count": 2, "lost": 1}
    assert set(far_side.delivered_data()) == set(data_of(EVENTS))
    assert 0 < repeats(far_side.delivered_data()) <= run.events["possible_duplicates"] <= 8 * 5
    assert_firsts_in_order(far_side, EVENTS)


def test_a_connection_to_the_scheduler_that_breaks_costs_no_more(
    small_cluster: DaskCluster, runs: Runs, held: Held, far_side: FarSide
) -> None:
    """Dask lets all go that was begun through it, and connects anew."""
    with Way(small_cluster.address) as way:
        at = ("--cluster", way.address, "--endpoint-url", far_side.url)
        process = in_flight(runs, runs.start(*at, *SMALL), 8)
        way.cut()
        held.go.set()
        run = runs.finish(process)
    assert (run.code, run.status, run.events["delivered"]) == (0, "succeeded", len(EVENTS)), run.err
    assert set(far_side.delivered_data()) == set(data_of(EVENTS))
    assert repeats(far_side.delivered_data()) <= run.events["possible_duplicates"] <= 8 * 5
    assert_firsts_in_order(far_side, EVENTS)


def test_a_listing_goes_on_where_a_connection_to_the_scheduler_breaks(
    small_cluster: DaskCluster, runs: Runs, far_side: FarSide
) -> None:
    far_side.add_function("fn")
    level = "GET /lake?list-type=2&prefix=&delimiter"
    go = far_side.hold(level)
    with Way(small_cluster.address) as way:
        at = ("--cluster", way.address, "--endpoint-url", far_side.url)
        process = runs.start(*at, *SMALL, "--from", "2018-01-01T00:00Z", "--to", "2018-12-31T00:00Z")
        far_side.wait_until(lambda: any(request.startswith(level) for request in far_side.requests))
        way.cut()
        go.set()
        run = runs.finish(process)
    assert (run.code, run.status, run.events["delivered"]) == (0, "succeeded", len(EVENTS)), run.err


def test_one_rate_holds_while_workers_come_and_go(small_cluster: DaskCluster, runs: Runs, far_side: FarSide) -> None:
    far_side.add_function("fn", Uneven(0.03))
    process = runs.start(*small_cluster.at(far_side.url), "--batch-size", "2", "--concurrency", "16", "--rate", "100")
    runs.await_sent(25)
    small_cluster.join(1)
    runs.await_sent(50)
    small_cluster.end(small_cluster.workers[0], signal.SIGTERM)
    run = runs.finish(process)
    assert (run.status, run.summary["workers"]["lost"]) == ("succeeded", 1), run.err
    assert_held(runs.sent[:75], 100)
    assert_none_early(runs.sent[-100:], 100)  # what was read anew is not made up for
    assert set(far_side.delivered_data()) == set(data_of(EVENTS))
    assert_in_order(far_side, EVENTS)


@pytest.mark.parametrize("option", ["--dedupe", "--latest-per-key"])
def test_which_of_the_events_alike_are_sent_does_not_hang_on_where(
    option: str, cluster: DaskCluster, cncbops: Cncbops
) -> None:
    """The lake here holds each event twice, far from one another."""
    twice = {**LAKE, **{f"{key}-again": body for key, body in LAKE.items()}}
    found = []
    for at in (("--workers", "1"), ("--cluster", cluster.address)):
        with FarSide() as far_side:
            far_side.add_bucket("lake", twice)
            far_side.add_function("fn")
            run = Runs(cncbops, far_side).execute(option, *at, "--again", "--endpoint-url", far_side.url)
            assert run.status == "succeeded", run.err
            found.append((Counter(far_side.delivered_data()), run.summary["objects"], run.events))
    assert found[0] == found[1]
    assert 0 < found[0][0].total() <= len(EVENTS)


def test_what_failed_is_sent_once_more_from_the_cluster(cluster: DaskCluster, runs: Runs, far_side: FarSide) -> None:
    far_side.add_function("fn", raising_on(ids_of(EVENTS[:7])))
    once = ("--max-attempts", "1", "--max-failures", "100")
    run = runs.execute(*cluster.at(far_side.url), "--batch-size", "5", *once)
    assert (run.code, run.events["failed"]) == (3, 7)
    assert runs.show()["next_step"].endswith(f" --execute --cluster {cluster.address}")
    far_side.add_function("fn")
    run = runs.redrive("--cluster", cluster.address)
    assert (run.code, run.events["delivered"], run.summary["workers"]["count"]) == (0, 7, 2)
    assert runs.newest.cluster == cluster.address
    assert_once_each(far_side.delivered_data(), data_of(EVENTS))
