"""Which events of the lake are sent."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fnmatch import translate
from typing import Any

from cncbops.errors import BadInput, CannotRun
from cncbops.formats.event import LakeEvent
from cncbops.formats.timestamp import LATEST_MS, event_time_ms
from cncbops.lake.layout import TimeWindow
from cncbops.selection.pattern import FilterCriteria

FAULT = "fault"


@dataclass(frozen=True)
class Selection:
    """The operator's choice. An empty field chooses all; fields are combined with AND.

    `types` are case-sensitive globs. Fault events are left out unless one of them matches `fault`.
    `filters` are Lambda filter patterns, of which one has to match.
    """

    types: tuple[str, ...] = ()
    partition_keys: frozenset[str] = frozenset()
    shards: frozenset[str] = frozenset()
    window: TimeWindow = TimeWindow(None, None)
    filters: FilterCriteria = FilterCriteria()


class Selector:
    """Applies a selection, and then the filters of the function's event source mapping.

    Counts what it leaves out: `faults` (not asked for) and `filtered` (by the mapping).
    """

    def __init__(self, selection: Selection, mapping_filters: Iterable[str] = ()) -> None:
        self._selection = selection
        self._pattern = re.compile("|".join(map(translate, selection.types))) if selection.types else None
        self._types: dict[str | None, bool] = {}
        self._mapping_filters = _of_mapping(mapping_filters)
        self._tests = self._field_tests()
        self.faults = 0
        self.filtered = 0

    def select(self, events: list[LakeEvent]) -> list[LakeEvent]:
        """The events chosen, each complete (see `kinesis.synthesis`), in their order."""
        for test in self._tests:
            events = [event for event in events if test(event)]
        events = self._without_faults(events)
        if self._selection.filters:
            events = [event for event in events if _matches(self._selection.filters, event)]
        if not self._mapping_filters:
            return events
        kept = [event for event in events if _matches(self._mapping_filters, event)]
        self.filtered += len(events) - len(kept)
        return kept

    @property
    def by_type(self) -> Callable[[str | None], bool] | None:
        """What tells by the types of events which are chosen, within the window; None where more counts."""
        selection = self._selection
        if selection.partition_keys or selection.shards or selection.filters or self._mapping_filters:
            return None
        return self._wanted if self._pattern else _is_no_fault

    def faults_among(self, left_out: int) -> int:
        """How many count as faults of so many events that were left out by their types."""
        return 0 if self._pattern else left_out

    def _field_tests(self) -> list[Callable[[LakeEvent], bool]]:
        selection = self._selection
        tests: list[Callable[[LakeEvent], bool]] = []
        if not selection.window.is_open:
            tests.append(self._in_window)
        if selection.partition_keys:
            tests.append(lambda event: event.partition_key in selection.partition_keys)
        if selection.shards:
            tests.append(lambda event: event.shard_id in selection.shards)
        if self._pattern:
            tests.append(self._of_type)
        return tests

    def _in_window(self, event: LakeEvent) -> bool:
        start, end = self._selection.window.start_ms, self._selection.window.end_ms
        moment = time_of(event)
        return (start is None or moment >= start) and (end is None or moment < end)

    def _of_type(self, event: LakeEvent) -> bool:
        return self._wanted(event.type)

    def _wanted(self, event_type: str | None) -> bool:
        """Whether a type is asked for; remembered, as a lake has few types."""
        if event_type not in self._types:
            if len(self._types) > 10_000:
                self._types.clear()
            matches = self._pattern is not None and self._pattern.match(event_type or "") is not None
            self._types[event_type] = matches
        return self._types[event_type]

    def _without_faults(self, events: list[LakeEvent]) -> list[LakeEvent]:
        if self._pattern:
            return events
        kept = [event for event in events if event.type != FAULT]
        self.faults += len(events) - len(kept)
        return kept


def _is_no_fault(event_type: str | None) -> bool:
    return event_type != FAULT


def _of_mapping(patterns: Iterable[str]) -> FilterCriteria:
    """The mapping's filters. Raises CannotRun for one that Lambda took and this does not understand."""
    try:
        return FilterCriteria.parse(patterns)
    except BadInput as error:
        what = f"a filter of the function's event source mapping is not understood: {error.what}"
        raise CannotRun(
            what, "Please report the pattern; until then replay to a function without that filter"
        ) from error


def time_of(event: LakeEvent) -> float:
    """When the event happened in ms: its own timestamp, else its arrival."""
    moment = event_time_ms(event.timestamp)
    return (event.arrival_ms or 0) if moment is None else moment


def times_of(events: Sequence[LakeEvent]) -> Sequence[float]:
    """When each event happened in ms: together, as nearly all times are plain integers that need no look."""
    times = [event.timestamp for event in events]
    return times if _are_plain(times) else list(map(time_of, events))


def count_without_time(events: Sequence[LakeEvent]) -> int:
    """How many have no time of their own, so that their arrival stands in for it."""
    times = [event.timestamp for event in events]
    return 0 if not times or _are_plain(times) else list(map(event_time_ms, times)).count(None)


def _are_plain(times: Sequence[Any]) -> bool:
    return set(map(type, times)) == {int} and min(times) >= 0 and max(times) <= LATEST_MS


def _matches(criteria: FilterCriteria, event: LakeEvent) -> bool:
    kinesis = {
        "kinesisSchemaVersion": "1.0",
        "partitionKey": event.partition_key,
        "sequenceNumber": event.sequence_number,
        "approximateArrivalTimestamp": (event.arrival_ms or 0) / 1000,
    }
    return criteria.matches(kinesis, bytes(event.data))
