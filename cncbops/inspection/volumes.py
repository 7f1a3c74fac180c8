"""How much there is in a lake, hour by hour, as far as its listing tells."""

from collections.abc import Hashable, Iterable
from typing import Any, Generic, TypeVar

from cncbops.lake.layout import object_time
from cncbops.lake.objects import LakeObject
from cncbops.reports.summary import iso
from cncbops.tally import HOUR_MS, MOST_HOURS

_HOURS_A_DAY = 24
_OTHERS = "(others)"
_MOST_CLASSES = 100
_UNTOLD = -1
"""For hours beyond those that are told apart, and before 1970."""

Key = TypeVar("Key", bound=Hashable)


class _Sums(Generic[Key]):
    """Objects and bytes by key, for at most so many keys: a hostile lake shall not fill memory."""

    def __init__(self, most: int, others: Key) -> None:
        self._most, self._others = most, others
        self.by: dict[Key, list[int]] = {}

    def add(self, key: Key, objects: int, size: int) -> None:
        """Add objects with so many bytes together."""
        if key not in self.by and len(self.by) >= self._most:
            key = self._others
        sums = self.by.setdefault(key, [0, 0])
        sums[0] += objects
        sums[1] += size


class Volumes:
    """Objects by the time that their keys name, else by when they were written: `without_time` counts these."""

    def __init__(self) -> None:
        self._hours: _Sums[int] = _Sums(MOST_HOURS, _UNTOLD)
        self._classes: _Sums[str] = _Sums(_MOST_CLASSES, _OTHERS)
        self.without_time = 0

    def add(self, lake_object: LakeObject) -> None:
        """Count one more."""
        moment = object_time(lake_object.key)
        if moment is None:
            self.without_time += 1
            moment = int(lake_object.last_modified.timestamp() * 1000)
        self._hours.add(max(moment // HOUR_MS, _UNTOLD), 1, lake_object.size)
        self._classes.add(lake_object.storage_class, 1, lake_object.size)

    def facts(self) -> dict[str, Any]:
        """All of it as data: days and hours in UTC and in their order, storage classes with the largest first."""
        hours = sorted(self._hours.by.items())
        days: _Sums[int] = _Sums(MOST_HOURS, _UNTOLD)
        for hour, sums in hours:
            days.add(hour // _HOURS_A_DAY, *sums)
        classes = sorted(self._classes.by.items(), key=lambda each: each[1], reverse=True)
        return {
            "without_time": self.without_time,
            "storage_classes": _told(classes),
            "by_day": _told((_name(day * _HOURS_A_DAY)[:10], sums) for day, sums in days.by.items()),
            "by_hour": _told((_name(hour), sums) for hour, sums in hours),
        }


def _told(sums: Iterable[tuple[str, list[int]]]) -> dict[str, dict[str, int]]:
    return {name: {"objects": objects, "bytes": size} for name, (objects, size) in sums}


def _name(hour: int) -> str:
    return f"{(iso(hour * HOUR_MS) or '')[:16]}Z" if hour >= 0 else _OTHERS
