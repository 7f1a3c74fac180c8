"""Cache tags need an SDK and a distribution that know them."""

import gzip
import json
from pathlib import Path

import botocore
import botocore.session
import pytest

from cncbops.cdn.distribution import Distribution
from cncbops.cdn.tags import require_tags
from cncbops.errors import BadInput, CannotRun

MODEL = Path("cloudfront/2020-05-31/service-2.json.gz")
TAKES = Distribution("E1", "d1.cloudfront.net", tag_header="x-cache-tag")


def client_of(models: Path | None = None) -> object:
    session = botocore.session.get_session()
    if models:
        session.get_component("data_loader").search_paths.insert(0, str(models))
    return session.create_client(
        "cloudfront", region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test"
    )


@pytest.fixture
def of_last_year(tmp_path: Path) -> object:
    """A client of a botocore that was made before CloudFront had tags."""
    model = json.loads(gzip.decompress((Path(botocore.__file__).parent / "data" / MODEL).read_bytes()))
    del model["shapes"]["DistributionConfig"]["members"]["CacheTagConfig"]
    (tmp_path / MODEL).parent.mkdir(parents=True)
    (tmp_path / MODEL).write_bytes(gzip.compress(json.dumps(model).encode(), 1))
    return client_of(tmp_path)


def test_an_older_botocore_is_to_be_upgraded_and_does_for_paths(of_last_year: object) -> None:
    require_tags(["/a"], TAKES, of_last_year)  # type: ignore[arg-type]
    with pytest.raises(BadInput, match="pip install -U"):
        require_tags(["/a", "#x"], TAKES, of_last_year)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("distribution", "problem", "told"),
    [
        (Distribution("E1", "d1.cloudfront.net"), BadInput, "no CacheTagConfig"),
        (Distribution("E1"), CannotRun, "cloudfront:GetDistribution"),
    ],
)
def test_a_distribution_that_takes_none_is_told(distribution: Distribution, problem: type, told: str) -> None:
    with pytest.raises(problem, match=told):
        require_tags(["#x"], distribution, client_of())  # type: ignore[arg-type]


def test_one_that_takes_them_is_fine() -> None:
    require_tags(["#x"], TAKES, client_of())  # type: ignore[arg-type]
