"""The data files of an S3 Inventory: fetched, checked, and read as rows.

In CSV a key is URL-encoded, with `+` for a space; in Parquet it is as it is. An inventory of all versions has rows
of older ones and of delete markers, which a listing does not show.
Sources: Amazon S3 User Guide, "Amazon S3 Inventory list"; cloud-custodian/cloud-custodian issue 1997 (the space).
"""

import csv
import gzip
import hashlib
import io
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from typing import IO, TYPE_CHECKING, Annotated, Any
from urllib.parse import unquote_plus

import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from cncbops.aws_errors import explain
from cncbops.errors import CannotRun
from cncbops.inventory.manifest import DataFile, Manifest
from cncbops.lake.look_again import look_again
from cncbops.lake.objects import LakeObject, ObjectUnreadable
from cncbops.lake.reading import open_object
from cncbops.lake.sources import S3Source

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

Row = tuple[str, Annotated[int, msgspec.Meta(ge=0)], int, str, str]
"""Key, size in bytes, last modification in ms since the epoch, ETag, storage class."""

BATCH = 10_000
"""Rows in memory at a time."""
_TOO_LARGE = 2**63
LINE = 256 * 1024
"""Characters that are taken for a line of CSV: a key has at most 1,024 bytes, three times that once it is encoded."""


def content_of(place: S3Source, s3: "S3Client", most: int) -> bytes:
    """A small object whole. Raises CannotRun."""
    return b"".join(_stored(place, s3, most))


def fetched(file: DataFile, manifest: Manifest, s3: "S3Client") -> IO[bytes]:
    """A data file on this machine's disk, under no name, whose MD5 is that of the manifest. Raises CannotRun."""
    place = S3Source(manifest.bucket, file.key)
    copy = tempfile.TemporaryFile()  # noqa: SIM115  whoever reads it closes it
    try:
        digest = hashlib.md5(usedforsecurity=False)
        for data in _stored(place, s3, file.size):
            digest.update(data)
            copy.write(data)
        if digest.hexdigest() != file.md5:
            raise CannotRun(f"{place.uri} does not fit the MD5 in {manifest.uri}", _ANOTHER)
        copy.seek(0)
    except OSError as error:
        copy.close()
        raise no_room(error) from error
    except BaseException:
        copy.close()
        raise
    return copy


def rows_of(copy: IO[bytes], file: DataFile, manifest: Manifest) -> Iterator[list[Row]]:
    """The objects that a data file names, in batches and its own order. Raises CannotRun."""
    read = _of_csv if manifest.file_format == "CSV" else _of_parquet
    try:
        with closing(copy):
            yield from read(copy, manifest)
    except _NOT_AS_SAID as error:
        what = f"s3://{manifest.bucket}/{file.key} is not what its manifest says: {' '.join(str(error).split())[:300]}"
        raise CannotRun(what, _ANOTHER) from error


_NOT_AS_SAID = (
    *(csv.Error, zlib.error, EOFError, OSError, msgspec.ValidationError),
    *(ValueError, LookupError, TypeError, AttributeError, ArithmeticError, NotImplementedError),
)
"""What reading says of bytes that are no such file, or of a column of another type: pyarrow's errors are of these."""
_ANOTHER = "Take the manifest.json of another day"


def no_room(error: Exception) -> CannotRun:
    """That the inventory cannot be put down on this machine."""
    what = f"the inventory cannot be put down on this disk: {getattr(error, 'strerror', None) or error}"
    return CannotRun(what, "Set TMPDIR to a place that has room, some 600 bytes for each key")


def _stored(place: S3Source, s3: "S3Client", most: int) -> Iterator[bytes]:
    """An object's bytes, resumed where they break off. Raises CannotRun, as for more of them."""
    stub = LakeObject(place.uri, place.bucket, place.prefix, 0, "", datetime.now(UTC))
    try:
        found = look_again(stub, s3)
        if found is None or found.size > most:
            wrong = f"has {found.size:,} bytes where at most {most:,} are expected" if found else "does not exist"
            raise CannotRun(f"{place.uri} {wrong}", _ANOTHER)
        with open_object(found, s3) as opened:
            yield from opened.stored()
    except ObjectUnreadable as error:
        raise CannotRun(
            f"{place.uri} {error.message}", "Mend that, or take the manifest.json of another day"
        ) from error
    except (BotoCoreError, ClientError) as error:
        raise explain(error, f"read {place.uri}") from error


def _of_csv(copy: IO[bytes], manifest: Manifest) -> Iterator[list[Row]]:
    at = [manifest.columns.index(name) for name in manifest.wanted]
    width = len(manifest.columns)
    with io.TextIOWrapper(gzip.GzipFile(fileobj=copy), "utf-8", newline="") as text:
        lines = csv.reader(iter(partial(text.readline, LINE), ""), strict=True)  # the csv module bounds fields
        while batch := list(islice(lines, BATCH)):
            if any(len(line) != width for line in batch):
                raise ValueError(f"a line has not {width} fields")
            yield [_csv_row(*(line[place] for place in at)) for line in batch if _is_current(line, at)]


def _is_current(line: list[str], at: list[int]) -> bool:
    """Whether an object is what a listing shows: neither an older version nor a mark that it was deleted."""
    versions = [line[place] for place in at[5:]]
    return not versions or (versions[0].lower(), versions[1].lower()) == ("true", "false")


def _csv_row(key: str, size: str, modified: str, etag: str, storage_class: str, *_: str) -> Row:
    if "%" in key or "+" in key:
        key = unquote_plus(key, errors="strict")
    if not 0 <= (count := int(size)) < _TOO_LARGE:
        raise ValueError(f"an object of {size} bytes")
    return key, count, _millis(datetime.fromisoformat(modified)), etag.strip('"'), storage_class or "STANDARD"


def _of_parquet(copy: IO[bytes], manifest: Manifest) -> Iterator[list[Row]]:
    table = _parquet(manifest).ParquetFile(copy, pre_buffer=False, buffer_size=1024 * 1024)
    for batch in table.iter_batches(BATCH, columns=manifest.wanted, use_threads=False):
        columns = (batch.column(name).to_pylist() for name in manifest.wanted)
        rows = [_parquet_row(*row) for row in zip(*columns, strict=True) if row[5:] in ((), (True, False))]
        yield msgspec.convert(rows, list[Row])  # a column may be of another type than its name says, or have nulls


def _parquet_row(key: str, size: int, modified: datetime, etag: str, storage_class: str | None, *_: bool) -> Row:
    return key, size, _millis(modified), etag.strip('"'), storage_class or "STANDARD"


def _millis(moment: datetime) -> int:
    """Since the epoch; AWS writes UTC."""
    return round(moment.replace(tzinfo=moment.tzinfo or UTC).timestamp() * 1000)


def require_reader(manifest: Manifest) -> None:
    """Raise CannotRun if what reads the files of this inventory is not installed."""
    if manifest.file_format == "Parquet":
        _parquet(manifest)


def _parquet(manifest: Manifest) -> Any:
    try:
        import pyarrow.parquet  # here: it is an extra, and heavy
    except ImportError as error:
        what = f"the inventory {manifest.uri} is in Parquet, which needs pyarrow"
        raise CannotRun(what, "Install it by `pip install 'cncbops[inventory]'`, or configure one in CSV") from error
    return pyarrow.parquet
