"""`cncbops invalidate` against an embedded AWS: its CloudFront, S3 and CloudFormation."""

import json
import time
from typing import Any

import pytest

from tests.e2e import servers
from tests.e2e.invalidates import make_distribution
from tests.e2e.servers import Cncbops

TEMPLATE = {"Resources": {"Topic": {"Type": "AWS::SNS::Topic", "Properties": {}}}}


@pytest.fixture(scope="module")
def cdn(ministack: str) -> Any:
    return servers.client("cloudfront", ministack)


@pytest.fixture
def distribution(cdn: Any, unique: str) -> str:
    """A distribution with an alias `www.UNIQUE.example.com`."""
    return make_distribution(cdn, unique)


def made_of(cdn: Any, distribution: str) -> list[list[str]]:
    """The paths of each invalidation, in order of arrival."""
    listed = cdn.list_invalidations(DistributionId=distribution)["InvalidationList"].get("Items", [])
    found = [cdn.get_invalidation(DistributionId=distribution, Id=each["Id"])["Invalidation"] for each in listed]
    return [each["InvalidationBatch"]["Paths"]["Items"] for each in found]


def test_by_alias_and_waited_for(cncbops: Cncbops, ministack: str, cdn: Any, distribution: str, unique: str) -> None:
    asked = ("invalidate", f"www.{unique}.example.com", "/a", "/red flower", "/b/*", "--wait", "-o", "json")
    assert cncbops(*asked, endpoint=ministack).json["status"] == "planned"
    assert made_of(cdn, distribution) == []
    done = cncbops(*asked, "--execute", endpoint=ministack).json
    assert (done["status"], done["requests"]["completed"]) == ("succeeded", 1)
    assert made_of(cdn, distribution) == [["/a", "/red%20flower", "/b/*"]]
    listed = cncbops("invalidate", "ls", distribution, "-o", "json", endpoint=ministack).json["invalidations"]
    assert [(each["status"], each["paths"]) for each in listed] == [("Completed", 3)]
    status = cncbops("invalidate", "status", distribution, listed[0]["id"], endpoint=ministack)
    assert (status.code, "/red%20flower" in status.out) == (0, True)


def test_what_was_written_to_s3_since(
    cncbops: Cncbops, ministack: str, cdn: Any, s3: Any, distribution: str, unique: str
) -> None:
    s3.create_bucket(Bucket=unique)
    for key in ("things/old", "other/1"):
        s3.put_object(Bucket=unique, Key=key, Body=b"x")
    written = s3.head_object(Bucket=unique, Key="things/old")["LastModified"].timestamp()
    while time.time() < written + 1:  # S3 keeps whole seconds
        time.sleep(0.05)
    for key in ("things/new +1", "things/star*"):
        s3.put_object(Bucket=unique, Key=key, Body=b"x")
    since = s3.head_object(Bucket=unique, Key="things/new +1")["LastModified"].isoformat()
    asked = ("invalidate", distribution, "--from-s3", f"s3://{unique}/things/", "--since", since, "-o", "json")
    done = cncbops(*asked, "--execute", endpoint=ministack)
    assert (done.code, done.json["status"]) == (3, "partial")
    assert done.json["failures"][0]["object"] == f"s3://{unique}/things/star*"
    assert done.json["source"] == [f"s3://{unique}/things/"]
    assert made_of(cdn, distribution) == [["/things/new%20+1"]]


def test_by_the_stage_of_the_books_stacks(
    cncbops: Cncbops, ministack: str, cdn: Any, distribution: str, unique: str
) -> None:
    template = {**TEMPLATE, "Outputs": {"ApiDistributionId": {"Value": distribution}}}
    servers.client("cloudformation", ministack).create_stack(
        StackName=f"cncb-cdn-invalidate-{unique}", TemplateBody=json.dumps(template)
    )
    done = cncbops("invalidate", "--stage", unique, "/index.html", "--execute", "-o", "json", endpoint=ministack)
    assert (done.code, made_of(cdn, distribution)) == (0, [["/index.html"]])
    listed = cncbops("invalidate", "ls", "--stage", unique, "-o", "json", endpoint=ministack).json
    assert listed["distribution"] == distribution
    missing = cncbops("invalidate", "--stage", "nobody", "/a", endpoint=ministack)
    assert (missing.code, "stage nobody has no distribution in us-east-1: there is no stack" in missing.err) == (
        1,
        True,
    )
    path = cncbops("invalidate", "--stage", unique, "index.html", "/a", endpoint=ministack)
    assert (path.code, "If it is a path, write /index.html" in path.err) == (2, True)
