"""Faults of one cause, counted together: by function, pipeline, error name and shape of the message."""

import hashlib
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from msgspec import Struct

from cncbops.faults.fault import Fault
from cncbops.faults.masking import masked_text
from cncbops.faults.shape import shape

MOST_GROUPS = 1_000
_MESSAGE_CHARS, _NAME_CHARS = 500, 140


class GroupKey(NamedTuple):
    """What the faults of a group have in common, whose message has that shape."""

    fingerprint: str
    function: str | None
    shape: str


def function_name(fault: Fault) -> str | None:
    """The function's bare name: an alias or an ARN of it counts as the same function."""
    called = fault.called
    return called.name if called else masked_text(fault.function)[:_NAME_CHARS] if fault.function else None


def fingerprint(fault: Fault) -> str:
    """Twelve hexadecimal digits that stay the same from run to run for faults of one group."""
    return group_key(fault).fingerprint


def group_key(fault: Fault) -> GroupKey:
    """What a fault has in common with the others of its group."""
    return _key_of(function_name(fault), fault.pipeline, fault.error, shape(fault.message))


@lru_cache(maxsize=MOST_GROUPS)
def _key_of(function: str | None, pipeline: str | None, error: str, form: str) -> GroupKey:
    named = "\0".join(part or "" for part in (function, pipeline, error, form))
    return GroupKey(hashlib.sha256(named.encode(errors="replace")).hexdigest()[:12], function, form)


class Example(Struct, frozen=True):
    """The first fault seen of a group: enough to find it. `place` is the caller's own words for where it lies."""

    id: str | None
    message: str
    place: str


class Group(Struct):
    """Faults of one cause. Times in ms, None where no fault tells one."""

    fingerprint: str
    function: str | None
    pipeline: str | None
    error: str
    shape: str
    example: Example
    count: int = 0
    first_ms: int | None = None
    last_ms: int | None = None

    def count_in(self, count: int, times: Sequence[int]) -> None:
        """Count more faults, of these times where they tell any."""
        self.count += count
        if times:
            self.first_ms = min(times) if self.first_ms is None else min(self.first_ms, *times)
            self.last_ms = max(times) if self.last_ms is None else max(self.last_ms, *times)

    def merge(self, later: "Group") -> None:
        """Count in faults of the same group that were counted elsewhere."""
        self.count += later.count
        times = [each for each in (self.first_ms, self.last_ms, later.first_ms, later.last_ms) if each is not None]
        if times:
            self.first_ms, self.last_ms = min(times), max(times)


class Groups:
    """Counts faults by group. Of groups there are no more than `most`, if any; faults of further ones are `others`."""

    def __init__(self, most: int | None = MOST_GROUPS) -> None:
        self._most = most
        self._groups: dict[str, Group] = {}
        self.others = 0

    def add(self, fault: Fault, place: str) -> str:
        """Count a fault; gives its fingerprint."""
        times = () if fault.timestamp_ms is None else (fault.timestamp_ms,)
        return self.add_some(group_key(fault), fault, place, 1, times)

    def add_some(self, key: GroupKey, fault: Fault, place: str, count: int, times: Sequence[int]) -> str:
        """Count faults of a group, of which this is the first; gives their fingerprint."""
        mark, function, form = key
        group = self._groups.get(mark)
        if group is None and self._is_full:
            self.others += count
            return mark
        if group is None:
            example = Example(fault.id, masked_text(fault.message)[:_MESSAGE_CHARS], place)
            group = Group(mark, function, fault.pipeline, fault.error, form, example)
            self._groups[mark] = group
        group.count_in(count, times)
        return mark

    def merge(self, later: "Groups") -> None:
        """Add what was counted elsewhere, of faults that come after these."""
        self.others += later.others
        for mark, group in later._groups.items():
            known = self._groups.get(mark)
            if known:
                known.merge(group)
            elif self._is_full:
                self.others += group.count
            else:
                self._groups[mark] = group

    @property
    def _is_full(self) -> bool:
        return self._most is not None and len(self._groups) >= self._most

    def ranked(self) -> list[Group]:
        """The groups, those of the most faults first."""
        return sorted(self._groups.values(), key=lambda group: (-group.count, group.fingerprint))
