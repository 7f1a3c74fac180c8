"""From an agenda to batches: read, decode, select, wrap, batch.

Objects are opened a few ahead by other threads; everything else happens in the thread that pulls,
a block of lines at a time, so memory is bounded whatever the size of the lake or of an object.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from cncbops.aws import explain
from cncbops.delivery.outcome import Undelivered
from cncbops.errors import CannotRun, CncbopsError
from cncbops.formats.decoding import decode
from cncbops.formats.event import LakeEvent
from cncbops.kinesis.batching import Batch, Batcher, BatchLimits
from cncbops.kinesis.origin import Origin, origin_of
from cncbops.kinesis.record import Record, to_records
from cncbops.kinesis.synthesis import complete
from cncbops.lake.ahead import ahead
from cncbops.lake.layout import skip_reason
from cncbops.lake.lines import Block
from cncbops.lake.objects import ObjectUnreadable
from cncbops.lake.reading import OpenObject, open_object
from cncbops.request import ReplayRequest
from cncbops.selection.selection import Selector
from cncbops.session.agenda import Agenda, Item
from cncbops.session.entry import Entry, ordinal
from cncbops.session.journal import Journal
from cncbops.session.progress import Progress
from cncbops.tally import of_line, of_object, of_record
from cncbops.terms import Terms

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

OBJECTS_AHEAD = 4
_NO_MORE: list[Record] = []


@dataclass
class _Reading:
    """An object that is being read; earlier sessions chose `known` of its records."""

    item: Item
    entry: Entry
    origin: Origin
    known: int
    read: int = 0
    malformed: int = 0


class Intake:
    """Pulls the chosen records of an agenda's objects, in its order, cut into batches.

    Once `stop` is set, what was pulled comes out as it is and nothing more is read. `is_exhausted`:
    the agenda was read to its end, or to the request's limit.
    """

    def __init__(
        self,
        request: ReplayRequest,
        terms: Terms,
        agenda: Agenda,
        s3: "S3Client | None",
        journal: Journal,
        stop: threading.Event,
        progress: Progress = Progress(),
        heed: Callable[[int, int], None] = lambda _delivered, _failed: None,
    ) -> None:
        self._request, self._terms, self._agenda, self._s3 = request, terms, agenda, s3
        self._journal, self._stop, self._progress, self._heed = journal, stop, progress, heed
        self._selector = Selector(request.selection, terms.mapping_filters)
        self._chosen = progress.chosen
        self._pending = self._records()
        self._held: list[Record] = []
        self._batcher = Batcher(terms.limits, terms.lanes)
        self.first_record: Record | None = None
        self.is_exhausted = False

    def batches(self, most: int | None = None) -> Iterator[Batch]:
        """The batches, full ones as they fill, of at most so many records; called again, the next ones.

        Raises CncbopsError, after what was read, if it cannot go on.
        """
        broken: CncbopsError | None = None
        try:
            for records in self._pull(most):
                yield from self._batcher.add(records)
        except CncbopsError as error:
            broken = error
        yield from self._batcher.flush()
        if broken:
            raise broken

    def _pull(self, most: int | None) -> Iterator[list[Record]]:
        """The next records, so many in all; what is over waits for the next call."""
        while most is None or most > 0:
            records = self._held or next(self._pending, _NO_MORE)
            if records is _NO_MORE:
                return
            taken = records[:most]
            self._held = records[len(taken) :]
            most = None if most is None else most - len(taken)
            yield taken

    def _records(self) -> Iterator[list[Record]]:
        for item, opened in ahead(self._open, self._items(), OBJECTS_AHEAD, _close):
            reading = self._begin(item)
            if isinstance(opened, ObjectUnreadable):
                self._count_unreadable(reading.entry, opened)
            else:
                yield from self._records_of(reading, opened)
            if self._stop.is_set():
                break
        self.is_exhausted = not self._stop.is_set()
        self._journal.keep()

    def _items(self) -> Iterator[Item]:
        objects = self._journal.tally.objects
        for item in self._agenda.items():
            if self._stop.is_set() or (self._is_at_limit and not (item.left and item.left.matched)):
                return
            objects.listed += 1
            reason = skip_reason(item.object)
            if reason:
                objects.skip(reason)
            else:
                yield item

    def _open(self, item: Item) -> tuple[Item, OpenObject | ObjectUnreadable]:
        try:
            return item, open_object(item.object, self._s3)
        except ObjectUnreadable as error:
            return item, error
        except (BotoCoreError, ClientError) as error:
            raise explain(error, f"read {item.object.uri}") from error

    def _begin(self, item: Item) -> _Reading:
        entry = self._journal.open(item.source, item.object, item.left)
        return _Reading(item, entry, origin_of(item.object), entry.matched)

    def _records_of(self, reading: _Reading, opened: OpenObject) -> Iterator[list[Record]]:
        entry, objects = reading.entry, self._journal.tally.objects
        with opened:
            try:
                for block in opened.blocks():
                    yield self._records_in(block, reading)
                    if self._stop.is_set() or (self._is_at_limit and entry.pulled >= reading.known):
                        break
            except ObjectUnreadable as error:
                self._count_unreadable(entry, error)
                return
            except (BotoCoreError, ClientError) as error:
                raise explain(error, f"read {entry.object.uri}") from error
        if not self._stop.is_set():
            objects.read += 1
            objects.bytes += entry.object.size
            entry.ended = True
        self._journal.touch(entry)

    def _records_in(self, block: Block, reading: _Reading) -> list[Record]:
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
        deliverable = list(filter(self._terms.limits.deliverable, records))
        self._journal.note(reading.entry, (of_line(reading.origin.object, line) for line in malformed))
        if len(deliverable) < len(records):
            self._note_too_large(records, reading)
        self._count(reading, events, len(malformed), chosen)
        if deliverable and self.first_record is None:
            self.first_record = deliverable[0]
        return deliverable

    def _choose(self, events: list[LakeEvent], reading: _Reading) -> Sequence[LakeEvent]:
        lines = reading.item.lines
        if lines is not None:
            return [event for event in events if (event.line, event.part) in lines]
        return self._within_limit(self._selector.select(events), reading)

    def _within_limit(self, events: list[LakeEvent], reading: _Reading) -> list[LakeEvent]:
        """As many as the limit allows; those chosen in earlier sessions are counted already."""
        again = max(0, reading.known - reading.entry.pulled)
        if self._request.limit is not None:
            events = events[: again + max(0, self._request.limit - self._chosen)]
        self._chosen += max(0, len(events) - again)
        return events

    def _unsettled(
        self, events: Sequence[LakeEvent], places: Sequence[int], entry: Entry
    ) -> tuple[Sequence[LakeEvent], Sequence[int]]:
        """Those of an object's events that earlier sessions gave no fate."""
        left = []
        for place, event in zip(places, events, strict=True):
            assert event.partition_key is not None
            if not self._progress.is_settled(place, event.partition_key, entry.pulled_before):
                left.append((place, event))
        return [event for _, event in left], [place for place, _ in left]

    def _note_too_large(self, records: list[Record], reading: _Reading) -> None:
        """Take down records that no invocation can carry: failed, once for all sessions."""
        limits = self._terms.limits
        too_large = [record for record in records if not limits.deliverable(record)]
        self._journal.note(reading.entry, (of_record(_too_large(each, limits), "failed") for each in too_large))
        self._journal.tally.events.failed += len(too_large)
        self._heed(0, len(too_large))
        reading.entry.failed += sum(ordinal(record.place) >= reading.known for record in too_large)

    def _count(self, reading: _Reading, events: list[LakeEvent], malformed: int, chosen: Sequence[LakeEvent]) -> None:
        counts, entry = self._journal.tally.events, reading.entry
        counts.read += len(events)
        counts.malformed += malformed
        counts.faults, counts.filtered = self._selector.faults, self._selector.filtered
        self._journal.tally.count_matched(chosen)
        reading.read += len(events)
        reading.malformed += malformed
        entry.read, entry.malformed = max(entry.read, reading.read), max(entry.malformed, reading.malformed)
        entry.matched = max(entry.matched, entry.pulled)
        self._journal.touch(entry)

    def _count_unreadable(self, entry: Entry, error: ObjectUnreadable) -> None:
        """Count an object that failed. Raises CannotRun if it shows that none may be read."""
        is_first = not (self._journal.tally.objects.read or self._progress.next_number)
        if error.error == "AccessDenied" and entry.object.bucket and is_first:
            what = f"cannot read {entry.object.uri}: access denied"
            raise CannotRun(what, "Ask for s3:GetObject (and kms:Decrypt of its key), or use --role-arn") from error
        self._journal.tally.objects.failed += 1
        entry.error = error.error
        self._journal.note(entry, [of_object(entry.object, error.error, error.message)])
        self._journal.touch(entry)

    @property
    def _is_at_limit(self) -> bool:
        return self._request.limit is not None and self._chosen >= self._request.limit


def _close(unused: tuple[Item, OpenObject | ObjectUnreadable]) -> None:
    """Close an object that was opened ahead and is not wanted any more."""
    if isinstance(unused[1], OpenObject):
        unused[1].close()


def _too_large(record: Record, limits: BatchLimits) -> Undelivered:
    message = f"{len(record.body):,} bytes as a record; an invocation carries {limits.single_payload_bytes:,}"
    return Undelivered(record, "RecordTooLarge", message)
