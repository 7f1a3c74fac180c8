"""The pages of a bucket's listing, and who asks for them: an S3 client of this process, or whoever stands in for it."""

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from sys import intern
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from msgspec import Struct

from cncbops.lake.objects import LakeObject
from cncbops.lake.page_parsing import read_fast

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import ObjectTypeDef

_STANDARD = "STANDARD"


class Page(Struct, frozen=True):
    """Objects and the paths of folders, each in key order; `token` asks for the next page, if there is one."""

    objects: list[LakeObject]
    folders: list[str]
    token: str | None

    def __reduce__(self) -> "tuple[Callable[..., Page], tuple[Any, ...]]":
        """Pages go from process to process by the hundred thousand: a column at a time."""
        columns = zip(*((each.key, each.size, each.etag, each.last_modified) for each in self.objects), strict=True)
        classes = {at: each.storage_class for at, each in enumerate(self.objects) if each.storage_class != _STANDARD}
        bucket = self.objects[0].bucket if self.objects else ""
        return _page, (bucket, *(columns if self.objects else ((),) * 4), classes, self.folders, self.token)

    @property
    def last(self) -> str:
        """The last object's key; empty if there is none."""
        return self.objects[-1].key if self.objects else ""

    @property
    def is_sorted(self) -> bool:
        """False in a directory bucket."""
        return all(one.key < other.key for one, other in pairwise(self.objects))

    def within(self, begin: str, until: str | None) -> list[LakeObject]:
        """The objects of [begin, until); all if neither is given."""
        first = bisect_left(self.objects, begin, key=_key) if begin else 0
        end = len(self.objects) if until is None else bisect_left(self.objects, until, key=_key)
        return self.objects[first:end]


def _page(
    bucket: str,
    keys: Sequence[str],
    sizes: Sequence[int],
    etags: Sequence[str],
    times: Sequence[datetime],
    classes: Mapping[int, str],
    folders: list[str],
    token: str | None,
) -> Page:
    columns = enumerate(zip(keys, sizes, etags, times, strict=True))
    objects = [
        LakeObject(f"s3://{bucket}/{key}", bucket, key, size, etag, time, classes.get(at, _STANDARD))
        for at, (key, size, etag, time) in columns
    ]
    return Page(objects, folders, token)


@runtime_checkable
class Pages(Protocol):
    """Makes list calls, in whichever thread. botocore's errors pass."""

    def page(self, bucket: str, asked: Mapping[str, str]) -> Page:
        """A page, as ListObjectsV2 is asked for it."""


class S3Pages:
    """Pages that a client of this process asks for."""

    def __init__(self, s3: "S3Client") -> None:
        read_fast(s3)
        self._s3: Any = s3

    def page(self, bucket: str, asked: Mapping[str, str]) -> Page:
        """A page, as ListObjectsV2 is asked for it."""
        answer = self._s3.list_objects_v2(Bucket=bucket, **asked)
        return Page(
            [_object(bucket, item) for item in answer.get("Contents", ())],
            [item["Prefix"] for item in answer.get("CommonPrefixes", ())],
            answer.get("NextContinuationToken"),
        )


def pages_of(s3: "S3Client") -> Pages:
    """Who makes the list calls of a client: itself, where it stands in for one and has others list."""
    return s3 if isinstance(s3, Pages) else S3Pages(s3)


def _object(bucket: str, item: "ObjectTypeDef") -> LakeObject:
    return LakeObject(
        uri=f"s3://{bucket}/{item['Key']}",
        bucket=bucket,
        key=item["Key"],
        size=item["Size"],
        etag=item["ETag"].strip('"'),
        last_modified=item["LastModified"],
        storage_class=intern(item.get("StorageClass", _STANDARD)),
    )


def _key(obj: LakeObject) -> str:
    return obj.key
