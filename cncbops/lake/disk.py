"""The files of this machine as objects: folders in the order of S3's keys."""

import errno
import os
import stat
from collections.abc import Iterator
from datetime import UTC, datetime

from cncbops.errors import CannotRun
from cncbops.lake.objects import LakeObject
from cncbops.lake.sources import printable
from cncbops.lake.walk import Folder


class Disk:
    """A disk as folders. Links to files are followed, links to folders are not: they may loop."""

    def level(self, folder: str) -> Iterator[LakeObject | Folder]:
        """Objects and folders directly in `folder`, lazily and in key order. Raises CannotRun."""
        try:
            with os.scandir(folder) as found:
                entries = sorted(found, key=_key_order)
            for entry in entries:
                if listed := _local_entry(entry):
                    yield listed
        except OSError as error:
            raise cannot_list(folder, error) from error

    def flat(self, folder: str) -> Iterator[LakeObject]:
        """All objects below `folder`, however deep, lazily and in key order. Raises CannotRun."""
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


def cannot_list(path: str, error: OSError) -> CannotRun:
    """That a path cannot be listed, and what to do."""
    return CannotRun(
        f"{printable(path)!r} cannot be listed: {error.strerror}",
        "Check the path; S3 is s3://bucket/prefix",
    )
