"""A way to a cluster is found, or it is said in one line why there is none, and what to do."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from cncbops import __version__
from cncbops.aws import Aws, AwsAccess
from cncbops.cluster import cluster as clusters
from cncbops.cluster import loop, roster
from cncbops.cluster.address import parse_address
from cncbops.cluster.connecting import connected
from cncbops.cluster.whereabouts import Whereabouts
from cncbops.errors import BadInput, CannotRun
from tests.cluster.clusters import ROOT, LoopbackCluster
from tests.execution.bench import outfit, until
from tests.execution.looks import await_gone, children_of, is_alive

pytestmark = pytest.mark.cluster


@pytest.mark.parametrize("address", ["tcp://10.0.0.1:8786", "tls://scheduler.internal:8786", "tcp://[::1]:1"])
def test_a_scheduler_is_known_by_its_address(address: str) -> None:
    assert parse_address(address).scheduler == address
    assert str(parse_address(address)) == address


def test_workers_of_this_machine_are_known_by_their_number() -> None:
    assert (parse_address("local:4").scheduler, parse_address("local:4").local_workers) == (None, 4)


@pytest.mark.parametrize(
    "address",
    [
        *("", "host", "host:8786", "http://h:1", "tcp://h", "tcp://h:0", "tcp://h:99999", "tcp://h:1/x", "ucx://h:1"),
        *("local", "local:", "local:0", "local:65", "local:x", "tcp://h:1\n", "tcp://user@h:1"),
    ],
)
def test_what_is_no_address_is_bad_input(address: str) -> None:
    with pytest.raises(BadInput, match="local:N"):
        parse_address(address)


WITHOUT = """
import sys
sys.modules["distributed"] = None
from cncbops.cluster.connecting import connected
try:
    with connected("tcp://127.0.0.1:1", None, print): pass
except Exception as error:
    print(type(error).__name__, error)
