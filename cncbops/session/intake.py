"""From an agenda to batches: open, read, batch.

Objects are opened a few ahead by other threads; everything else happens in the thread that pulls,
a chunk of records at a time, so memory is bounded whatever the size of the lake or of an object.
"""

import threading
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from cncbops.aws import explain
from cncbops.errors import CannotRun, CncbopsError
from cncbops.kinesis.batching import Batch, Batcher, BatchLimits
from cncbops.kinesis.record import Record
from cncbops.lake.ahead import ahead
from cncbops.lake.layout import CLAIM_CHECK, skip_reason
from cncbops.lake.objects import ObjectUnreadable
from cncbops.lake.reading import OpenObject, held, open_object
from cncbops.session.agenda import Agenda, Item
from cncbops.session.canary import Canary
from cncbops.session.entry import Entry
from cncbops.session.journal import Journal
from cncbops.session.reading import Reader
from cncbops.tally import of_object

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

LAKE_OBJECTS_AHEAD = 4
"""Objects of a lake are large: their first bytes wait in memory."""
_NOTHING_NOW = None
"""In place of a batch: nothing more comes before something that was given out is settled."""


class Intake:
    """Pulls the chosen records of an agenda's objects, in its order, cut into batches.

    Once `stop` is set, what was pulled comes out as it is and nothing more is read. `is_exhausted`:
    the agenda was read to its end, or to the request's limit. `is_first`: no session of the run has
    read anything yet.
    """

    def __init__(
        self,
        agenda: Agenda,
        reader: Reader,
        limits: Mapping[str, BatchLimits],
        lanes: int,
        s3: "S3Client | None",
        journal: Journal,
        canary: Canary,
        stop: threading.Event,
        *,
        objects_ahead: int = LAKE_OBJECTS_AHEAD,
        is_first: bool = True,
    ) -> None:
        self._agenda, self._reader, self._s3 = agenda, reader, s3
        self._journal, self._canary, self._stop, self._is_first = journal, canary, stop, is_first
        self._batcher, self._objects_ahead = Batcher(limits, lanes), objects_ahead
        self.first_record: Record | None = None
        self.is_exhausted = False

    def batches(self) -> Iterator[Batch | None]:
        """The batches, full ones as they fill; None where none comes before others are settled.

        Raises CncbopsError, after what was read, if it cannot go on.
        """
        broken: CncbopsError | None = None
        try:
            for records in self._records():
                if records is _NOTHING_NOW:
                    yield from self._canary.marked(self._batcher.flush())
                    yield None
                else:
                    yield from self._batches_of(records)
        except CncbopsError as error:
            broken = error
        yield from self._canary.marked(self._batcher.flush())
        self._canary.end()
        if broken:
            raise broken

    def _batches_of(self, records: Sequence[Record]) -> Iterator[Batch]:
        if records and self.first_record is None:
            self.first_record = records[0]
        for piece, whose_canary_ends in self._canary.pieces(records):
            yield from self._canary.marked(self._batcher.add(piece))
            if whose_canary_ends is not None:
                yield from self._canary.marked(self._batcher.flush())
                self._canary.complete(whose_canary_ends)

    def _records(self) -> Iterator[Sequence[Record] | None]:
        for found in self._opened():
            if found is None:
                self._journal.keep()  # objects without a record to send are over once that is written down
                yield _NOTHING_NOW
            else:
                yield from self._records_of(*found)
            if self._stop.is_set():
                break
        self.is_exhausted = not self._stop.is_set()
        self._journal.keep()

    def _opened(self) -> "Iterator[_Opened | None]":
        """The items in their order, opened ahead where that takes time; what comes late keeps no other waiting."""
        for is_stored, items in groupby(self._items(), lambda item: bool(item and item.content is None)):
            if is_stored:
                yield from ahead(self._open, filter(None, items), self._objects_ahead, _close)
            else:
                yield from (None if item is None else self._open(item) for item in items)

    def _items(self) -> Iterator[Item | None]:
        objects = self._journal.tally.objects
        for item in self._agenda.items(self._stop):
            if item is None:
                yield None
                continue
            if self._stop.is_set() or (self._reader.is_at_limit and not item.left):
                return
            if self._reader.is_at_limit and item.left and not item.left.matched:
                continue  # another that was begun may have some left
            objects.listed += 1
            reason = skip_reason(item.object)
            if reason and not (item.by_name and reason == CLAIM_CHECK):
                objects.skip(reason)
            else:
                yield item

    def _open(self, item: Item) -> "_Opened":
        try:
            return item, held(item.object, item.content) if item.content is not None else open_object(
                item.object, self._s3
            )
        except ObjectUnreadable as error:
            return item, error
        except (BotoCoreError, ClientError) as error:
            raise explain(error, f"read {item.object.uri}") from error

    def _records_of(self, item: Item, opened: OpenObject | ObjectUnreadable) -> Iterator[Sequence[Record]]:
        entry = self._journal.open(item.source, item.object, item.left)
        if isinstance(opened, ObjectUnreadable):
            self._count_unreadable(entry, opened)
        else:
            yield from self._read(item, entry, opened)

    def _read(self, item: Item, entry: Entry, opened: OpenObject) -> Iterator[Sequence[Record]]:
        objects = self._journal.tally.objects
        with opened:
            try:
                for records in self._reader.read(item, entry, opened.blocks()):
                    yield records
                    if self._stop.is_set():
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

    def _count_unreadable(self, entry: Entry, error: ObjectUnreadable) -> None:
        """Count an object that failed. Raises CannotRun if it shows that none may be read."""
        is_first = self._is_first and not self._journal.tally.objects.read
        if error.error == "AccessDenied" and entry.object.bucket and is_first:
            what = f"cannot read {entry.object.uri}: access denied"
            raise CannotRun(what, "Ask for s3:GetObject (and kms:Decrypt of its key), or use --role-arn") from error
        self._journal.tally.objects.failed += 1
        entry.error = error.error
        self._journal.note(entry, [of_object(entry.object, error.error, error.message)])
        self._journal.touch(entry)


_Opened = tuple[Item, OpenObject | ObjectUnreadable]


def _close(unused: _Opened) -> None:
    """Close an object that was opened ahead and is not wanted any more."""
    if not isinstance(unused[1], ObjectUnreadable):
        unused[1].close()
