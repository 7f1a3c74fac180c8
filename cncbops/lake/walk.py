"""Which folders of a lake are listed for a window: a walk that recognises dates and leaves out what lies outside.

An hourly lake has nearly nine thousand folders a year. What is not surely a date is listed whole:
leaving out too little costs a read, leaving out too much loses events.

The walk lists nothing itself. It names the parts of a lake in key order: an object, a folder to be listed
whole, or a level of the tree of which it must know the entries to go on. So it does not matter to it how
many of them are listed at a time.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import islice

from msgspec import Struct
from msgspec.structs import replace

from cncbops.lake.layout import FolderDate, TimeWindow, date_start, day_of, find_date
from cncbops.lake.objects import LakeObject

# An unknown layout is searched for dates this far, then listed whole.
_SEARCH_DEPTH = 3
_SEARCH_FOLDERS = 100  # without a date, on one level
_SEARCH_LEVELS = 1_000  # in one listing
_LEVEL_ENTRIES = 4_000  # held in memory: eleven years of day folders


class Folder(Struct, frozen=True):
    """A folder as one level of a tree names it; `path` is what the tree lists it by."""

    path: str
    name: str


class Whole(Struct, frozen=True):
    """All objects below a folder, however deep."""

    path: str


Entries = list[LakeObject | Folder] | None
"""All of a level in key order, or None if it has too many entries to be one of folders."""


class Level(Struct, frozen=True):
    """What lies directly in a folder; `parts` says what to list of it, given its entries.

    `likely` are the paths below it whose levels will be asked for, if the lake is as most are.
    """

    path: str
    parts: "Callable[[Entries], Iterator[Part]]"
    likely: Sequence[str] = ()


Part = LakeObject | Whole | Level


def entries_of(level: Iterator[LakeObject | Folder]) -> Entries:
    """What a walk wants to know of a level; takes no more of it than that."""
    entries = list(islice(level, _LEVEL_ENTRIES + 1))
    return entries if len(entries) <= _LEVEL_ENTRIES else None


class Walk:
    """One listing that leaves out the date folders outside `hours`."""

    def __init__(self, hours: TimeWindow) -> None:
        self._hours = hours

    def parts(self, root: str, folders: Sequence[str]) -> Iterator[Part]:
        """From a root that may lie inside a date path, or end in the midst of a folder's name."""
        found = find_date(folders)
        if found is None:
            yield replace(self._search(root, 0, _SEARCH_LEVELS), likely=self._likely(root, ()))
        elif found.date.is_hour:
            yield from self._dated(root, found.date)
        elif found.last < len(folders):
            yield Whole(root)
        else:
            yield self._date_level(root, found.date)

    def _likely(self, path: str, known: tuple[int, ...]) -> list[str]:
        """The years, months and days in which the hours begin or end, below a folder of which the date is known so far.

        Those wholly inside are listed whole. Of a path that ends in the midst of a name nothing is likely.
        """
        found = dict[str, None]()
        if path and not path.endswith("/"):
            return []
        for ms in (self._hours.start_ms, self._hours.end_ms and self._hours.end_ms - 1):
            parts = day_of(ms) if ms is not None else ()
            below = path
            for number in range(len(known), len(parts) if parts[: len(known)] == known else 0):
                if self._hours.covers(*FolderDate(parts[: number + 1]).span):
                    break
                below += f"{parts[number]:02}/"
                found[below] = None
        return list(found)

    def _search(self, path: str, depth: int, levels: int) -> Level:
        """A folder outside any date, below which `levels` may be looked at, with its own."""
        return Level(path, partial(self._searched, path, depth, levels - 1))

    def _searched(self, path: str, depth: int, levels: int, entries: Entries) -> Iterator[Part]:
        """Objects as they are, folders by what their names say.

        The levels left are shared among the folders, so that what is listed does not depend on what is known first.
        """
        dates = {entry: date_start(entry.name) for entry in entries or () if isinstance(entry, Folder)}
        unknown = list(dates.values()).count(None)
        deeper = depth < _SEARCH_DEPTH and levels > 0
        if entries is None or unknown > _SEARCH_FOLDERS or not (deeper or any(dates.values())):
            yield Whole(path)
            return
        share = levels // max(unknown, 1) if deeper else 0
        for entry in entries:
            if isinstance(entry, LakeObject):
                yield entry
            elif date := dates[entry]:
                yield from self._dated(entry.path, date)
            else:
                yield self._search(entry.path, depth + 1, share) if share else Whole(entry.path)

    def _dated(self, path: str, date: FolderDate) -> Iterator[Part]:
        """A folder whose path names `date`."""
        if self._hours.covers(*date.span):
            yield Whole(path)
        elif date.is_year:  # perhaps a number that looks like a year: only the level below can tell
            yield self._date_level(path, date)
        elif date.may_lie_in(self._hours):
            yield Whole(path) if date.is_hour else self._date_level(path, date)

    def _date_level(self, path: str, date: FolderDate) -> Level:
        likely = () if date.hive else self._likely(path, date.parts)
        return Level(path, partial(self._date_parts, path, date), likely)

    def _date_parts(self, path: str, date: FolderDate, entries: Entries) -> Iterator[Part]:
        """The months of a year, days of a month or hours of a day.

        One folder that is none of these shows that the others only look like it.
        """
        dates = {entry: date.below(entry.name) for entry in entries or () if isinstance(entry, Folder)}
        if entries is None or None in dates.values():
            yield Whole(path)
            return
        for entry in entries:
            if isinstance(entry, LakeObject):
                yield entry
            elif longer := dates[entry]:
                yield from self._dated(entry.path, longer)
