"""A scheduler with two workers for most tests: what they share is that nothing of them stays at a worker."""

import os
from collections.abc import Iterator

import pytest

from cncbops.aws import Aws, AwsAccess
from tests.cluster.clusters import ENVIRONMENT, LoopbackCluster
from tests.e2e.far_side import FarSide


@pytest.fixture(scope="session")
def bench_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoopbackCluster]:
    """Two workers, each of which is a bench."""
    with LoopbackCluster(tmp_path_factory.mktemp("cluster")) as made:
        made.worker()
        made.worker()
        yield made


@pytest.fixture(scope="session")
def sts() -> Iterator[str]:
    """Where AWS is, for all: it says who asks."""
    with FarSide() as made:
        yield made.url


@pytest.fixture(scope="module")
def aws(sts: str) -> Iterator[Aws]:
    """What a session has: credentials of its own, which no worker has."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith(("AWS_", "DASK_"))]:
            patch.delenv(name)
        for name, value in {**ENVIRONMENT, "AWS_ACCESS_KEY_ID": "here"}.items():
            patch.setenv(name, value)
        yield Aws(AwsAccess(region="us-east-1", endpoint_url=sts))
