"""The objects of a source, in key order: lazily, and without the hours nobody asked for.

An hourly lake has nearly nine thousand folders a year. With a window the listing walks the folders
(`Delimiter='/'`), recognises dates, and leaves out what lies outside. What is not surely a date is
listed whole: leaving out too little costs a read, leaving out too much loses events.

Keys come in UTF-8 byte order, as S3 gives them, for local folders too: order is part of what a
replay delivers.
"""

import errno
import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Protocol

from cncbops.errors import CannotRun
from cncbops.lake.layout import FolderDate, TimeWindow, date_start, find_date, reading_range
from cncbops.lake.objects import LakeObject
from cncbops.lake.sources import LocalSource, S3Source, printable

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import ListObjectsV2OutputTypeDef, ObjectTypeDef

# An unknown layout is searched for dates this far, then listed whole.
_SEARCH_DEPTH = 3
_SEARCH_FOLDERS = 100  # without a date, on one level
_SEARCH_LEVELS = 200  # in one listing
_LEVEL_ENTRIES = 4_000  # held in memory: eleven years of day folders


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder as one level of a tree names it; `path` is what the tree lists it by."""

    path: str
    name: str


class Tree(Protocol):
    """What the walk needs of S3 or a disk. Both methods are lazy and go in key order."""

    def level(self, folder: str) -> Iterator[LakeObject | Folder]:
        """Objects and folders directly in `folder`."""

    def flat(self, folder: str) -> Iterator[LakeObject]:
        """All objects below `folder`, however deep."""


def list_objects(
    source: S3Source | LocalSource, s3: "S3Client | None", window: TimeWindow | None = None
) -> Iterator[LakeObject]:
    """The objects of `source`; with `window` (event time) only those that may hold its events.

    Raises CannotRun for a local path that cannot be listed; botocore's errors pass.
    """
    if isinstance(source, LocalSource):
        yield from _list_local(source, window)
        return
    assert s3 is not None, "an S3 source needs a client"
    yield from _listed(S3Tree(s3, source.bucket), source.prefix, source.prefix.split("/")[:-1], window)


def _list_local(source: LocalSource, window: TimeWindow | None) -> Iterator[LakeObject]:
    path = str(source.path)
    try:
        info = source.path.stat()
    except OSError as error:
        raise _cannot_list(path, error) from error
    if stat.S_ISDIR(info.st_mode):
        yield from _listed(LocalTree(), path, source.path.parts, window)
    elif stat.S_ISREG(info.st_mode):
        yield local_object(path, info)
    else:
        raise CannotRun(f"{source.uri} is neither a file nor a folder", "Save it to a file first")


def _listed(tree: Tree, root: str, folders: Sequence[str], window: TimeWindow | None) -> Iterator[LakeObject]:
    return (
        tree.flat(root) if window is None or window.is_open else _Walk(tree, reading_range(window)).all(root, folders)
    )


class _Walk:
    """One listing that leaves out the date folders outside `hours`."""

    def __init__(self, tree: Tree, hours: TimeWindow) -> None:
        self._tree = tree
        self._hours = hours
        self._searches_left = _SEARCH_LEVELS

    def all(self, root: str, folders: Sequence[str]) -> Iterator[LakeObject]:
        """From a root that may lie inside a date path, or end in the midst of a folder's name."""
        found = find_date(folders)
        if found is None:
            return self._search(root, depth=0)
        if found.date.is_hour:
            return self._dated(root, found.date)
        if found.last < len(folders):
            return self._tree.flat(root)
        return self._date_level(root, found.date)

    def _search(self, path: str, depth: int) -> Iterator[LakeObject]:
        """A folder outside any date: objects as they are, folders by what their names say."""
        self._searches_left -= 1
        entries = self._entries(path)
        dates = {entry: date_start(entry.name) for entry in entries or () if isinstance(entry, Folder)}
        if entries is None or not self._is_worth_walking(list(dates.values()), depth):
            yield from self._tree.flat(path)
            return
        for entry in entries:
            if isinstance(entry, LakeObject):
                yield entry
            elif date := dates[entry]:
                yield from self._dated(entry.path, date)
            elif self._may_go_deeper(depth):
                yield from self._search(entry.path, depth + 1)
            else:
                yield from self._tree.flat(entry.path)

    def _is_worth_walking(self, dates: list[FolderDate | None], depth: int) -> bool:
        few = dates.count(None) <= _SEARCH_FOLDERS
        return few and (any(dates) or self._may_go_deeper(depth))

    def _may_go_deeper(self, depth: int) -> bool:
        return depth < _SEARCH_DEPTH and self._searches_left > 0

    def _dated(self, path: str, date: FolderDate) -> Iterator[LakeObject]:
        """A folder whose path names `date`."""
        if self._hours.covers(*date.span):
            return self._tree.flat(path)
        if date.is_year:  # perhaps a number that looks like a year: only the level below can tell
            return self._date_level(path, date)
        if not date.may_lie_in(self._hours):
            return iter(())
        return self._tree.flat(path) if date.is_hour else self._date_level(path, date)

    def _date_level(self, path: str, date: FolderDate) -> Iterator[LakeObject]:
        """The months of a year, days of a month or hours of a day.

        One folder that is none of these shows that the others only look like it.
        """
        entries = self._entries(path)
        dates = {entry: date.below(entry.name) for entry in entries or () if isinstance(entry, Folder)}
        if entries is None or None in dates.values():
            yield from self._tree.flat(path)
            return
        for entry in entries:
            if isinstance(entry, LakeObject):
                yield entry
            elif longer := dates[entry]:
                yield from self._dated(entry.path, longer)

    def _entries(self, path: str) -> list[LakeObject | Folder] | None:
        """All of a level, or None if it has too many entries to be one of folders."""
        entries = list(islice(self._tree.level(path), _LEVEL_ENTRIES + 1))
        return entries if len(entries) <= _LEVEL_ENTRIES else None


