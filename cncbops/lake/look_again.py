"""What a listed object is now: the same, another, or gone."""

import os
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from cncbops.aws_errors import code_of
from cncbops.lake.disk import local_object
from cncbops.lake.objects import LakeObject

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_GONE = ("404", "NoSuchKey", "NotFound")


def look_again(obj: LakeObject, s3: "S3Client | None") -> LakeObject | None:
    """The object under the same key as it is now, None if there is none. botocore's errors pass."""
    return _look_at_s3(obj, s3) if obj.bucket else _look_at_file(obj)


def _look_at_s3(obj: LakeObject, s3: "S3Client | None") -> LakeObject | None:
    assert s3 is not None, "an object in S3 needs a client"
    try:
        found = s3.head_object(Bucket=obj.bucket, Key=obj.key)
    except ClientError as error:
        if code_of(error) in _GONE:
            return None
        raise
    return LakeObject(
        uri=obj.uri,
        bucket=obj.bucket,
        key=obj.key,
        size=found["ContentLength"],
        etag=found["ETag"].strip('"'),
        last_modified=found["LastModified"],
        storage_class=found.get("StorageClass", "STANDARD"),
    )


def _look_at_file(obj: LakeObject) -> LakeObject | None:
    try:
        return local_object(obj.key, os.stat(obj.key))  # noqa: PTH116  a key is text
    except (FileNotFoundError, NotADirectoryError):
        return None
