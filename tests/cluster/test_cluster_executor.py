"""What a session may rely on where its places are workers of a cluster."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from cncbops.aws import Aws
from cncbops.cluster.cluster import Cluster
from cncbops.cluster.connecting import connected
from cncbops.cluster.executor import ClusterExecutor
from cncbops.cluster.watch import Failed
from cncbops.errors import CannotRun
from cncbops.execution.executor import Executor, PlaceLost
from cncbops.function_name import parse_function
from cncbops.lake.sources import LocalSource
from cncbops.ledger.ledger import Ledger
from cncbops.recipients import Recipient, Recipients
from cncbops.request import ReplayRequest
from cncbops.target import Target
from cncbops.terms import settle
from tests.cluster.clusters import ROOT, LoopbackCluster, end
from tests.execution.bench import PATIENCE_S, outcomes, outfit, pids, submit, until
from tests.execution.contract import *  # noqa: F403
from tests.ledger.runs import begin
from tests.ledger.test_resubmitted import deliver, one

pytestmark = pytest.mark.cluster

PROMPTLY_S = 20.0
REQUEST = ReplayRequest(sources=(LocalSource(Path("lake")),), function=parse_function("fn"))
notes: list[str] = []


@pytest.fixture(scope="module")
def cluster(bench_cluster: LoopbackCluster, aws: Aws) -> Iterator[Cluster]:
    with connected(bench_cluster.address, aws, notes.append) as made:
        yield made


@pytest.fixture
def executor(cluster: Cluster, aws: Aws) -> Iterator[Executor]:
    made = cluster.executor(outfit(aws=aws))
    yield made
    made.close()


def await_places(executor: Executor, count: int) -> None:
    """Let workers come, until there are so many."""
    deadline = time.monotonic() + PATIENCE_S
    while len(executor.places) < count:
        assert time.monotonic() < deadline
        assert executor.ended(0.1) == []


def place_of(executor: Executor, pid: int) -> int:
    for place in executor.places:
        submit(executor, ("attempt", "pid"), place=place)
        if outcomes(executor, 1) == [pid]:
            return place
    raise AssertionError("no place is this process")


def lost(executor: Executor) -> tuple[PlaceLost, float]:
    """The next place that is lost, and how long that took."""
    begun = time.monotonic()
    with pytest.raises(PlaceLost) as raised:
        outcomes(executor, sys.maxsize)
    return raised.value, time.monotonic() - begun


def test_a_cluster_says_how_many_are_there_and_what_they_can_do(cluster: Cluster, executor: Executor) -> None:
    assert 1 <= cluster.workers <= 2
    assert cluster.room == cluster.workers * 8
    await_places(executor, 2)
    assert len(set(pids(executor))) == 2


def test_an_outcome_that_cannot_be_sent_is_a_defect_not_silence(executor: Executor) -> None:
    submit(executor, ("attempt", "unsendable"))
    with pytest.raises(Exception, match=r"[Pp]ickle|lambda"):
        outcomes(executor, 1)


def test_what_ended_beside_a_defect_of_the_watch_is_told_before_it(cluster: Cluster, aws: Aws) -> None:
    told: list[object] = []
    with closing(cluster.executor(outfit(aws=aws))) as executor:
        await_places(executor, 2)
        executor.submit(executor.places[0], "cut", "done", then=told.append)
        executor._send_out()
        until(lambda: not executor._events.empty())
        executor._events.put(Failed(ZeroDivisionError()))
        with pytest.raises(ZeroDivisionError):
            outcomes(executor, 2)
    assert told == ["done"]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_worker_that_joins_is_a_place_and_one_that_goes_is_one_lost(
    number: signal.Signals, bench_cluster: LoopbackCluster, executor: Executor, tmp_path: Path
) -> None:
    await_places(executor, 2)
    before = executor.places
    worker = bench_cluster.worker("--nthreads", "40")
    await_places(executor, 3)
    (joined,) = set(executor.places) - set(before)
    assert place_of(executor, worker.pid) == joined
    assert (executor.room(joined), executor.room(before[0])) == (40, 8)
    for how in ("hang", "hang"):
        submit(executor, ("attempt", how, str(tmp_path / "hangs")), ("cut", "comes first"), place=joined)
    assert outcomes(executor, 2) == ["comes first"] * 2
    until(lambda: (tmp_path / "hangs").exists())
    worker.send_signal(number)
    error, took_s = lost(executor)
    assert error.place == joined
    assert error.what.startswith("worker tcp://127.0.0.1:")
    assert took_s < PROMPTLY_S
    submit(executor, ("cut", "lost"), place=joined)
    submit(executor, ("cut", "kept"), place=before[1])
    assert outcomes(executor, 1) == ["kept"]
    assert executor.ended(0.1) == []
    assert executor.places == before


def test_functions_that_are_found_while_a_worker_settles_in_are_known_to_it(
    bench_cluster: LoopbackCluster, cluster: Cluster, aws: Aws
) -> None:
    recipients, target = Recipients(), Target(parse_function("found"))
    with closing(cluster.executor(outfit(aws=aws, recipients=recipients))) as executor:
        await_places(executor, 2)
        before = set(executor.places)
        worker = bench_cluster.worker()
        until(lambda: executor.ended(0.1) == [] and bool(executor._settling))
        recipients.add("found", Recipient(target.function, target, settle(REQUEST, target, "us-east-1")))
        until(lambda: executor.ended(0.1) is not None and len(executor.places) == 3)
        (joined,) = set(executor.places) - before
        submit(executor, ("met",), place=joined)
        until(lambda: ["found"] in [outcome for _, outcome in executor.ended(0.1)])
        end(worker)


@contextmanager
def child(program: str, *arguments: str) -> Iterator[Any]:
    """A program of a test in another process, which is killed in the end."""
    process = subprocess.Popen(
        [sys.executable, "-c", program, *arguments], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


# Alone


def test_where_no_worker_is_left_one_is_waited_for_and_then_the_session_ends(aws: Aws, tmp_path: Path) -> None:
    said: list[str] = []
    with LoopbackCluster(tmp_path) as alone:
        worker = alone.worker()
        with connected(alone.address, aws, said.append) as cluster:
            executor = ClusterExecutor(cluster._loop, cluster._roster, outfit(aws=aws), said.append, without_s=0.5)
            end(worker)
            assert lost(executor)[0].place == 0
            assert executor.places == ()
            executor.ended(0.0)
            assert said[-1] == "no worker is left: waiting 0.5 s for another"
            executor._without_s = PATIENCE_S
            worker = alone.worker()
            await_places(executor, 1)
            submit(executor, ("cut", "goes on"), place=1)
            assert outcomes(executor, 1) == ["goes on"]
            executor._without_s = 0.5
            end(worker)
            assert lost(executor)[0].place == 1
            with pytest.raises(CannotRun, match=r"no worker is left.*Start workers"):
                outcomes(executor, 1)
            executor.close()


def test_where_the_scheduler_is_gone_the_session_ends_as_its_workers_do(aws: Aws, tmp_path: Path) -> None:
    with LoopbackCluster(tmp_path) as alone:
        alone.worker()
        with connected(alone.address, aws, lambda _: None) as cluster:
            said: list[str] = []
            executor = ClusterExecutor(cluster._loop, cluster._roster, outfit(aws=aws), said.append, without_s=0.5)
            end(alone.scheduler)
            assert lost(executor)[0].place == 0
            with pytest.raises(CannotRun, match=r"no worker is left.*Start workers"):
                outcomes(executor, 1)
            executor.close()
    assert "the scheduler does not answer" in said


# What stays


OURS = ("read", "send", "cut", "open", "end")


def names_at(executor: Executor, place: int) -> list[str]:
    """The threads at a worker."""
    submit(executor, ("attempt", "threads"), place=place)
    (names,) = outcomes(executor, 1)
    return names


def threads_at(executor: Executor, place: int) -> int:
    """How many of our threads there are at a worker."""
    return len([name for name in names_at(executor, place) if name.startswith(OURS)])


def test_ten_sessions_leave_no_thread_and_no_client_at_a_worker(cluster: Cluster, aws: Aws) -> None:
    for _ in range(10):
        executor = cluster.executor(outfit(aws=aws, s3=aws.s3))
        submit(executor, ("attempt", "at work"), ("read", "reads"), ("cut", "cuts"), place=executor.places[0])
        outcomes(executor, 3)
        executor.close()
    executor = cluster.executor(outfit(aws=aws))
    for place in executor.places:
        until(lambda place=place: threads_at(executor, place) <= 2)  # type: ignore[misc]
        submit(executor, ("attempt", "sessions"), place=place)
        assert outcomes(executor, 1) == [0]
    executor.close()


OWNER = """
import sys, time
from cncbops.aws import Aws, AwsAccess
from cncbops.cluster.connecting import connected
from cncbops.cluster.executor import ClusterExecutor
from tests.execution.bench import outfit, submit
aws = Aws(AwsAccess(region="us-east-1", endpoint_url=sys.argv[2]))
with connected(sys.argv[1], aws, print) as cluster:
    executor = cluster.executor(outfit(aws=aws))
    for place in executor.places:
        tasks = [("attempt", "meet", sys.argv[3], "999", f"{place}-{number}") for number in range(20)]
        submit(executor, *tasks, place=place)
    executor.ended(0.0)
    print(len(executor.places), flush=True)
    time.sleep(600)
