"""Listing over a cluster: workers ask, as who they are there; what comes of it is as if it had been asked here."""

import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError

from cncbops.aws import Aws, AwsAccess
from cncbops.cluster import line
from cncbops.cluster.connecting import connected
from cncbops.lake.listing import list_objects
from cncbops.lake.sources import S3Source
from tests.cluster.clusters import LoopbackCluster
from tests.e2e.far_side import FarSide
from tests.execution.bench import PATIENCE_S, outfit, until

pytestmark = pytest.mark.cluster

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

KEYS = [f"stream/{number:05}" for number in range(4_500)]
LAKE = S3Source("lake", "stream/")


@pytest.fixture
def s3_side(aws: Aws) -> Iterator[FarSide]:
    with FarSide() as made:
        made.add_bucket("lake", dict.fromkeys(KEYS, b"{}\n"))
        yield made


def test_workers_list_while_a_session_is_at_them_and_this_process_while_none_is(
    s3_side: FarSide, tmp_path: Path
) -> None:
    here = Aws(AwsAccess(region="us-east-1", endpoint_url=s3_side.url))
    with LoopbackCluster(tmp_path) as made:
        worker = made.worker(preload=None)
        with connected(made.address, here, lambda _: None) as cluster:
            s3 = cluster.listing(here.s3())
            assert next(list_objects(LAKE, s3)).key == KEYS[0]
            assert lists_of(s3_side) == {"here"}

            executor = cluster.executor(outfit(aws=here, s3=partial(here.s3, 4)))
            assert [each.key for each in list_objects(LAKE, s3)] == KEYS
            assert lists_of(s3_side) == {"testing"}

            worker.kill()
            assert [each.key for each in list_objects(LAKE, s3)] == KEYS
            assert "here" in lists_of(s3_side)
            executor.close()
    assert [each.key for each in list_objects(LAKE, s3)] == KEYS


def lists_of(far_side: FarSide) -> set[str]:
    """Whose list calls there were since it was last looked."""
    calls = list(zip(far_side.requests, far_side.callers, strict=True))
    far_side.requests.clear()
    far_side.callers.clear()
    return {caller for request, caller in calls if "list-type=2" in request}


def test_what_s3_says_of_a_listing_is_told_as_if_it_had_been_asked_here(s3_side: FarSide, tmp_path: Path) -> None:
    here = Aws(AwsAccess(region="us-east-1", endpoint_url=s3_side.url))
    with LoopbackCluster(tmp_path) as made:
        made.worker(preload=None)
        with connected(made.address, here, lambda _: None) as cluster:
            executor = cluster.executor(outfit(aws=here, s3=partial(here.s3, 4)))
            with pytest.raises(ClientError, match="NoSuchBucket") as raised:
                list(list_objects(S3Source("nowhere", ""), cluster.listing(here.s3())))
            executor.close()
    assert raised.value.response["Error"]["Code"] == "NoSuchBucket"


def test_a_page_that_a_worker_hangs_with_is_asked_for_here(
    s3_side: FarSide, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(line, "BEAT_S", 0.2)
    monkeypatch.setattr(line, "SILENT_S", 0.2)
    here = Aws(AwsAccess(region="us-east-1", endpoint_url=s3_side.url))
    with LoopbackCluster(tmp_path) as made, ThreadPoolExecutor(1) as aside:
        worker = made.worker(preload=None)
        with connected(made.address, here, lambda _: None) as cluster:
            executor = cluster.executor(outfit(aws=here, s3=partial(here.s3, 4)))
            worker.send_signal(signal.SIGSTOP)
            listed = aside.submit(keys_of, cluster.listing(here.s3()))
            assert listed.result(PATIENCE_S) == KEYS
            assert lists_of(s3_side) == {"here"}
            executor.close()


def test_a_page_that_is_on_its_way_when_the_session_ends_is_asked_for_here(s3_side: FarSide, tmp_path: Path) -> None:
    here = Aws(AwsAccess(region="us-east-1", endpoint_url=s3_side.url))
    with LoopbackCluster(tmp_path) as made, ThreadPoolExecutor(1) as aside:
        made.worker(preload=None)
        with connected(made.address, here, lambda _: None) as cluster:
            executor = cluster.executor(outfit(aws=here, s3=partial(here.s3, 4)))
            held = s3_side.hold("GET /lake?list-type")
            listed = aside.submit(keys_of, cluster.listing(here.s3()))
            until(lambda: any("list-type=2" in each for each in s3_side.requests))
            executor.close()
        held.set()
        assert listed.result(PATIENCE_S) == KEYS


def keys_of(s3: "S3Client") -> list[str]:
    return [each.key for each in list_objects(LAKE, s3)]
