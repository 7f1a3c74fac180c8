"""From the lines of a lake's object to the Kinesis records of its events: decode, select, wrap."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cncbops.formats.decoding import decode
from cncbops.formats.event import LakeEvent
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
from cncbops.tally import of_line, of_record
from cncbops.terms import Terms


@dataclass
class _Events:
    """An object of events that is being read; earlier sessions chose `known` of its records."""

    item: Item
    entry: Entry
    findings: Findings
    origin: Origin
    known: int
    read: int = 0
    malformed: int = 0


class EventReader(Reader):
    """Chooses the events of one replay."""

    def __init__(self, request: ReplayRequest, terms: Terms, progress: Progress, chosen: int) -> None:
        """`chosen` events are so already, in this session and earlier ones."""
        self._request, self._terms, self._progress = request, terms, progress
        self._selector = Selector(request.selection, terms.mapping_filters)
        self.chosen = chosen

    @property
    def is_at_limit(self) -> bool:
        """Whether as many events are chosen as was asked for."""
        return self._request.limit is not None and self.chosen >= self._request.limit

    def read(self, item: Item, entry: Entry, blocks: Iterator[Block], findings: Findings) -> Iterator[Sequence[Record]]:
        """An object's records, a block at a time, no further than the limit needs."""
        reading = _Events(item, entry, findings, origin_of(item.object), entry.matched)
        for block in blocks:
            yield self._records_in(block, reading)
            if self.is_at_limit and reading.entry.pulled >= reading.known:
                return

    def _records_in(self, block: Block, reading: _Events) -> list[Record]:
        """The deliverable records of a block that have no fate yet, all else counted and noted."""
        events, malformed = decode(block, self._request.family)
        if reading.item.lines is not None:
            malformed = []  # the ledger has them already
        complete(events, reading.origin)
        chosen = self._choose(events, reading)
        places = reading.entry.places(reading.entry.pulled, len(chosen))
        reading.entry.pulled += len(chosen)
        if reading.known:
            chosen, places = self._unsettled(chosen, places, reading.entry)
        records = to_records(chosen, places, reading.origin, self._terms.record_source)
        deliverable = self._terms.limits.deliverable_of(records)
        reading.findings.note(reading.entry, (of_line(reading.origin.object, line) for line in malformed))
        if len(deliverable) < len(records):
            self._note_too_large(records, reading)
        self._count(reading, events, len(malformed), chosen)
        return deliverable

    def _choose(self, events: list[LakeEvent], reading: _Events) -> Sequence[LakeEvent]:
        lines = reading.item.lines
        if lines is not None:
            return [event for event in events if (event.line, event.part) in lines]
        return self._within_limit(self._selector.select(events), reading)

    def _within_limit(self, events: list[LakeEvent], reading: _Events) -> list[LakeEvent]:
        """As many as the limit allows; those chosen in earlier sessions are counted already."""
        again = max(0, reading.known - reading.entry.pulled)
        if self._request.limit is not None:
            events = events[: again + max(0, self._request.limit - self.chosen)]
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

    def _note_too_large(self, records: list[Record], reading: _Events) -> None:
        """Take down records that no invocation can carry: failed, once for all sessions."""
        limits = self._terms.limits
        found = [record for record in records if not limits.deliverable(record)]
        reading.findings.note(reading.entry, (of_record(too_large(each, limits), "failed") for each in found))
        reading.findings.tally.events.failed += len(found)
        reading.findings.fail(reading.entry, sum(ordinal(record.place) >= reading.known for record in found))

    def _count(self, reading: _Events, events: list[LakeEvent], malformed: int, chosen: Sequence[LakeEvent]) -> None:
        tally, entry = reading.findings.tally, reading.entry
        counts = tally.events
        counts.read += len(events)
        counts.malformed += malformed
        counts.faults += self._selector.faults
        counts.filtered += self._selector.filtered
        self._selector.faults = self._selector.filtered = 0
        tally.count_matched(chosen)
        reading.read += len(events)
        reading.malformed += malformed
        entry.read, entry.malformed = max(entry.read, reading.read), max(entry.malformed, reading.malformed)
        entry.matched = max(entry.matched, entry.pulled)
        reading.findings.touch(entry)