"""


def test_when_the_coordinator_is_killed_its_places_begin_nothing_more_and_are_gone(
    bench_cluster: LoopbackCluster, sts: str, executor: Executor, tmp_path: Path
) -> None:
    with child(OWNER, bench_cluster.address, sts, str(tmp_path)) as owner:
        places = int(owner.stdout.readline())
        until(lambda: len(list(tmp_path.iterdir())) == 8 * places)
        owner.kill()
        owner.wait()
    for place in executor.places[:places]:
        until(lambda place=place: "end" in names_at(executor, place))  # type: ignore[misc]
    begun = set(tmp_path.iterdir())
    for number in range(999):
        (tmp_path / f"go-{number}").touch()
    for place in executor.places:
        until(lambda place=place: threads_at(executor, place) <= 2)  # type: ignore[misc]
    assert {each for each in tmp_path.iterdir() if not each.name.startswith("go")} == begun


# The ledger's memory


def test_what_the_ledger_remembers_is_known_at_a_worker(executor: Executor, tmp_path: Path) -> None:
    with Ledger.open(tmp_path) as ledger:
        run, sent, other = begin(ledger), one(1), one(2)
        deliver(ledger, run, sent)
        memory = ledger.resubmitted()
        expected = memory.history(sent.records).last_sent_ms(sent.records)
        assert expected
        for place in executor.places:
            submit(executor, ("recall", memory, [sent.fault, other.fault, *sent.records]), place=place)
        known = ({sent.fault: run.id}, expected, True, False)
        assert outcomes(executor, len(executor.places)) == [known] * len(executor.places)


def test_what_fails_the_ledger_fails_who_asks_it(executor: Executor, tmp_path: Path) -> None:
    with Ledger.open(tmp_path) as ledger:
        memory = ledger.resubmitted()
        memory._folder = tmp_path / "gone"
        submit(executor, ("recall", memory, [b"digest"]))
        with pytest.raises((RuntimeError, AssertionError)):
            outcomes(executor, 1)
