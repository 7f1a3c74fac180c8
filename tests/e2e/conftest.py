"""What an end-to-end test stands on: the command, the far side, ministack, microburst.

ministack lives as long as its test worker, so a test uses names of its own (`unique`); all else is fresh for
each test.
"""

import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.e2e import servers
from tests.e2e.clusters import DaskCluster
from tests.e2e.far_side import FarSide
from tests.e2e.far_side_cloudfront import FarSideCloudFront
from tests.e2e.far_side_health import HealthSide
from tests.e2e.invalidates import Invalidates
from tests.e2e.replays import Replays
from tests.e2e.servers import Cncbops, Microburst, Result
from tests.e2e.warm import Warm


@pytest.fixture(scope="session")
def warm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warm]:
    """A process with the command's modules, one for each test worker."""
    process = Warm(tmp_path_factory.mktemp("warm"))
    yield process
    process.close()


@pytest.fixture
def cncbops(tmp_path: Path, warm: Warm) -> Iterator[Cncbops]:
    """The installed command: `cncbops("replay", ..., endpoint=far_side.url)` gives .code .out .err .json."""
    command = Cncbops(tmp_path, warm=warm)
    yield command
    command.close()


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DaskCluster]:
    """A Dask cluster of two workers, one for each test worker: to be left as it was found."""
    with DaskCluster(tmp_path_factory.mktemp("cluster")) as dask:
        dask.join(2)
        yield dask


@pytest.fixture
def small_cluster(tmp_path: Path) -> Iterator[DaskCluster]:
    """A Dask cluster with one worker, for a test that lets workers come and go."""
    with DaskCluster(tmp_path) as dask:
        dask.join(1)
        yield dask


@pytest.fixture
def far_side() -> Iterator[FarSide]:
    """S3, Lambda and STS with truly concurrent functions; an error inside it fails the test."""
    with FarSide() as server:
        yield server
    assert server.errors == []


@pytest.fixture
def cloudfront() -> Iterator[FarSideCloudFront]:
    """CloudFront with one distribution, whose invalidations are in progress until the test completes them."""
    with FarSideCloudFront() as server:
        yield server


@pytest.fixture
def invalidates(cncbops: Cncbops, cloudfront: FarSideCloudFront) -> Invalidates:
    """`invalidates.plan(...)` and `invalidates.execute(...)` run `cncbops invalidate` on that distribution."""
    return Invalidates(cncbops, cloudfront)


@pytest.fixture
def health_side() -> Iterator[HealthSide]:
    """The services of many regions and their check endpoints, all well unless the test says otherwise."""
    with HealthSide() as server:
        yield server
    assert server.errors == []


@pytest.fixture
def toml(tmp_path: Path, health_side: HealthSide) -> Path:
    """A file that names something for every probe in two regions, where the command runs."""
    path = tmp_path / "cncbops.toml"
    path.write_text("".join(map(health_side.toml, ("us-east-1", "us-west-2"))))
    return path


@pytest.fixture
def health(cncbops: Cncbops, health_side: HealthSide) -> Any:
    """`health("--require", "any")` runs the command against the far side."""

    def run(*arguments: str, **more: Any) -> Result:
        return cncbops("health", *arguments, endpoint=health_side.url, **more)

    return run


@pytest.fixture
def replays(cncbops: Cncbops, far_side: FarSide) -> Replays:
    """`replays.plan(...)` and `replays.execute(...)` run `cncbops replay s3://lake/ -f fn` against the far side."""
    return Replays(cncbops, far_side.url)


@pytest.fixture
def unique() -> str:
    """A part of names that no other test uses, fit for buckets, functions and streams."""
    return f"t-{uuid.uuid4().hex[:10]}"


@pytest.fixture(scope="session")
def ministack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The endpoint of a real embedded AWS, one for each test worker."""
    with servers.ministack(tmp_path_factory.mktemp("ministack")) as endpoint:
        yield endpoint


@pytest.fixture(scope="session")
def s3(ministack: str) -> Any:
    """A boto3 client of ministack's S3."""
    return servers.client("s3", ministack)


@pytest.fixture(scope="session")
def lambda_(ministack: str) -> Any:
    """A boto3 client of ministack's Lambda."""
    return servers.client("lambda", ministack)


@pytest.fixture
def deploy_function(lambda_: Any) -> Callable[..., str]:
    """`deploy_function(name, source, runtime="python3.11")` waits until it is Active and gives its ARN.

    `source` defines `handler(event, context)` in Python, or `exports.handler` in Node.js (CommonJS).
    """

    def deploy(name: str, source: str, runtime: str = "python3.11") -> str:
        function = lambda_.create_function(
            FunctionName=name,
            Runtime=runtime,
            Role="arn:aws:iam::000000000000:role/cncb-listener-role",
            Handler="index.handler",
            Code={"ZipFile": servers.zipped("index.js" if runtime.startswith("nodejs") else "index.py", source)},
            Timeout=10,
        )
        lambda_.get_waiter("function_active_v2").wait(
            FunctionName=name, WaiterConfig={"Delay": 0.05, "MaxAttempts": 400}
        )
        return str(function["FunctionArn"])

    return deploy


@pytest.fixture
def microburst(tmp_path: Path) -> Iterator[Callable[[str, Sequence[Mapping[str, Any]]], Microburst]]:
    """`microburst(upstream, rules)` starts a proxy that injects faults; its .url is the endpoint to use."""
    with ExitStack() as running:
        yield lambda upstream, rules: running.enter_context(servers.microburst(upstream, rules, tmp_path))
