"""Whether one selection chooses all that another does."""

from collections.abc import Collection
from fnmatch import fnmatchcase

from cncbops.lake.layout import TimeWindow
from cncbops.selection.selection import FAULT, Selection

_WILD = set("*?[")


def covers(wide: Selection, narrow: Selection) -> bool:
    """Whether every event that `narrow` chooses is one that `wide` chooses; false where that cannot be told."""
    return (
        _has_types(wide.types, narrow.types)
        and _has_all(wide.partition_keys, narrow.partition_keys)
        and _has_all(wide.shards, narrow.shards)
        and _has_window(wide.window, narrow.window)
        and _has_all({each.text for each in wide.filters.patterns}, {each.text for each in narrow.filters.patterns})
    )


def _has_all(wide: Collection[str], narrow: Collection[str]) -> bool:
    """Whether one of these values is asked for wherever one of those is; none stands for any."""
    return not wide or (bool(narrow) and set(narrow) <= set(wide))


def _has_types(wide: Collection[str], narrow: Collection[str]) -> bool:
    if not wide:  # faults are left out, unless they are asked for
        return not any(fnmatchcase(FAULT, each) for each in narrow)
    return all(any(_has_glob(one, each) for one in wide) for each in narrow or "*")


def _has_glob(wide: str, narrow: str) -> bool:
    """Whether a glob matches all that another does: where both have only stars, as if the other's were letters."""
    is_plain = not _WILD & set(narrow)
    has_only_stars = not {"?", "["} & set(wide) and "[" not in narrow
    return wide == narrow or ((is_plain or has_only_stars) and fnmatchcase(narrow, wide))


def _has_window(wide: TimeWindow, narrow: TimeWindow) -> bool:
    begins = wide.start_ms is None or (narrow.start_ms is not None and narrow.start_ms >= wide.start_ms)
    ends = wide.end_ms is None or (narrow.end_ms is not None and narrow.end_ms <= wide.end_ms)
    return begins and ends