"""


def test_without_the_extra_it_is_said_how_to_install_it() -> None:
    told = subprocess.run([sys.executable, "-c", WITHOUT], capture_output=True, text=True, check=True)
    assert told.stdout.startswith("CannotRun ")
    assert "pip install 'cncbops[cluster]'" in told.stdout


def test_dask_is_not_loaded_before_it_is_needed() -> None:
    program = "import sys, cncbops.cluster.connecting as _; print('distributed' in sys.modules, 'dask' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True).stdout == "False False\n"


def test_a_scheduler_loads_no_library_of_aws() -> None:
    """It loads what is submitted, while all wait for it."""
    program = "import sys, cncbops.cluster.places as _; print('distributed' in sys.modules, 'botocore' in sys.modules)"
    assert subprocess.check_output([sys.executable, "-c", program], text=True).split() == ["True", "False"]


def refusal(address: str, aws: Aws, said: list[str] | None = None) -> str:
    """Why no session comes about."""
    with pytest.raises(CannotRun) as raised, connected(address, aws, (said if said is not None else []).append):
        pass
    assert "\n" not in str(raised.value)
    return str(raised.value)


def test_where_no_scheduler_answers_that_is_said(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clusters, "SCHEDULER_S", 0.3)
    monkeypatch.setattr(loop, "LATE_S", 0.1)
    said: list[str] = []
    assert refusal("tcp://127.0.0.1:1", aws, said).startswith("no scheduler answers at tcp://127.0.0.1:1. Start one")
    assert said == ["waiting for the scheduler at tcp://127.0.0.1:1"]


def test_tls_is_set_up_as_dask_has_it(aws: Aws) -> None:
    said = refusal("tls://127.0.0.1:1", aws)
    assert said.startswith("there are no certificates here for tls://127.0.0.1:1. Set ca-file, client.cert")


@pytest.fixture
def scheduler(tmp_path: Path) -> Iterator[LoopbackCluster]:
    with LoopbackCluster(tmp_path) as made:
        yield made


def test_where_no_worker_comes_that_is_said(
    scheduler: LoopbackCluster, aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clusters, "WORKERS_S", 0.3)
    said: list[str] = []
    assert refusal(scheduler.address, aws, said) == (
        f"the scheduler at {scheduler.address} has no worker. Start some: `dask worker {scheduler.address}`"
    )
    assert said == [f"waiting up to 0.3 s for a worker at {scheduler.address}"]


@pytest.fixture
def older(tmp_path: Path) -> dict[str, str]:
    """The environment of a worker that has an older version of the package."""
    (tmp_path / "older" / "cncbops-0.0.9.dist-info").mkdir(parents=True)
    (tmp_path / "older" / "cncbops-0.0.9.dist-info" / "METADATA").write_text("Name: cncbops\nVersion: 0.0.9\n")
    return {"PYTHONPATH": f"{tmp_path / 'older'}:{ROOT}"}


def test_a_worker_that_joins_with_another_version_is_not_used_and_that_is_told(
    scheduler: LoopbackCluster, older: dict[str, str], aws: Aws
) -> None:
    said: list[str] = []
    scheduler.worker()
    with connected(scheduler.address, aws, said.append) as cluster:
        executor = cluster.executor(outfit(aws=aws))
        scheduler.worker(**older)
        until(lambda: executor.ended(0.1) == [] and any("0.0.9" in each for each in said))
        assert ": it is not used. " in said[-1]
        assert len(executor.places) == 1
        executor.close()
    # And who begins with it is told what it has and what is needed.
    told = refusal(scheduler.address, aws)
    assert re.match(r"worker tcp://127.0.0.1:\d+ has cncbops 0.0.9, Python 3\.\d+, distributed [\d.]+; ", told)
    assert f"; here is cncbops {__version__}, Python 3." in told
    assert told.endswith("best from one image")


def test_a_worker_that_hangs_is_named_and_holds_up_no_other(
    tmp_path: Path, aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    with LoopbackCluster(tmp_path) as made:
        first = made.worker()
        with connected(made.address, aws, lambda _: None) as cluster:

            def members() -> set[str]:
                return {each.address for each in cluster._loop.do(cluster._roster.members())}

            made.worker()
            until(lambda: len(members()) == 2)
            (hangs,) = cluster._roster.fit
            assert cluster._loop.do(cluster._roster.objections(members())) == {}
            first.send_signal(signal.SIGSTOP)
            cluster._roster.fit.clear()
            monkeypatch.setattr(roster, "LONGEST_S", 2.0)
            monkeypatch.setattr(loop, "LATE_S", 0.2)
            objections = cluster._loop.do(cluster._roster.objections(members()))
            assert cluster._roster.fit == members() - {hangs}
        told = f"worker {hangs}: no answer within 2 s. End it, or see why it hangs"
        assert [str(each) for each in objections.values()] == [told]
        said: list[str] = []
        with connected(made.address, aws, said.append) as cluster:  # and is left out by others
            left_out = f"worker {hangs}: no answer within 2 s: it is not used. End it, or see why it hangs"
            assert said == [f"waiting for the workers at {made.address}", left_out]
            assert cluster.workers == 1
            executor = cluster.executor(outfit(aws=aws))
            assert len(executor.places) == 1
            executor.close()


def test_where_no_worker_answers_there_is_no_session(tmp_path: Path, aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    with LoopbackCluster(tmp_path) as made:
        worker = made.worker()
        with connected(made.address, aws, lambda _: None):
            worker.send_signal(signal.SIGSTOP)
        monkeypatch.setattr(roster, "LONGEST_S", 0.5)
        assert refusal(made.address, aws).endswith(": no answer within 0.5 s. End it, or see why it hangs")


def test_a_scheduler_with_another_version_is_named_too(tmp_path: Path, older: dict[str, str], aws: Aws) -> None:
    with LoopbackCluster(tmp_path, **older) as scheduler:
        scheduler.worker(PYTHONPATH=str(ROOT))
        assert refusal(scheduler.address, aws).startswith("the scheduler has cncbops 0.0.9, ")


def test_a_worker_that_would_send_elsewhere_is_named_with_both_places(
    scheduler: LoopbackCluster, aws: Aws, sts: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where the endpoint is set in the environment, which is another at each machine."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", sts)
    other = sts.replace("127.0.0.1", "localhost")
    scheduler.worker(AWS_ENDPOINT_URL=other)
    told = refusal(scheduler.address, Aws(AwsAccess(region="us-east-1")))
    assert re.match(r"worker tcp://127.0.0.1:\d+ calls Lambda at ", told)
    assert f" calls Lambda at {other}, not {sts}. Give --endpoint-url or --role-arn, or set " in told


def test_a_worker_that_has_no_identity_is_named(scheduler: LoopbackCluster, aws: Aws) -> None:
    scheduler.worker(AWS_ACCESS_KEY_ID="", AWS_SECRET_ACCESS_KEY="")
    told = refusal(scheduler.address, aws)
    assert re.match(r"worker tcp://127.0.0.1:\d+: cannot .*no usable AWS credentials", told)
    assert told.endswith("give that a role, or use --role-arn")


HERE = Whereabouts("https://lambda", "https://s3", "111111111111")


@pytest.mark.parametrize(
    ("there", "difference"),
    [
        (HERE, None),
        (replace(HERE, account=None), None),
        (replace(HERE, account="222222222222"), "is of account 222222222222, not 111111111111"),
        (replace(HERE, lambda_url="https://vpce"), "calls Lambda at https://vpce, not https://lambda"),
        (replace(HERE, s3_url="https://vpce"), "calls S3 at https://vpce, not https://s3"),
    ],
)
def test_whom_a_worker_would_send_to_has_to_be_the_same(there: Whereabouts, difference: str | None) -> None:
    assert HERE.difference(there) == difference


LOCAL = """
import os, signal, sys, time
from cncbops.aws import Aws, AwsAccess
from cncbops.cluster.connecting import connected
from tests.execution.bench import outfit
if __name__ == "__main__":
    aws = Aws(AwsAccess(region="us-east-1", endpoint_url=sys.argv[1], profile="operator"))
    signal.signal(signal.SIGINT, lambda *_: None)  # what is ignored, its children would ignore, too
    with connected("local:2", aws, print) as cluster:
        executor = cluster.executor(outfit(aws=aws))
        print(cluster.workers, cluster.room, len(executor.places), flush=True)
        sys.stdin.readline()
