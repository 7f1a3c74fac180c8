"""What a lake lacks, as far as that can be told: hours without an object, silent shards, missing sequence numbers.

All events of the lake's objects count here, also those that were not chosen.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from cncbops.formats.event import LakeEvent
from cncbops.inspection.numbering import Numbering
from cncbops.inspection.reading import Chunk
from cncbops.inspection.runs import Hole, Runs
from cncbops.lake.layout import find_date, object_time
from cncbops.lake.objects import LakeObject
from cncbops.tally import HOUR_MS

MOST_PREFIXES, MOST_SHARDS, MOST_NUMBERINGS = 1_000, 1_000, 64
_LONGEST_NUMBER = 129
"""Digits, by the Kinesis API."""


@dataclass(slots=True)
class Folder:
    """What lies under one prefix before the dates: hours of objects, and by shard hours of arrival and numbers.

    Hours are counted from the Unix epoch. `all_numbers` are the sequence numbers of all shards together.
    """

    hours: Runs = field(default_factory=Runs)
    shards: dict[str, Runs] = field(default_factory=lambda: defaultdict(Runs))
    numbers: dict[str, Numbering] = field(default_factory=lambda: defaultdict(Numbering))
    all_numbers: Numbering = field(default_factory=Numbering)

    def silences(self) -> Iterator[tuple[str, Hole, int]]:
        """Of each shard the hours in which nothing arrived, between others, and how many of them have objects."""
        for shard, hours in self.shards.items():
            for hole in hours.holes():
                if objects := self.hours.count_within(hole):
                    yield shard, hole, objects

    def numberings(self) -> list[tuple[str | None, Numbering]]:
        """What follows one another: the numbers of shards, or those of all shards together (None)."""
        of_shards = [(shard, numbers) for shard, numbers in self.numbers.items() if numbers.follows()]
        if of_shards:
            return list(of_shards)
        return [(None, self.all_numbers)] if self.all_numbers.follows() else []


class Gaps:
    """Takes down when objects and events came. `undated` objects name no hour, `numbered` events their record.

    `is_complete` unless there were more prefixes or shards than are told apart.
    """

    def __init__(self) -> None:
        self.folders: dict[str, Folder] = {}
        self.undated = self.numbered = 0
        self._last: LakeObject | None = None
        self._folder: Folder | None = None
        self._shards = self._numberings = 0
        self._overflowed = False

    @property
    def is_complete(self) -> bool:
        full = any(runs.is_full for each in self.folders.values() for runs in (each.hours, *each.shards.values()))
        return not (self._overflowed or full)

    def meet(self, lake_object: LakeObject) -> None:
        """Take down an object, whether or not anything can be read in it."""
        prefix, hour = place_of(lake_object)
        folder = self._folder_of(prefix)
        if folder is None:
            return
        if hour is None:
            self.undated += 1
        else:
            folder.hours.add([hour])

    def add(self, chunk: Chunk) -> None:
        """Take down a chunk of an object that was met; those of one object come one after another."""
        if chunk.object is not self._last:
            self._last = chunk.object
            self._folder = self._folder_of(place_of(chunk.object)[0])
        if self._folder:
            kept = [event for event in chunk.read if not event.synthesized]
            self.numbered += len(kept)
            self._add_arrivals(self._folder, kept)
            self._add_numbers(self._folder, kept)

    def _folder_of(self, prefix: str) -> Folder | None:
        """What lies under a prefix; None where there are too many prefixes."""
        if prefix not in self.folders and len(self.folders) >= MOST_PREFIXES:
            self._overflowed = True
            return None
        return self.folders.setdefault(prefix, Folder())

    def _add_arrivals(self, folder: Folder, events: Sequence[LakeEvent]) -> None:
        hours = defaultdict(set)
        for shard, hour in {(event.shard_id or "", (event.arrival_ms or 0) // HOUR_MS) for event in events}:
            hours[shard].add(hour)
        for shard, seen in hours.items():
            if shard not in folder.shards:
                if self._shards >= MOST_SHARDS:
                    self._overflowed = True
                    continue
                self._shards += 1
            folder.shards[shard].add(seen)

    def _add_numbers(self, folder: Folder, events: Sequence[LakeEvent]) -> None:
        """Nothing but a look, once all numberings of a folder are known to leap."""
        if not folder.all_numbers.is_hopeless:
            folder.all_numbers.add(_numbers(events))
        by_shard = defaultdict(list)
        leaping = {shard for shard, numbers in folder.numbers.items() if numbers.is_hopeless}
        for event in events:
            if event.shard_id not in leaping:
                by_shard[event.shard_id or ""].append(event)
        for shard, found in by_shard.items():
            if shard not in folder.numbers:
                if self._numberings >= MOST_NUMBERINGS:
                    continue
                self._numberings += 1
            folder.numbers[shard].add(_numbers(found))


def _numbers(events: Sequence[LakeEvent]) -> list[int]:
    texts = [event.sequence_number or "" for event in events]
    return [int(each) for each in texts if len(each) <= _LONGEST_NUMBER and each.isascii() and each.isdigit()]


def place_of(lake_object: LakeObject) -> tuple[str, int | None]:
    """What stands before the date in an object's URI, and the hour since the epoch that its name or folders tell."""
    folder, _, name = lake_object.uri.rpartition("/")
    prefix, hour = _dated(folder)
    named_ms = object_time(name)
    return prefix, hour if named_ms is None else named_ms // HOUR_MS


@lru_cache(maxsize=1_024)
def _dated(folder: str) -> tuple[str, int | None]:
    names = folder.split("/")
    found = find_date(names)
    if found is None:
        return f"{folder}/", None
    literal = "" if found.date.hive else names[found.first].removesuffix(f"{found.date.parts[0]:04d}")
    before = "/".join([*names[: found.first], literal])
    return before, found.date.span[0] // HOUR_MS if found.date.is_hour else None
