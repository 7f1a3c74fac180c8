"""The manifest of an S3 Inventory: of which bucket it tells, since when, and in which files.

Beside `manifest.json` lies `manifest.checksum`, its MD5 in hexadecimal; the manifest has the MD5s of its data files.
They lie in the bucket in which it lies. Time is that at which AWS began to look through the bucket.
Sources: Amazon S3 User Guide, "Locating your inventory list" and "Amazon S3 Inventory list".
"""

import hashlib
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from cncbops.errors import BadInput, CannotRun
from cncbops.lake.sources import S3Source, parse_source

NAME = "manifest.json"
LARGEST = 64 * 1024 * 1024
"""Bytes of a manifest: it names some files of a million keys each."""

_EPOCH = datetime.fromtimestamp(0, UTC)
# By the names of CSV, what has to be there; AWS writes the last two where all versions are listed.
_NEEDED = ("Key", "Size", "LastModifiedDate", "ETag", "StorageClass")
_OF_VERSIONS = ("IsLatest", "IsDeleteMarker")
_IN_PARQUET = {
    "Bucket": "bucket",
    "Key": "key",
    "Size": "size",
    "LastModifiedDate": "last_modified_date",
    "ETag": "e_tag",
    "StorageClass": "storage_class",
    "VersionId": "version_id",
    "IsLatest": "is_latest",
    "IsDeleteMarker": "is_delete_marker",
}
_PARQUET_FIELD = re.compile(r"(?:required|optional)\s+\w+\s+(\w+)")


class DataFile(Struct, frozen=True):
    """One of the files that hold the keys; `md5` in hexadecimal."""

    key: str
    size: int
    md5: str


class Manifest(Struct, frozen=True):
    """What an inventory tells of itself; `columns` are all that its files have, in their order."""

    uri: str
    source_bucket: str
    created: datetime
    file_format: str
    columns: Sequence[str]
    files: Sequence[DataFile]

    @property
    def bucket(self) -> str:
        """Where its files lie."""
        return place_of(self.uri).bucket

    @property
    def wanted(self) -> list[str]:
        """The columns that are read: those of Key, Size, LastModifiedDate, ETag, StorageClass, and of versions."""
        names = [*_NEEDED, *(_OF_VERSIONS if _lists_versions(self.columns) else ())]
        return [_column(self.file_format, name) for name in names]


# Bounded, as parts of a manifest stand in errors and in calls: whoever writes to its bucket may have written it.
_Md5 = Annotated[str, Meta(pattern="^[0-9a-fA-F]{32}$")]
_Millis = Annotated[str, Meta(pattern="^[0-9]{1,15}$")]
_Bucket = Annotated[str, Meta(pattern="^[a-zA-Z0-9._-]{3,255}$")]


class _File(msgspec.Struct):
    key: Annotated[str, Meta(min_length=1, max_length=1024)]
    size: Annotated[int, Meta(ge=0)]
    md5: _Md5 = msgspec.field(name="MD5checksum")


class _Manifest(msgspec.Struct):
    source_bucket: _Bucket = msgspec.field(name="sourceBucket")
    file_format: Annotated[str, Meta(max_length=32)] = msgspec.field(name="fileFormat")
    file_schema: Annotated[str, Meta(max_length=10_000)] = msgspec.field(name="fileSchema")
    created: _Millis = msgspec.field(name="creationTimestamp")
    files: list[_File]


def place_of(uri: str) -> S3Source:
    """Bucket and key of a manifest. Raises BadInput for what is none."""
    place = parse_source(uri) if uri.startswith("s3://") else None
    if not isinstance(place, S3Source) or place.prefix.rpartition("/")[2] != NAME:
        raise BadInput(f"{uri!r} is no manifest of an S3 Inventory", f"Write s3://bucket/…/{NAME}, as AWS delivers it")
    return place


def read_manifest(uri: str, get: Callable[[S3Source, int], bytes]) -> Manifest:
    """The manifest, whose checksum fits; `get` gives an object's content of at most so many bytes.

    Raises BadInput if it cannot be used, CannotRun if it is damaged or cannot be read.
    """
    place = place_of(uri)
    content = get(place, LARGEST)
    checksum = get(S3Source(place.bucket, place.prefix.removesuffix(NAME) + "manifest.checksum"), 1_000)
    if hashlib.md5(content, usedforsecurity=False).hexdigest().encode() != checksum.strip().lower():
        raise CannotRun(f"{uri} does not fit its manifest.checksum", _ANOTHER)
    try:
        return _thawed(uri, msgspec.json.decode(content, type=_Manifest))
    except (msgspec.DecodeError, ValueError, OverflowError, RecursionError) as error:
        raise CannotRun(f"{uri} is no manifest of an S3 Inventory: {error}", _ANOTHER) from error


_ANOTHER = "Take the manifest.json of another day"


def _thawed(uri: str, found: _Manifest) -> Manifest:
    columns = _columns(uri, found)
    _require(uri, found.file_format, columns)
    return Manifest(
        uri=uri,
        source_bucket=found.source_bucket,
        created=_EPOCH + timedelta(milliseconds=int(found.created)),
        file_format=found.file_format,
        columns=columns,
        files=[DataFile(each.key, each.size, each.md5.lower()) for each in found.files],
    )


def _columns(uri: str, found: _Manifest) -> list[str]:
    if found.file_format == "CSV":
        return [name.strip() for name in found.file_schema.split(",")]
    if found.file_format == "Parquet":
        return _PARQUET_FIELD.findall(found.file_schema)
    what = f"the inventory {uri} is in {found.file_format}, which is not read"
    raise BadInput(what, "Configure an inventory of the bucket in CSV or Parquet")


def _column(file_format: str, name: str) -> str:
    return _IN_PARQUET[name] if file_format == "Parquet" else name


def _lists_versions(columns: Sequence[str]) -> bool:
    named = {*("VersionId", *_OF_VERSIONS), *(_IN_PARQUET[name] for name in ("VersionId", *_OF_VERSIONS))}
    return not named.isdisjoint(columns)


def _require(uri: str, file_format: str, columns: Sequence[str]) -> None:
    names = [*_NEEDED, *(_OF_VERSIONS if _lists_versions(columns) else ())]
    missing = [name for name in names if _column(file_format, name) not in columns]
    if missing:
        raise BadInput(
            f"the inventory {uri} has no {', '.join(missing)}",
            "Add to its configuration the optional fields Size, LastModifiedDate, ETag and StorageClass",
        )
