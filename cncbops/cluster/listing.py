"""Listing that is spread over the workers: they ask S3 and parse what it says, here it is put in order."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from cncbops.lake.pages import Page, S3Pages

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class SpreadListing:
    """Stands in for an S3 client: `elsewhere` makes its list calls (see `lake.pages`), itself all others.

    Where nobody is elsewhere, as before a session has begun, it makes all of them.
    """

    def __init__(self, s3: "S3Client", elsewhere: Callable[[str, Mapping[str, str]], Page | None]) -> None:
        self._s3, self._pages, self._elsewhere = s3, S3Pages(s3), elsewhere

    def page(self, bucket: str, asked: Mapping[str, str]) -> Page:
        """A page, as ListObjectsV2 is asked for it. botocore's errors pass."""
        return self._elsewhere(bucket, asked) or self._pages.page(bucket, asked)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._s3, name)
