"""Where objects that changed are found by viewers."""

import pytest

from cncbops.cdn.distribution import Origin
from cncbops.cdn.gathering import Gathering
from cncbops.cdn.notifications import ChangedObject


@pytest.mark.parametrize(
    ("origins", "foreign"),
    [
        (["views.s3.us-east-1.amazonaws.com"], ["other", "another"]),
        (["views.s3.amazonaws.com", "other.s3-website-us-east-1.amazonaws.com"], ["another"]),
        (["api.example.com"], ["views", "other", "another"]),
        ([], []),
    ],
)
def test_a_bucket_that_is_no_origin_is_known_once_and_its_objects_are_taken(
    origins: list[str], foreign: list[str]
) -> None:
    gathering = Gathering([Origin(domain, "") for domain in origins])
    buckets = ("views", "other", "another", "other")
    gathering.take_objects("n.json", [ChangedObject(bucket, "a") for bucket in buckets])
    assert (gathering.foreign_buckets, gathering.items) == (foreign, ["/a"] * 4)
