"""From sources to batches: list, read, decode, select, wrap, batch.

Objects are opened a few ahead by other threads; everything else happens in the thread that pulls,
a block of lines at a time, so memory is bounded whatever the size of the lake or of an object.
"""

import threading
from collections.abc import Iterator
from itertools import chain

from botocore.exceptions import BotoCoreError, ClientError

from cncbops.aws import Aws, explain
from cncbops.delivery.outcome import Undelivered
from cncbops.errors import CannotRun, CncbopsError
from cncbops.formats.decoding import decode
from cncbops.formats.event import LakeEvent, Malformed
from cncbops.journal import Journal
from cncbops.kinesis.batching import Batch, Batcher, BatchLimits
from cncbops.kinesis.origin import Origin, origin_of
from cncbops.kinesis.record import Record, to_records
from cncbops.kinesis.synthesis import complete
from cncbops.lake.ahead import ahead
from cncbops.lake.layout import skip_reason
from cncbops.lake.lines import Block
from cncbops.lake.listing import list_objects
from cncbops.lake.objects import LakeObject, ObjectUnreadable
from cncbops.lake.reading import OpenObject, open_object
from cncbops.lake.sources import S3Source, Source
from cncbops.request import ReplayRequest
from cncbops.selection.selection import Selector
from cncbops.tally import of_line, of_object, of_record
from cncbops.terms import Terms

OBJECTS_AHEAD = 4


class Intake:
    """Pulls the chosen records of a request's sources, in lake order, cut into batches.

    Once `stop` is set, what was pulled comes out as it is and nothing more is read.
    """

    def __init__(self, request: ReplayRequest, terms: Terms, aws: Aws, journal: Journal, stop: threading.Event) -> None:
        self._request, self._terms, self._journal, self._stop = request, terms, journal, stop
        uses_s3 = any(isinstance(source, S3Source) for source in request.sources)
        self._s3 = aws.s3(OBJECTS_AHEAD + 1) if uses_s3 else None
        self._selector = Selector(request.selection, terms.mapping_filters)
        self.first_record: Record | None = None

    def batches(self) -> Iterator[Batch]:
        """The batches, full ones as they fill. Raises CncbopsError, after what was read, if it cannot go on."""
        batcher = Batcher(self._terms.limits, self._terms.lanes)
        broken: CncbopsError | None = None
        try:
            for records in self._records():
                yield from batcher.add(records)
        except CncbopsError as error:
            broken = error
        yield from batcher.flush()
        if broken:
            raise broken

    def _records(self) -> Iterator[list[Record]]:
        for lake_object, opened in ahead(self._open, self._objects(), OBJECTS_AHEAD, _close):
            if isinstance(opened, ObjectUnreadable):
                self._count_unreadable(lake_object, opened)
            else:
                yield from self._records_of(lake_object, opened)
            if self._is_done():
                return

    def _objects(self) -> Iterator[LakeObject]:
        objects = self._journal.tally.objects
        for lake_object in chain.from_iterable(map(self._listing, self._request.sources)):
            if self._is_done():
                return
            objects.listed += 1
            reason = skip_reason(lake_object)
            if reason:
                objects.skip(reason)
            else:
                yield lake_object

    def _listing(self, source: Source) -> Iterator[LakeObject]:
        try:
            yield from list_objects(source, self._s3, self._request.selection.window)
        except (BotoCoreError, ClientError) as error:
            raise explain(error, f"list {source.uri}") from error

    def _open(self, lake_object: LakeObject) -> tuple[LakeObject, OpenObject | ObjectUnreadable]:
        try:
            return lake_object, open_object(lake_object, self._s3)
        except ObjectUnreadable as error:
            return lake_object, error
        except (BotoCoreError, ClientError) as error:
            raise explain(error, f"read {lake_object.uri}") from error

    def _records_of(self, lake_object: LakeObject, opened: OpenObject) -> Iterator[list[Record]]:
        origin, objects = origin_of(lake_object), self._journal.tally.objects
        with opened:
            try:
                for block in opened.blocks():
                    yield self._records_in(block, origin)
                    if self._is_done():
                        break
            except ObjectUnreadable as error:
                self._count_unreadable(lake_object, error)
                return
            except (BotoCoreError, ClientError) as error:
                raise explain(error, f"read {lake_object.uri}") from error
        objects.read += 1
        objects.bytes += lake_object.size

    def _records_in(self, block: Block, origin: Origin) -> list[Record]:
        """The deliverable records of a block. What goes wrong is noted before anything is counted."""
        events, malformed = decode(block, self._request.family)
        complete(events, origin)
        chosen = self._within_limit(self._selector.select(events))
        records = to_records(chosen, origin, self._terms.record_source)
        deliverable = list(filter(self._terms.limits.deliverable, records))
        self._journal.note(of_line(origin.object, line) for line in malformed)
        if len(deliverable) < len(records):
            self._note_too_large(records)
        self._count(events, malformed, chosen, undeliverable=len(records) - len(deliverable))
        if deliverable and self.first_record is None:
            self.first_record = deliverable[0]
        return deliverable

    def _note_too_large(self, records: list[Record]) -> None:
        limits = self._terms.limits
        too_large = (_too_large(record, limits) for record in records if not limits.deliverable(record))
        self._journal.note(of_record(each, "failed") for each in too_large)

    def _count(
        self, events: list[LakeEvent], malformed: list[Malformed], chosen: list[LakeEvent], *, undeliverable: int
    ) -> None:
        counts = self._journal.tally.events
        counts.read += len(events)
        counts.malformed += len(malformed)
        counts.failed += undeliverable
        counts.faults, counts.filtered = self._selector.faults, self._selector.filtered
        self._journal.tally.count_matched(chosen)

    def _within_limit(self, events: list[LakeEvent]) -> list[LakeEvent]:
        limit = self._request.limit
        return events if limit is None else events[: limit - self._journal.tally.events.matched]

    def _count_unreadable(self, lake_object: LakeObject, error: ObjectUnreadable) -> None:
        """Count an object that failed. Raises CannotRun if it shows that none may be read."""
        if error.error == "AccessDenied" and lake_object.bucket and not self._journal.tally.objects.read:
            what = f"cannot read {lake_object.uri}: access denied"
            raise CannotRun(what, "Ask for s3:GetObject (and kms:Decrypt of its key), or use --role-arn") from error
        self._journal.tally.objects.failed += 1
        self._journal.note([of_object(lake_object, error.error, error.message)])

    def _is_done(self) -> bool:
        limit = self._request.limit
        return self._stop.is_set() or (limit is not None and self._journal.tally.events.matched >= limit)


def _close(unused: tuple[LakeObject, OpenObject | ObjectUnreadable]) -> None:
    """Close an object that was opened ahead and is not wanted any more."""
    if isinstance(unused[1], OpenObject):
        unused[1].close()


def _too_large(record: Record, limits: BatchLimits) -> Undelivered:
    message = f"{len(record.body):,} bytes as a record; an invocation carries {limits.single_payload_bytes:,}"
    return Undelivered(record, "RecordTooLarge", message)
