"""Dates in the keys of a lake: which folders and objects a window of time can concern.

Firehose writes an object under the hour in which its oldest record arrived, UTC unless the delivery
stream has a time zone of its own. Three forms are known: `YYYY/MM/DD/HH/`, the same joined to the
literal before it (`legacy2026/07/13/14/`), and Hive's `year=2026/month=07/day=13/hour=14/`.
Source: Amazon Data Firehose Developer Guide, "Configure Amazon S3 object name format" and
"Understand custom prefixes for Amazon S3 objects".
"""

import re
from calendar import monthrange, timegm
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from time import gmtime

from msgspec import Struct

from cncbops.lake.objects import LakeObject

_HOUR_MS = 3_600_000
_DAY_MS = 24 * _HOUR_MS

_YEAR = re.compile(r"(?P<literal>.*)(?P<year>(?:19|20)\d\d)", re.ASCII | re.DOTALL)
_YEARS = range(1900, 2100)
_TWO_DIGITS = re.compile(r"\d\d", re.ASCII)
_HIVE_YEAR = re.compile(r"(?:year|yyyy|y)=((?:19|20)\d\d)", re.ASCII | re.IGNORECASE)
_HIVE_DAY = re.compile(r"(?:dt|date)=((?:19|20)\d\d)-(\d\d)-(\d\d)", re.ASCII | re.IGNORECASE)
_HIVE_BELOW = tuple(
    re.compile(rf"(?:{names})=(\d\d?)", re.ASCII | re.IGNORECASE) for names in ("month|mm|m", "day|dd|d", "hour|hh|h")
)
# The name Firehose gives an object. Stream names contain hyphens: only the right end is certain.
_SUFFIX = re.compile(
    r"[A-Za-z0-9_.-]+-\d+-(?P<time>\d{4}(?:-\d\d){5})-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
    r"(?:\.[0-9a-z!\-_.*'()]+)?",
    re.ASCII,
)
_FOLDERS_KNOWN = 1_000
"""Folders of which it is remembered what they say: each has many objects, read or listed one after another."""

# What Firehose puts between a prefix and the date when it could not deliver.
_ERROR_FOLDERS = frozenset({"processing-failed", "format-conversion-failed", "decompression-failed"})


class TimeWindow(Struct, frozen=True):
    """[start, end) in milliseconds since the Unix epoch; None leaves that side open."""

    start_ms: int | None
    end_ms: int | None

    @property
    def is_open(self) -> bool:
        """Whether the window leaves nothing out."""
        return self.start_ms is None and self.end_ms is None

    @property
    def bounds_ms(self) -> tuple[int, int]:
        """The same in whole numbers of 64 bits: a side that is open lies far beyond any event."""
        start_ms, end_ms = self.start_ms, self.end_ms
        return -(2**63) if start_ms is None else start_ms, 2**63 - 1 if end_ms is None else end_ms

    def overlaps(self, start_ms: int, end_ms: int) -> bool:
        """Whether some of [start_ms, end_ms) lies in the window."""
        begun = self.end_ms is None or start_ms < self.end_ms
        return start_ms < end_ms and begun and (self.start_ms is None or self.start_ms < end_ms)

    def covers(self, start_ms: int, end_ms: int) -> bool:
        """Whether all of [start_ms, end_ms) lies in the window."""
        begun = self.start_ms is None or self.start_ms <= start_ms
        return begun and (self.end_ms is None or end_ms <= self.end_ms)


def reading_range(window: TimeWindow) -> TimeWindow:
    """The object hours in which an event of `window` (event time) can lie, neighbours included.

    The hour before, because an object is named after its oldest record; the hour after, because an
    event arrives later than it happened.
    """
    start, end = window.start_ms, window.end_ms
    return TimeWindow(
        None if start is None else _floor_hour(start) - _HOUR_MS,
        None if end is None else _floor_hour(end - 1) + 2 * _HOUR_MS,
    )


