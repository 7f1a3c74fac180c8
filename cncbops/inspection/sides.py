"""A lake and its copy as two sides to be compared, object by object, under keys that mean the same on both.

A key is compared without the prefix that its side was asked for. Both sides are listed in the order of these keys,
so that one walk along both tells what only one of them has, and nothing is held but a few pages of each.
"""

from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from cncbops.aws_errors import explain
from cncbops.errors import CannotRun, CncbopsError
from cncbops.lake.layout import TimeWindow, may_hold, reading_range
from cncbops.lake.listing import LISTERS, list_objects
from cncbops.lake.objects import LakeObject
from cncbops.lake.sources import LocalSource, S3Source, Source, printable

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

LISTERS_A_SIDE = LISTERS // 2
"""List calls of each side under way at a time: both together list as far ahead as a replay, and hold as much."""


@dataclass(frozen=True)
class Side:
    """One of the two. `s3` is None for a folder of this machine; `options` is what its own options begin with."""

    source: Source
    s3: "S3Client | None" = None
    options: str = "--"

    @cached_property
    def root(self) -> str:
        """What all keys of its objects begin with, but for the key of a single file."""
        return self.source.prefix if isinstance(self.source, S3Source) else f"{str(self.source.path).rstrip('/')}/"

    @property
    def is_inventory(self) -> bool:
        """Whether its objects are told as they were when its inventory was made."""
        return isinstance(self.source, S3Source) and self.source.inventory is not None

    def key_of(self, lake_object: LakeObject) -> str:
        """An object's key on both sides."""
        return lake_object.key[len(self.root) :]

    def sought(self, key: str, like: LakeObject) -> LakeObject:
        """What to ask for to find what this side has under the key of an object of the other."""
        at = self.root + key
        if isinstance(self.source, S3Source):
            return replace(like, uri=f"s3://{self.source.bucket}/{at}", bucket=self.source.bucket, key=at)
        return replace(like, uri=printable(at), bucket="", key=at)

    def objects(self, window: TimeWindow) -> Generator[LakeObject, None, None]:
        """Its objects in order, without the markers of folders. Raises CncbopsError."""
        try:
            for each in list_objects(self.source, self.s3, window, at_once=LISTERS_A_SIDE):
                if not each.key.endswith("/"):
                    yield each
        except (BotoCoreError, ClientError) as error:
            raise self.explained(error, f"list {self.source.uri}") from error

    def explained(self, error: BotoCoreError | ClientError, doing: str) -> CncbopsError:
        """An AWS error as one line, which names the options that are this side's."""
        told = explain(error, doing)
        return type(told)(told.what, told.next_step.replace("--", self.options))


def as_folders(lake: Source, recovery: Source) -> tuple[Source, Source]:
    """The two sources such that their keys can be compared: where one is a folder, so is the other.

    The prefix of an S3 source may end in the midst of a name, and then finds other folders, too. Beside a folder it
    can only be meant as one.
    """
    if _is_folder(lake) == _is_folder(recovery):
        return lake, recovery
    return _folder(lake), _folder(recovery)


def _is_folder(source: Source) -> bool:
    if isinstance(source, LocalSource):
        return source.path.is_dir()
    return not source.prefix or source.prefix.endswith("/")


def _folder(source: Source) -> Source:
    if isinstance(source, LocalSource) or _is_folder(source):
        return source
    return replace(source, prefix=f"{source.prefix}/")


@dataclass(frozen=True, slots=True)
class Pair:
    """What the sides have under a key: an object each, or one of them has none."""

    key: str
    lake: LakeObject | None
    recovery: LakeObject | None


@dataclass(slots=True)
class Listed:
    """How many objects of each side were met so far."""

    lake: int = 0
    recovery: int = 0


def pairs(lake: Side, recovery: Side, window: TimeWindow, listed: Listed) -> Generator[Pair, None, None]:
    """All keys of both sides in order, of those that may hold events of `window`.

    Which those are is seen by the names in the lake. Raises CncbopsError.
    """
    wanted = _chooser(lake, window)
    ours, theirs = _Line(lake, window, wanted), _Line(recovery, window, wanted)
    with closing(ours), closing(theirs):
        while ours.head or theirs.head:
            listed.lake, listed.recovery = ours.taken, theirs.taken
            here = ours.place <= theirs.place
            there = theirs.place <= ours.place
            key = ours.key if here else theirs.key
            yield Pair(key, ours.take() if here else None, theirs.take() if there else None)
        listed.lake, listed.recovery = ours.taken, theirs.taken


def _chooser(lake: Side, window: TimeWindow) -> Callable[[str], bool]:
    """Whether what has a key may hold events of the window.

    A listing leaves out what lies outside, but how much of it depends on what else is there, which may differ.
    """
    if window.is_open:
        return lambda _: True
    hours = reading_range(window)

    @lru_cache(maxsize=64)
    def holds(folder: str) -> bool:
        return may_hold(f"{folder}/", hours)

    return lambda key: holds((lake.root + key).rpartition("/")[0])


_Place = tuple[bool, bytes]
"""Whether a line is at its end, and where in the order of keys it is."""


class _Line:
    """The objects of a side, of which the first is looked at before it is taken."""

    def __init__(self, side: Side, window: TimeWindow, wanted: Callable[[str], bool]) -> None:
        self._side = side
        self._objects = side.objects(window)
        self._wanted_ones = (each for each in self._objects if wanted(side.key_of(each)))
        self.taken = 0
        self.place: _Place = (False, b"")
        self._advance()

    def take(self) -> LakeObject:
        """The first object; then the next one is the first."""
        assert self.head is not None
        head, self.taken = self.head, self.taken + 1
        self._advance()
        return head

    def close(self) -> None:
        """End the listing."""
        self._objects.close()

    def _advance(self) -> None:
        before = self.place
        self.head = next(self._wanted_ones, None)
        self.key = self._side.key_of(self.head) if self.head else ""
        self.place = (self.head is None, self.key.encode(errors="surrogateescape"))
        if self.place < before:
            what = f"{self._side.source.uri} does not list its keys in order, as a directory bucket does not"
            raise CannotRun(what, "Copy it to a folder, and compare that")
