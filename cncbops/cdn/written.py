"""Objects of a bucket written since a time: what a trigger of the bucket would have named one by one."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from cncbops.cdn.notifications import ChangedObject
from cncbops.lake.listing import list_objects
from cncbops.lake.sources import S3Source

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def written_since(source: S3Source, since_ms: int, s3: "S3Client") -> Iterator[ChangedObject]:
    """The objects whose current version was written at or after a time; what was removed is not to be seen.

    S3 keeps whole seconds, so the second of that time counts. botocore's errors pass.
    """
    since_s = since_ms // 1000
    return (
        ChangedObject(found.bucket, found.key)
        for found in list_objects(source, s3)
        if found.last_modified.timestamp() >= since_s
    )
