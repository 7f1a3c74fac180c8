"""The objects of a source, in key order: lazily, and without the hours nobody asked for.

Keys come in UTF-8 byte order, as S3 gives them, for local folders too: order is part of what a
replay delivers. (Python compares text by its code points, which is the same order.)

    walk.py      which folders, for a window        bucket.py    one page of S3
    stretch.py   a prefix in pieces, side by side   disk.py      this machine's files
    in_order.py  calls ahead, answers in order      guessing.py  where to cut many keys

What an S3 Inventory names is listed as a disk is (`cncbops.inventory`).
"""

import stat
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING

from cncbops.errors import CannotRun
from cncbops.lake.bucket import Bucket
from cncbops.lake.disk import Disk, cannot_list, local_object
from cncbops.lake.in_order import Call, Submit, in_order, nothing
from cncbops.lake.layout import TimeWindow, reading_range
from cncbops.lake.objects import LakeObject
from cncbops.lake.sources import LocalSource, S3Source
from cncbops.lake.stretch import Hopes, Stretch
from cncbops.lake.walk import Entries, Level, Part, Walk, Whole, entries_of

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from cncbops.inventory.keys import SortedKeys

LISTERS = 16
"""List calls under way at a time, at most."""


def list_objects(
    source: S3Source | LocalSource,
    s3: "S3Client | None",
    window: TimeWindow | None = None,
    *,
    at_once: int = LISTERS,
    before_threads: Callable[[], None] = nothing,
) -> Iterator[LakeObject]:
    """The objects of `source`; with `window` (event time) only those that may hold its events.

    Of S3, more is listed than was taken, in up to `at_once` calls at a time, and `before_threads` is called before
    threads are begun for that; with 1, page after page as they are needed. An inventory is read to its end before the
    first object comes. Raises CncbopsError for one that cannot be used and for a local path that cannot be listed;
    botocore's errors pass.
    """
    if isinstance(source, LocalSource):
        yield from _list_local(source, window)
        return
    assert s3 is not None, "an S3 source needs a client"
    parts = _parts(source.prefix, source.prefix.split("/")[:-1], window)
    if source.inventory:
        from cncbops.inventory.inventory import inventory_of  # here: mostly there is none

        before_threads()
        yield from _of_tree(inventory_of(source, s3).under([source.prefix], s3), parts)
        return
    tree = _Tree(Bucket(s3, source.bucket), Hopes() if at_once > 1 else None)
    yield from in_order(tree.calls(parts), at_once, before_threads)


def _parts(root: str, folders: list[str], window: TimeWindow | None) -> Iterator[Part]:
    if window is None or window.is_open:
        return iter((Whole(root),))
    return Walk(reading_range(window)).parts(root, folders)


class _Tree:
    """A bucket whose levels are asked for as a walk comes to them, and those that it will likely come to before."""

    def __init__(self, bucket: Bucket, hopes: Hopes | None) -> None:
        self._bucket, self._hopes = bucket, hopes
        self._foreseen: dict[str, Future[Entries]] = {}

    def calls(self, parts: Iterable[Part]) -> Iterator[list[LakeObject] | Call]:
        """What to ask S3 for the parts of a walk, and the objects that it has met."""
        for kind, same in groupby(parts, type):
            if kind is LakeObject:
                yield [part for part in same if isinstance(part, LakeObject)]
                continue
            for part in same:
                if isinstance(part, Whole):
                    yield from Stretch(self._bucket, part.path, self._hopes).pieces()
                elif isinstance(part, Level):
                    yield _LevelCall(self, part)

    def entries(self, path: str) -> Entries:
        """What lies directly in a folder, asked now."""
        return entries_of(self._bucket.level(path))

    def asked(self, level: Level, submit: Submit) -> Future[Entries]:
        """A level, asked now if it was not foreseen, and with it those that are likely to be wanted next."""
        future = self._foreseen.pop(level.path, None) or submit(partial(self.entries, level.path))
        for path in level.likely:
            if path not in self._foreseen:
                self._foreseen[path] = submit(partial(self.entries, path))
        return future


class _LevelCall(Call):
    """Asks for a level of a walk."""

    is_alone = False

    def __init__(self, tree: _Tree, level: Level) -> None:
        self._tree, self._level = tree, level

    def submitted(self, submit: Submit) -> Future[Entries]:
        return self._tree.asked(self._level, submit)

    def ask(self) -> Entries:
        return self._tree.entries(self._level.path)

    def answer(self, entries: Entries) -> Iterator[list[LakeObject] | Call]:
        return self._tree.calls(self._level.parts(entries))


def _list_local(source: LocalSource, window: TimeWindow | None) -> Iterator[LakeObject]:
    path = str(source.path)
    try:
        info = source.path.stat()
    except OSError as error:
        raise cannot_list(path, error) from error
    if stat.S_ISDIR(info.st_mode):
        yield from _of_tree(Disk(), _parts(path, list(source.path.parts), window))
    elif stat.S_ISREG(info.st_mode):
        yield local_object(path, info)
    else:
        raise CannotRun(f"{source.uri} is neither a file nor a folder", "Save it to a file first")


def _of_tree(tree: "Disk | SortedKeys", parts: Iterable[Part]) -> Iterator[LakeObject]:
    for part in parts:
        if isinstance(part, LakeObject):
            yield part
        elif isinstance(part, Whole):
            yield from tree.flat(part.path)
        else:
            yield from _of_tree(tree, part.parts(entries_of(tree.level(part.path))))