class S3Tree:
    """A bucket as folders; a folder's path is its key prefix."""

    def __init__(self, s3: "S3Client", bucket: str) -> None:
        self._paginator = s3.get_paginator("list_objects_v2")
        self._bucket = bucket

    def level(self, folder: str) -> Iterator[LakeObject | Folder]:
        for page in self._paginator.paginate(Bucket=self._bucket, Prefix=folder, Delimiter="/"):
            entries: dict[str, LakeObject | Folder] = dict(self._folders(page))
            entries.update((obj.key, obj) for obj in self._objects(page))
            for key in sorted(entries, key=str.encode):
                yield entries[key]

    def flat(self, folder: str) -> Iterator[LakeObject]:
        for page in self._paginator.paginate(Bucket=self._bucket, Prefix=folder):
            yield from self._objects(page)

    def _folders(self, page: "ListObjectsV2OutputTypeDef") -> Iterator[tuple[str, Folder]]:
        for item in page.get("CommonPrefixes", ()):
            path = item["Prefix"]
            yield path, Folder(path, path[:-1].rpartition("/")[2])

    def _objects(self, page: "ListObjectsV2OutputTypeDef") -> Iterator[LakeObject]:
        return (self._object(item) for item in page.get("Contents", ()))

    def _object(self, item: "ObjectTypeDef") -> LakeObject:
        return LakeObject(
            uri=f"s3://{self._bucket}/{item['Key']}",
            bucket=self._bucket,
            key=item["Key"],
            size=item["Size"],
            etag=item["ETag"].strip('"'),
            last_modified=item["LastModified"],
            storage_class=item.get("StorageClass", "STANDARD"),
        )


class LocalTree:
    """A disk as folders. Links to files are followed, links to folders are not: they may loop."""

    def level(self, folder: str) -> Iterator[LakeObject | Folder]:
        try:
            with os.scandir(folder) as found:
                entries = sorted(found, key=_key_order)
            for entry in entries:
                if listed := _local_entry(entry):
                    yield listed
        except OSError as error:
            raise _cannot_list(folder, error) from error

    def flat(self, folder: str) -> Iterator[LakeObject]:
        levels = [self.level(folder)]
        while levels:
            for entry in levels[-1]:
                if isinstance(entry, Folder):
                    levels.append(self.level(entry.path))
                    break
                yield entry
            else:
                levels.pop()


def _key_order(entry: "os.DirEntry[str]") -> bytes:
    """S3 has no folders, only keys that go on after the slash: `a-b` comes before `a/c`."""
    return os.fsencode(entry.name) + (b"/" if entry.is_dir(follow_symlinks=False) else b"")


def _local_entry(entry: "os.DirEntry[str]") -> LakeObject | Folder | None:
    """None for what is no object: a pipe, a device, a link to a folder or to nothing."""
    if entry.is_dir(follow_symlinks=False):
        return Folder(entry.path, entry.name)
    try:
        info = entry.stat()
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ELOOP):
            return None
        raise
    return local_object(entry.path, info) if stat.S_ISREG(info.st_mode) else None


def local_etag(info: os.stat_result) -> str:
    """What changes when a local file does, as an ETag does in S3."""
    return f"{info.st_mtime_ns:x}-{info.st_size:x}"


def local_object(path: str, info: os.stat_result) -> LakeObject:
    """A local file as an object."""
    return LakeObject(
        uri=printable(path),
        bucket="",
        key=path,
        size=info.st_size,
        etag=local_etag(info),
        last_modified=datetime.fromtimestamp(info.st_mtime, UTC),
    )


def _cannot_list(path: str, error: OSError) -> CannotRun:
    return CannotRun(
        f"{printable(path)!r} cannot be listed: {error.strerror}",
        "Check the path; S3 is s3://bucket/prefix",
    )
