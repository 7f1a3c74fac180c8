"""The sandbox's CDN: a distribution before a bucket of views."""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from cncbops.sandbox.cdn import ALIAS, CDN, VIEW_BUCKET, VIEWS, find_distribution, put_view, seed_cdn
from cncbops.sandbox.clients import Clients, connect
from cncbops.sandbox.server import running
from cncbops.sandbox.stacks import outputs

if TYPE_CHECKING:
    from mypy_boto3_cloudfront.type_defs import PathsTypeDef


@pytest.fixture(scope="module")
def clients(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clients]:
    with running(tmp_path_factory.mktemp("sandbox")) as server:
        clients = connect(server.endpoint_url)
        assert find_distribution(clients) is None
        seed_cdn(clients)
        yield clients


def view(clients: Clients, key: str) -> dict[str, str]:
    stored = clients.s3.get_object(Bucket=VIEW_BUCKET, Key=key)
    assert (stored["ContentType"], stored["CacheControl"]) == ("application/json", "max-age=86400")
    return dict(json.loads(stored["Body"].read()))


def test_the_distribution_is_found_by_its_stack_and_by_its_alias(clients: Clients) -> None:
    told = outputs(clients, CDN)
    distribution = clients.cloudfront.get_distribution(Id=told["ApiDistributionId"])["Distribution"]
    assert distribution["Status"] == "Deployed"
    assert distribution["DistributionConfig"]["Aliases"] == {"Quantity": 1, "Items": [ALIAS]}
    assert told["ApiDistributionEndpoint"] == f"https://{distribution['DomainName']}"
    assert find_distribution(clients) == distribution["Id"]


def test_the_distribution_serves_the_bucket_of_its_stack(clients: Clients) -> None:
    told = outputs(clients, CDN)
    bucket = "cncb-cdn-invalidate-john-bucket-sandbox"
    assert (told["BucketName"], told["BucketArn"]) == (bucket, f"arn:aws:s3:::{bucket}")
    config = clients.cloudfront.get_distribution_config(Id=told["ApiDistributionId"])["DistributionConfig"]
    assert [origin["DomainName"] for origin in config["Origins"]["Items"]] == [f"{bucket}.s3.amazonaws.com"]


def test_there_are_a_dozen_views_with_names_that_a_path_may_and_may_not_hold_as_they_are(clients: Clients) -> None:
    keys = [found["Key"] for found in clients.s3.list_objects_v2(Bucket=VIEW_BUCKET)["Contents"]]
    assert len(keys) == 12
    assert set(keys) == set(VIEWS)
    assert {"things/thing-1", "things/red flower", "things/gr\u00fcn"} <= set(keys)
    assert [f"things/{view(clients, key)['id']}" for key in keys] == keys


def test_a_view_that_changes_is_another_document_at_the_same_key(clients: Clients) -> None:
    before = view(clients, "things/thing-2")
    put_view(clients, "things/thing-2", "blue")
    assert view(clients, "things/thing-2") == {**before, "name": "blue"} != before


def test_paths_of_the_distribution_are_invalidated(clients: Clients) -> None:
    distribution = outputs(clients, CDN)["ApiDistributionId"]
    paths: PathsTypeDef = {"Quantity": 1, "Items": ["/things/thing-1"]}
    made = clients.cloudfront.create_invalidation(
        DistributionId=distribution, InvalidationBatch={"Paths": paths, "CallerReference": "once"}
    )
    assert made["Invalidation"]["InvalidationBatch"]["Paths"] == paths
