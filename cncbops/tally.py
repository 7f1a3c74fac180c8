"""What a run has done so far: the one set of counts behind progress, summary and exit code.

At every moment: matched = delivered + failed + unknown + not sent + under way. Of a resubmit an event is a
fault with its unit of work, which is delivered, or fails, as one.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

from msgspec import Struct, field

from cncbops.delivery.outcome import Calls, Outcome, Settled, Undelivered
from cncbops.formats.event import LakeEvent, Malformed
from cncbops.lake.objects import LakeObject
from cncbops.selection.selection import times_of
from cncbops.session.entry import object_number

HOUR_MS = 3_600_000
NO_TYPE, OTHER_TYPES, OTHER_HOURS = "(none)", "(others)", -1
MOST_TYPES, MOST_HOURS = 1_000, 100_000
"""How many are counted each by itself: a hostile lake shall not fill memory."""

Key = TypeVar("Key")


class Objects(Struct):
    """Objects of the lake; `bytes` is their size as stored, `skipped_as` why they were skipped.

    `changed` were read, though the run that is followed knew them as they were before. `left_out`, among the failed
    ones, are not what they were when the run that is taken up read them, and are not read for that.
    """

    listed: int = 0
    read: int = 0
    skipped: int = 0
    failed: int = 0
    left_out: int = 0
    changed: int = 0
    bytes: int = 0
    skipped_as: dict[str, int] = field(default_factory=dict)

    def skip(self, reason: str) -> None:
        """Count an object that is not read."""
        self.skipped += 1
        self.skipped_as[reason] = self.skipped_as.get(reason, 0) + 1


class Events(Struct):
    """Events, by what became of them.

    `faults` and `filtered` were left out (not asked for; by the mapping's filters). So were `repeated`, whose
    id was met before, `older`, of whose key a newer one was found, and `resubmitted`, which failed in the run and were
    delivered from its report. `synthesized` counts matched events whose partition key or sequence number the lake did
    not keep.
    """

    read: int = 0
    matched: int = 0
    delivered: int = 0
    failed: int = 0
    unknown: int = 0
    not_sent: int = 0
    malformed: int = 0
    faults: int = 0
    filtered: int = 0
    repeated: int = 0
    older: int = 0
    resubmitted: int = 0
    synthesized: int = 0
    possible_duplicates: int = 0

    def leave_rest(self) -> None:
        """Count as not sent what matched and has come to nothing yet."""
        self.not_sent = self.matched - self.delivered - self.failed - self.unknown


class Faults(Struct):
    """Faults that were read and are not sent, by why; but `sent_again` are sent, though they were before.

    `others` are events that are no faults.

    `came_back` were sent before, to a function that was not deployed since, and raised again; `still_broken`
    were sent by this run and raised again already.
    """

    others: int = 0
    not_chosen: int = 0
    raised_since: int = 0
    sent_before: int = 0
    sent_again: int = 0
    came_back: int = 0
    still_broken: int = 0
    repeated: int = 0
    broken: int = 0
    without_record: int = 0
    not_whole: int = 0


class Share(Struct):
    """One function's share of a run; `records` are the elements of `Records` that its units hold."""

    matched: int = 0
    records: int = 0
    delivered: int = 0
    failed: int = 0
    unknown: int = 0
    newest_ms: int | None = None

    def add(self, other: "Share") -> None:
        """Add another's counts to these."""
        for name in ("matched", "records", "delivered", "failed", "unknown"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        if other.newest_ms is not None:
            self.newest_ms = max(self.newest_ms or 0, other.newest_ms)


class Failure(Struct, frozen=True):
    """A record, line or object that went wrong, as the operator is told; `line` 0: the object."""

    object: str
    line: int
    part: int
    event_id: str | None
    sequence_number: str | None
    fate: str
    error: str
    message: str


class Tally(Struct):
    """Counts of one run. Only the thread that receives outcomes changes it."""

    objects: Objects = field(default_factory=Objects)
    events: Events = field(default_factory=Events)
    calls: Calls = field(default_factory=Calls)
    faults: Faults = field(default_factory=Faults)
    functions: dict[str, Share] = field(default_factory=dict)
    by_type: Counter[str] = field(default_factory=Counter)
    by_hour: Counter[int] = field(default_factory=Counter)
    first_ms: float | None = None
    last_ms: float | None = None

    def count_matched(self, events: Sequence[LakeEvent]) -> None:
        """Count events that will be sent."""
        self.events.synthesized += [event.synthesized for event in events].count(True)
        self.count_sent([event.type for event in events], times_of(events))

    def count_sent(self, types: Sequence[str | None], times: Sequence[float]) -> None:
        """Count what will be sent: its types, and its times in ms where they are known."""
        times = sorted(times)
        self.count_summed(len(types), Counter(types), _by_hour(times), (times[0], times[-1]) if times else None)

    def count_summed(
        self,
        matched: int,
        types: Mapping[str | None, int],
        hours: Mapping[int, int],
        range_ms: tuple[float, float] | None,
    ) -> None:
        """Count what will be sent, of which types and hours since 1970 are counted, and the range of times is known."""
        self.events.matched += matched
        named: dict[str, int] = {}
        for name, count in types.items():
            named[name or NO_TYPE] = named.get(name or NO_TYPE, 0) + count
        count_into(self.by_type, named, OTHER_TYPES, MOST_TYPES)
        count_into(self.by_hour, hours, OTHER_HOURS, MOST_HOURS)
        if range_ms:
            self._widen(*range_ms)

    def share_of(self, function: str) -> Share:
        """The share of a function, by its name in the run."""
        return self.functions.setdefault(function, Share())

    def count_settled(self, settled: Settled) -> None:
        """Count what became of a batch of a function's."""
        outcome, share = settled.outcome, self.share_of(settled.batch.function)
        delivered = sum(settled.delivered.values())
        share.delivered += delivered
        share.failed += len(outcome.failed)
        share.unknown += len(outcome.unknown)
        self.events.delivered += delivered
        self.events.failed += len(outcome.failed)
        self.events.unknown += len(outcome.unknown)
        self.events.possible_duplicates += outcome.possible_duplicates
        self.calls.add(outcome.calls)

    def add(self, other: "Tally") -> None:
        """Add what was counted elsewhere to these counts."""
        for counts, more in zip(self._plain, other._plain, strict=True):
            for name, count in _numbers(more):
                setattr(counts, name, getattr(counts, name) + count)
        for reason, count in other.objects.skipped_as.items():
            self.objects.skipped_as[reason] = self.objects.skipped_as.get(reason, 0) + count
        for function, share in other.functions.items():
            self.share_of(function).add(share)
        count_into(self.by_type, other.by_type, OTHER_TYPES, MOST_TYPES)
        count_into(self.by_hour, other.by_hour, OTHER_HOURS, MOST_HOURS)
        if other.first_ms is not None and other.last_ms is not None:
            self._widen(other.first_ms, other.last_ms)

    @property
    def _plain(self) -> "tuple[Objects | Events | Calls | Faults, ...]":
        return self.objects, self.events, self.calls, self.faults

    def _widen(self, first_ms: float, last_ms: float) -> None:
        self.first_ms = first_ms if self.first_ms is None else min(self.first_ms, first_ms)
        self.last_ms = last_ms if self.last_ms is None else max(self.last_ms, last_ms)

    @property
    def flawed(self) -> bool:
        """Whether anything went wrong that the operator must look at."""
        events, faults = self.events, self.faults
        is_lossy = events.failed or events.unknown or events.malformed or self.objects.failed
        return bool(is_lossy or faults.came_back or faults.still_broken)


def failures_of(outcome: Outcome) -> Iterable[tuple[int, Failure]]:
    """The failed and unknown records of an outcome, each with its object's number."""
    for fate, records in (("failed", outcome.failed), ("unknown", outcome.unknown)):
        for undelivered in records:
            yield object_number(undelivered.record.place), of_record(undelivered, fate)


def of_record(undelivered: Undelivered, fate: str) -> Failure:
    """The failure of a record that was not delivered, or may not have been."""
    record = undelivered.record
    return Failure(
        record.object.uri,
        record.line,
        record.part,
        record.event_id,
        record.sequence_number,
        fate,
        undelivered.error,
        undelivered.message,
    )


def of_line(lake_object: LakeObject, malformed: Malformed) -> Failure:
    """The failure of a line that holds no event."""
    where = (lake_object.uri, malformed.line, malformed.part)
    return Failure(*where, None, None, "malformed", malformed.error, malformed.message)


def of_object(lake_object: LakeObject, error: str, message: str) -> Failure:
    """The failure of an object that could not be read to its end."""
    return Failure(lake_object.uri, 0, 0, None, None, "unreadable", error, message)


def _by_hour(times: Sequence[float]) -> dict[int, int]:
    """How many of some sorted times lie in each hour, found hour by hour: events are many, their hours few."""
    counts, at = {}, 0
    while at < len(times):
        hour = int(times[at]) // HOUR_MS
        end = bisect_left(times, (hour + 1) * HOUR_MS, at)
        counts[hour] = end - at
        at = end
    return counts


def count_into(counter: Counter[Key], seen: Mapping[Key, int], others: Key, most: int) -> None:
    """Add to a counter that takes in no more than `most` different keys, the rest as `others`."""
    for key, number in seen.items():
        counter[key if key in counter or len(counter) < most else others] += number


def _numbers(counts: object) -> Iterator[tuple[str, int]]:
    """The counts that are not 0, by name."""
    names = counts.__struct_fields__ if isinstance(counts, Calls) else counts.__slots__  # type: ignore[attr-defined]
    for name in names:
        count = getattr(counts, name)
        if count and isinstance(count, int):
            yield name, count
