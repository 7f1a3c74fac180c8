"""How much there is to read is found out beside a run that lasts, at the price of another listing."""

import threading
from collections.abc import Iterator

import pytest

from cncbops import survey
from cncbops.lake.sources import S3Source
from cncbops.request import ResubmitRequest
from cncbops.survey import Survey
from tests.e2e.far_side import FarSide
from tests.e2e.servers import client
from tests.execution.bench import until

REQUEST = ResubmitRequest(sources=(S3Source("lake", ""),))
LAKE = {"a": b"1", "b": b"22", "c": b"333"}


@pytest.fixture
def far_side() -> Iterator[FarSide]:
    with FarSide() as server:
        server.add_bucket("lake", LAKE)
        yield server


def lists(far_side: FarSide) -> int:
    return sum("list-type" in request for request in far_side.requests)


def test_a_run_that_is_over_at_once_is_not_listed_once_more(far_side: FarSide) -> None:
    with Survey(REQUEST, client("s3", far_side.url)):
        (at_work,) = (thread for thread in threading.enumerate() if thread.name == "survey")
    at_work.join(timeout=10)
    assert lists(far_side) == 0


def test_of_one_that_lasts_it_is_known_how_much_is_left(far_side: FarSide, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(survey, "PATIENCE_S", 0)
    with Survey(REQUEST, client("s3", far_side.url), done_bytes=2) as found:
        until(lambda: found.total_bytes is not None)  # which comes behind the last request
    assert (found.total_bytes, lists(far_side)) == (4, 1)
