"""From the lines of a lake's object to the Kinesis records of its events: decode, select, wrap."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cncbops.formats.decoding import decode_as, usual_family
from cncbops.formats.event import LakeEvent, Malformed
from cncbops.formats.families import Family
from cncbops.kinesis.origin import Origin, origin_of
from cncbops.kinesis.record import Record, lane_of, to_records
from cncbops.kinesis.synthesis import complete
from cncbops.lake.lines import Block
from cncbops.request import ReplayRequest
from cncbops.selection.selection import Selector
from cncbops.session.agenda import Item
from cncbops.session.entry import Entry, ordinal
from cncbops.session.findings import Findings
from cncbops.session.progress import Progress
from cncbops.session.reading import Reader, too_large
from cncbops.session.straight import Straight, read_straight
from cncbops.tally import of_line, of_record
from cncbops.terms import Terms


@dataclass
class Events:
    """An object of events that is being read; earlier sessions came to `known` of those that are chosen."""

    item: Item
    entry: Entry
    findings: Findings
    origin: Origin
    known: int
    read: int = 0
    malformed: int = 0


class EventReader(Reader):
    """Chooses the events of one replay.

    `looks_at_events`: more is asked of those that are chosen than their records.
    """

    looks_at_events = False

    def __init__(self, request: ReplayRequest, terms: Terms, progress: Progress, chosen: int) -> None:
        """`chosen` events are so already, in this session and earlier ones."""
        self._request, self._terms, self._progress = request, terms, progress
        self._selector = Selector(request.selection, terms.mapping_filters)
        is_limited = request.reading_limit is not None
        self._by_type = None if is_limited or self.looks_at_events else self._selector.by_type
        self.chosen = chosen

    @property
    def is_at_limit(self) -> bool:
        """Whether as many events are chosen as was asked for."""
        return self._request.reading_limit is not None and self.chosen >= self._request.reading_limit

    def read(self, item: Item, entry: Entry, blocks: Iterator[Block], findings: Findings) -> Iterator[Sequence[Record]]:
        """An object's records, a block at a time, no further than the limit needs."""
        known = max(entry.pulled_before.values(), default=0)
        reading = Events(item, entry, findings, origin_of(item.object), known)
        for block in blocks:
            yield self._records_in(block, reading)
            if self.is_at_limit and entry.pulled >= known:
                return
            if item.picked and entry.pulled >= item.picked.upto:
                return

    def _records_in(self, block: Block, reading: Events) -> list[Record]:
        """The deliverable records of a block that have no fate yet, all else counted and noted."""
        usual = usual_family(block, self._request.family)
        if not usual or not usual.in_c or not self._goes_straight(reading):
            return self._one_by_one(block, usual, reading)
        found = self._straight(block, usual, reading)
        records, rest = self._taken(found, reading), found.rest_of(block)
        return [*records, *self._one_by_one(rest, usual, reading)] if rest else records

    def _goes_straight(self, reading: Events) -> bool:
        """Whether time and type alone decide which of an object's events are sent."""
        item = reading.item
        return self._by_type is not None and not reading.known and item.lines is None and not item.picked

    def _straight(self, block: Block, usual: Family, reading: Events) -> Straight:
        assert self._by_type is not None
        (place,) = reading.entry.places(reading.entry.pulled, 1)
        window, source = self._request.selection.window, self._terms.record_source
        return read_straight(block, usual, reading.origin, source, place, window, self._by_type)

    def _taken(self, found: Straight, reading: Events) -> list[Record]:
        """Those of the records read straight that can be sent, all else counted and noted."""
        self._count_read(found.lines, (), reading)
        tally, count = reading.findings.tally, len(found.records)
        tally.events.faults += self._selector.faults_among(found.left_out)
        tally.events.synthesized += found.synthesized
        tally.count_summed(count, found.types, found.hours, found.range_ms)
        reading.entry.pulled += count
        self.chosen += count
        return self._that_fit(found.records, found.longest, reading)

    def _one_by_one(self, block: Block, usual: Family | None, reading: Events) -> list[Record]:
        events, entry = self._events_in(block, usual, reading), reading.entry
        chosen = self._choose(events, reading)
        places = entry.places(entry.pulled, len(chosen))
        entry.pulled += len(chosen)
        if reading.item.picked:
            chosen, places = reading.item.picked.of(chosen, places)
        if reading.known:
            chosen, places = self._unsettled(chosen, places, entry)
        return self._sent(chosen, places, reading)

    def _events_in(self, block: Block, usual: Family | None, reading: Events) -> list[LakeEvent]:
        """All events of a block, each complete, those counted and what is malformed noted that nobody knows of yet."""
        item = reading.item
        events, malformed = decode_as(usual, block, self._request.family)
        if item.lines is not None or item.picked:
            malformed = []  # the ledger has them already
        self._complete(events, reading)
        self._count_read(len(events), malformed, reading)
        return events

    def _count_read(self, count: int, malformed: Sequence[Malformed], reading: Events) -> None:
        """Count events that were read, and note what is malformed."""
        item, entry, counts = reading.item, reading.entry, reading.findings.tally.events
        counts.read += 0 if item.is_counted else count
        counts.malformed += len(malformed)
        reading.read += count
        reading.malformed += len(malformed)
        entry.read, entry.malformed = max(entry.read, reading.read), max(entry.malformed, reading.malformed)
        reading.findings.note(entry, (of_line(item.object, line) for line in malformed))
        reading.findings.touch(entry)

    def _complete(self, events: list[LakeEvent], reading: Events) -> None:
        """Fill in what the lake did not keep."""
        complete(events, reading.origin)

    def _choose(self, events: list[LakeEvent], reading: Events) -> Sequence[LakeEvent]:
        lines = reading.item.lines
        if lines is not None:
            return [event for event in events if (event.line, event.part) in lines]
        selected = self._selector.select(events)
        if not reading.item.is_counted:
            counts = reading.findings.tally.events
            counts.faults += self._selector.faults
            counts.filtered += self._selector.filtered
        self._selector.faults = self._selector.filtered = 0
        return self._within_limit(selected, reading)

    def _within_limit(self, events: list[LakeEvent], reading: Events) -> list[LakeEvent]:
        """As many as the limit allows; those chosen in earlier sessions are counted already."""
        again = max(0, reading.known - reading.entry.pulled)
        if self._request.reading_limit is not None:
            events = events[: again + max(0, self._request.reading_limit - self.chosen)]
        self.chosen += max(0, len(events) - again)
        return events

    def _unsettled(
        self, events: Sequence[LakeEvent], places: Sequence[int], entry: Entry
    ) -> tuple[Sequence[LakeEvent], Sequence[int]]:
        """Those of an object's events that earlier sessions gave no fate."""
        left = []
        for place, event in zip(places, events, strict=True):
            assert event.partition_key is not None
            lane = lane_of(event.partition_key, self._progress.lanes)
            if not self._progress.is_settled(place, lane, entry.pulled_before):
                left.append((place, event))
        return [event for _, event in left], [place for place, _ in left]

    def _sent(self, events: Sequence[LakeEvent], places: Sequence[int], reading: Events) -> list[Record]:
        """The records of events that are to be sent."""
        return self._deliverable(events, self._records(events, places, reading), reading)

    def _records(self, events: Sequence[LakeEvent], places: Sequence[int], reading: Events) -> list[Record]:
        return to_records(events, places, reading.origin, self._terms.record_source)

    def _deliverable(self, events: Sequence[LakeEvent], records: list[Record], reading: Events) -> list[Record]:
        """Those of the records of events that can be sent, all of them counted and the others noted."""
        reading.findings.tally.count_matched(events)
        return self._that_fit(records, None, reading)

    def _that_fit(self, records: list[Record], longest: int | None, reading: Events) -> list[Record]:
        """Those that can be sent of records that are counted, the others noted; the longest body may be known."""
        deliverable = self._terms.limits.deliverable_of(records, longest)
        if len(deliverable) < len(records):
            self._note_too_large(records, reading)
        # What is not new comes first: earlier sessions came to the first of an object's records.
        new = len(records) - bisect_left(records, reading.known, key=_ordinal) if reading.known else len(records)
        reading.entry.matched += new
        return deliverable

    def _note_too_large(self, records: list[Record], reading: Events) -> None:
        """Take down records that no invocation can carry: failed, once for all sessions."""
        limits = self._terms.limits
        found = [record for record in records if not limits.deliverable(record)]
        reading.findings.note(reading.entry, (of_record(too_large(each, limits), "failed") for each in found))
        reading.findings.tally.events.failed += len(found)
        reading.findings.fail(reading.entry, sum(_ordinal(record) >= reading.known for record in found))


def _ordinal(record: Record) -> int:
    return ordinal(record.place)