"""


class Local:
    """A program that uses a cluster of this machine, and a profile; in a process group of its own."""

    def __init__(self, folder: Path, sts: str) -> None:
        program = folder / "program.py"
        program.write_text(LOCAL)
        config = folder / "config"
        config.write_text("[profile operator]\naws_access_key_id = testing\naws_secret_access_key = testing\n")
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("AWS_ACCESS")}
        self.process = subprocess.Popen(
            [sys.executable, program, sts],
            env={**inherited, "PYTHONPATH": str(ROOT), "AWS_CONFIG_FILE": str(config)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert self.process.stdout
        self.said = self.process.stdout.readline()
        self.workers = grandchildren(self.process.pid)

    def end(self, order: str) -> tuple[str, int]:
        """What it says on standard error, and its status."""
        _, errors = self.process.communicate(order)
        return errors, self.process.returncode


def grandchildren(pid: int) -> list[int]:
    found = children_of(pid)
    return [*found, *(each for child in found for each in grandchildren(child))]


@pytest.fixture
def local(tmp_path: Path, aws: Aws, sts: str) -> Iterator[Local]:
    made = Local(tmp_path, sts)
    yield made
    for pid in filter(is_alive, [made.process.pid, *made.workers]):
        os.kill(pid, signal.SIGKILL)
    made.process.communicate()


def test_a_cluster_of_this_machine_hears_no_signal_of_the_terminal_says_nothing_and_ends(local: Local) -> None:
    assert local.said == "2 16 2\n"
    assert len(local.workers) >= 2
    os.killpg(local.process.pid, signal.SIGINT)
    assert local.end("done\n") == ("", 0)
    await_gone(local.workers)


def test_a_cluster_of_this_machine_ends_when_the_one_that_began_it_is_killed(local: Local) -> None:
    local.process.kill()
    await_gone(local.workers)