class FolderDate(Struct, frozen=True):
    """What folders say of a date: (year[, month[, day[, hour]]]), and whether in Hive's form."""

    parts: tuple[int, ...]
    hive: bool = False

    @property
    def is_year(self) -> bool:
        return len(self.parts) == 1

    @property
    def has_day(self) -> bool:
        return len(self.parts) >= 3

    @property
    def is_hour(self) -> bool:
        return len(self.parts) == 4

    @property
    def span(self) -> tuple[int, int]:
        """[start, end) in milliseconds since the epoch."""
        year, month, day, hour = (*self.parts, *(1, 1, 0)[len(self.parts) - 1 :])
        start = _ms(year, month, day, hour)
        if self.has_day:
            return start, start + (_HOUR_MS if self.is_hour else _DAY_MS)
        if self.is_year:
            return start, _ms(year + 1)
        return start, _ms(year + month // 12, month % 12 + 1)

    def below(self, folder: str) -> "FolderDate | None":
        """The date with the next part, which `folder` must name; None if it does not.

        Below the hour nothing is asked any more.
        """
        if self.is_hour:
            return self
        form = _HIVE_BELOW[len(self.parts) - 1] if self.hive else _TWO_DIGITS
        found = form.fullmatch(folder)
        return _valid((*self.parts, int(found[found.lastindex or 0])), hive=self.hive) if found else None

    def may_lie_in(self, hours: TimeWindow) -> bool:
        """Whether an object under this date can belong to `hours`."""
        return any(hours.overlaps(*span) for span in (self.span, *self._week_year_spans()))

    def _week_year_spans(self) -> Iterator[tuple[int, int]]:
        """The days around New Year that a template with `YYYY` puts under the year beside theirs.

        In Java's formats YYYY is the year of the week: 2018-12-31 becomes 2019/12/31, 2021-01-01
        becomes 2020/01/01. Whether a week begins on Monday or Sunday depends on the locale.
        """
        year, *rest = self.parts
        if rest and rest[0] not in (1, 12):
            return
        before = FolderDate((year - 1, *rest)).span
        yield max(before[0], min(_first_weeks(year))), min(before[1], _ms(year))
        after = FolderDate((year + 1, *rest)).span
        yield max(after[0], _ms(year + 1)), min(after[1], max(_first_weeks(year + 1)))


def date_start(folder: str) -> FolderDate | None:
    """The date that begins with this folder. A year is a guess until the folders below are months."""
    if found := _HIVE_DAY.fullmatch(folder):
        return _valid(tuple(int(part) for part in found.groups()), hive=True)
    if found := _HIVE_YEAR.fullmatch(folder):
        return FolderDate((int(found[1]),), hive=True)
    found = _YEAR.fullmatch(folder)
    return FolderDate((int(found["year"]),)) if found else None


class DatedPath(Struct, frozen=True):
    """A date in a path: it is named by `folders[first:last]`."""

    date: FolderDate
    first: int
    last: int


def find_date(folders: Sequence[str]) -> DatedPath | None:
    """The last date that is known to the day, else one that the end of the path breaks off."""
    paths = [path for first in range(len(folders)) if (path := _date_from(folders, first))]
    whole = [path for path in paths if path.date.has_day]
    unfinished = [path for path in paths if path.last == len(folders)]
    return next(reversed(whole or unfinished), None)


def object_time(key: str) -> int | None:
    """When the object was written, in milliseconds since the epoch (UTC), as far as its key tells.

    To the second from Firehose's own name, else the start of the hour or day of its folders.
    """
    named = _named_time(key)
    if named is not None:
        return named
    found = _date_in(_folder(key))
    return found.date.span[0] if found and found.date.has_day else None


def may_hold(key: str, hours: TimeWindow) -> bool:
    """Whether an object can belong to `hours`, as far as the folders of its key tell."""
    found = _date_in(_folder(key))
    return found is None or not found.date.has_day or found.date.may_lie_in(hours)


def stream_folder(key: str) -> str | None:
    """The folder before the date: the Kinesis stream's name in a cookbook lake.

    None where no such folder is, where the date is not plain folders, or is joined to a literal.
    """
    return _stream_of(_folder(key))


@lru_cache(_FOLDERS_KNOWN)
def _stream_of(folder: str) -> str | None:
    folders = folder.split("/")
    found = find_date(folders)
    if found is None or found.date.hive or not found.date.has_day:
        return None
    year = _YEAR.fullmatch(folders[found.first])
    literal = year["literal"] if year else ""
    if literal and literal not in _ERROR_FOLDERS:
        return None
    before = [folder for folder in folders[: found.first] if folder not in _ERROR_FOLDERS]
    return (before[-1] or None) if before else None


EMPTY = "empty"
CLAIM_CHECK = "claim check"
CLAIM_CHECKS = "claimchecks"
"""The folder that they lie in, before the date."""


def skip_reason(obj: LakeObject) -> str | None:
    """Why an object holds no events and is not read: "folder", EMPTY or CLAIM_CHECK."""
    if obj.key.endswith("/"):
        return "folder"
    if obj.size == 0:
        return EMPTY
    return CLAIM_CHECK if _is_claim_check(obj.key) else None


def _is_claim_check(key: str) -> bool:
    if CLAIM_CHECKS not in key:
        return False
    folder = _folder(key)
    found = _date_in(folder)
    if found is None or not found.date.is_hour or not found.first:
        return False
    # A stream may bear that name: what Firehose wrote is no claim check.
    return folder.split("/")[found.first - 1] == CLAIM_CHECKS and _named_time(key) is None


def _date_from(folders: Sequence[str], first: int) -> DatedPath | None:
    date = date_start(folders[first])
    if date is None:
        return None
    last = first + 1
    while last < len(folders) and (longer := date.below(folders[last])):
        date, last = longer, last + 1
    return DatedPath(date, first, last)


def _named_time(key: str) -> int | None:
    found = _SUFFIX.fullmatch(key.rpartition("/")[2])
    if found is None:
        return None
    try:
        moment = datetime(*map(int, found["time"].split("-")), tzinfo=UTC)  # type: ignore[arg-type,misc]
    except ValueError:
        return None
    return int(moment.timestamp()) * 1000


def _valid(parts: tuple[int, ...], *, hive: bool) -> FolderDate | None:
    year, month, day, hour = (*parts, *(1, 1, 0)[len(parts) - 1 :])
    real = 1 <= month <= 12 and 1 <= day <= monthrange(year, month)[1] and hour < 24
    return FolderDate(parts, hive) if real else None


def _folder(key: str) -> str:
    return key.rpartition("/")[0]


@lru_cache(_FOLDERS_KNOWN)
def _date_in(folder: str) -> DatedPath | None:
    return find_date(folder.split("/"))


def _ms(year: int, month: int = 1, day: int = 1, hour: int = 0) -> int:
    return timegm((year, month, day, hour, 0, 0)) * 1000


def _first_weeks(year: int) -> tuple[int, int]:
    """When a year's first week begins, in ms: by ISO 8601, and where weeks begin on Sunday."""
    new_year = date(year, 1, 1)
    sunday = new_year - timedelta(new_year.isoweekday() % 7)
    first, second = (timegm(day.timetuple()) * 1000 for day in (date.fromisocalendar(year, 1, 1), sunday))
    return first, second


def day_of(ms: int) -> tuple[int, ...]:
    """Year, month and day (UTC) of milliseconds since the epoch; none of a year that is taken for none in folders."""
    day = tuple(gmtime(ms // 1000)[:3])
    return day if day[0] in _YEARS else ()


def _floor_hour(ms: int) -> int:
    return ms - ms % _HOUR_MS
