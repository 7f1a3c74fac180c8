"""Where events are read from: what an operator may type as SOURCE, and which sources overlap.

A key prefix is taken literally: S3 keys may hold spaces, `+`, `%` and any other character, so
decoding one would name another object. Only a `file://` URL is percent-decoded.
"""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote_to_bytes

from msgspec import Struct

from cncbops.errors import BadInput

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
# What botocore accepts. Today's rules are stricter, but old buckets keep their names.
_BUCKET = re.compile(r"[A-Za-z0-9._-]{3,255}")
_FORMS = "Write s3://bucket/prefix, a local path, or file:///path"


@dataclass(frozen=True, slots=True)
class S3Source:
    """Every object of a bucket whose key starts with `prefix`.

    `inventory` is the URI of the manifest of an S3 Inventory, where that tells the objects in place of list calls.
    """

    bucket: str
    prefix: str
    inventory: str | None = None

    @property
    def uri(self) -> str:
        return f"s3://{self.bucket}/{self.prefix}"


class LocalSource(Struct, frozen=True):
    """A file, or every file under a folder."""

    path: Path

    @property
    def uri(self) -> str:
        return printable(str(self.path))


Source = S3Source | LocalSource


def parse_source(text: str) -> Source:
    """What `text` names, without looking whether it exists. Raises BadInput."""
    if text.startswith("s3://"):
        return _s3_source(text)
    if text.startswith("file://"):
        return _local_source(_path_of_url(text))
    if _SCHEME.match(text):
        raise BadInput(f"{text!r} is not a source that can be read", _FORMS)
    return _local_source(text)


def without_overlaps(sources: Sequence[Source]) -> tuple[list[Source], list[Source]]:
    """The sources that cover all of them (`kept`), and those that lie inside a kept one (`dropped`).

    Both in the order given; of equal sources the first is kept. Symbolic links are resolved.
    """
    extents = [extent_of(source) for source in sources]
    kept: set[int] = set()
    cover: str | None = None
    # Sorted, all that lies inside an extent follows right behind it.
    for index in sorted(range(len(extents)), key=extents.__getitem__):
        if cover is None or not extents[index].startswith(cover):
            cover = extents[index]
            kept.add(index)
    return (
        [source for index, source in enumerate(sources) if index in kept],
        [source for index, source in enumerate(sources) if index not in kept],
    )


def printable(path: str) -> str:
    """A local path as text that can be printed and stored, also when its bytes are not UTF-8."""
    return os.fsencode(path).decode(errors="backslashreplace")


def _s3_source(text: str) -> S3Source:
    bucket, _, prefix = text.removeprefix("s3://").partition("/")
    if not _BUCKET.fullmatch(bucket):
        raise BadInput(f"{text!r} names no valid bucket", "Write s3://bucket/prefix")
    if any("\ud800" <= character <= "\udfff" for character in prefix):
        raise BadInput(f"{text!r} is not UTF-8, as S3 keys are", "Write the prefix in UTF-8")
    return S3Source(bucket, prefix)


def _path_of_url(text: str) -> str:
    host, slash, path = text.removeprefix("file://").partition("/")
    if host not in ("", "localhost"):
        raise BadInput(f"{text!r} names another machine", "Write file:///path, with three slashes")
    return os.fsdecode(unquote_to_bytes(slash + path))


def _local_source(path: str) -> LocalSource:
    if not path or "\0" in path:
        raise BadInput(f"{path!r} is not a path", _FORMS)
    return LocalSource(Path(path))


def extent_of(source: Source) -> str:
    """A string such that a source lies inside another if its string starts with the other's."""
    if isinstance(source, S3Source):
        return source.uri
    return os.path.realpath(source.path).rstrip("/") + "/"
