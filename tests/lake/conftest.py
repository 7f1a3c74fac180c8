"""A bucket in memory, and objects to put in it."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import boto3
import pytest
from moto import mock_aws

from cncbops.lake.objects import LakeObject

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@pytest.fixture(scope="session")
def client() -> "S3Client":
    return boto3.client(
        "s3",
        region_name="us-east-1",
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
        endpoint_url="https://s3.us-east-1.amazonaws.com",  # whatever AWS_ENDPOINT_URL says
    )


@pytest.fixture
def s3(client: "S3Client") -> "Iterator[S3Client]":
    """A client of an S3 in memory, with the empty bucket `lake`."""
    with mock_aws():
        client.create_bucket(Bucket="lake")
        yield client


def lake_object(key: str, size: int = 1) -> LakeObject:
    return LakeObject(f"s3://lake/{key}", "lake", key, size, "etag", datetime(2018, 4, 8, tzinfo=UTC))
