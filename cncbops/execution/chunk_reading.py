"""A chunk of objects that is being read at a place, portion after portion."""

from collections.abc import Generator, Iterator, Mapping, Sequence, Set
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from cncbops.aws_errors import explain
from cncbops.errors import CannotRun, CncbopsError
from cncbops.execution.tasks import Chunk, Portion, Taken
from cncbops.kinesis.batching import measured
from cncbops.kinesis.record import Record
from cncbops.lake.ahead import ahead
from cncbops.lake.objects import ObjectUnreadable
from cncbops.lake.reading import OpenObject, held, open_object
from cncbops.lake.small_objects import LARGEST
from cncbops.pool import Pool
from cncbops.session.agenda import Item
from cncbops.session.entry import Entry
from cncbops.session.findings import Findings
from cncbops.session.reading import Reader
from cncbops.tally import of_object

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_PORTION_FAILURES = 1_000
_PORTION_BLOCKS = 32
"""Of objects with more than one, but for their first: where few events are chosen, a stop shall not wait for many."""


def moved(items: Sequence[tuple[Item, Entry]]) -> CannotRun:
    """That objects, by the first of them, are not what they were when a place read them that is gone."""
    more = f", or one of {len(items) - 1:,} after it," if len(items) > 1 else ""
    what = f"{items[0][0].object.uri}{more} cannot be read as a worker read it that was lost"
    return CannotRun(what, "Have it read again, which tells what changed")


_Opened = tuple[Item, Entry, OpenObject | ObjectUnreadable]


class ChunkReading:
    """A chunk that is being read, portion after portion."""

    def __init__(
        self,
        chunk: Chunk,
        reader: Reader,
        s3: "S3Client | None",
        openers: Pool,
        *,
        objects_ahead: int,
        portion_bytes: int,
    ) -> None:
        """So many objects are opened beforehand; a portion is some `portion_bytes` of records."""
        self._chunk, self._reader, self._s3, self._openers = chunk, reader, s3, openers
        self._ahead, self._most_bytes = min(objects_ahead, len(chunk.items)), portion_bytes
        self._findings = Findings()
        self._records: list[Record] = []
        self._first: Record | None = None
        self._is_judged = True
        self._denied: str | None = None
        self._has_read = False
        self._further = 0  # blocks of the portion, but for the first of each object
        self._broken: CncbopsError | None = None
        self._pieces = self._all_records()
        self.has_more = True

    def pass_over(self, taken: Sequence[Taken]) -> None:
        """Read, and let go of, what was taken of it before."""
        for each in taken:
            portion = self.next()
            if portion.broken or (portion.records, portion.last) != each[:2]:
                self._broken = portion.broken or moved(self._chunk.items)
            self.judged(each.repeated)

    def find(self, wanted: Set[int]) -> tuple[Mapping[int, Record], CncbopsError | None]:
        """The records at some places, as far as they are there; or why nothing can be read at all."""
        found: dict[int, Record] = {}
        try:
            for records in self._pieces:
                found.update((record.place, record) for record in records if record.place in wanted)
                if len(found) == len(wanted):
                    break
        except CncbopsError as error:
            return found, error
        return found, None

    def next(self) -> Portion:
        """Read as much as makes a portion."""
        if self._broken:
            self.has_more = False
            return self._portion(self._broken)
        broken, size, self._further = None, 0, 0
        try:
            for records in self._pieces:
                self._records += records
                size += measured(records).size
                if self._is_portion(size):
                    break
            else:
                self.has_more = False
        except CncbopsError as error:
            broken, self.has_more = error, False
        return self._portion(broken)

    def judged(self, repeated: Sequence[int]) -> tuple[Sequence[Record], Findings | None, Record | None]:
        """The records of the portion that are to be sent.

        And what the portion came to, and the first record, where that waited for the judgement.
        """
        read, self._records = self._records, []
        if self._is_judged:
            return read, None, None
        records = self._reader.judged(read, repeated, self._findings)
        return records, self._findings.take(), self._first_of(records)

    def _first_of(self, records: Sequence[Record]) -> Record | None:
        """The first record of the chunk, if it is wanted and there is one by now."""
        if self._chunk.shows_first and self._first is None and records:
            self._first = records[0]
        return self._first

    def _is_portion(self, size: int) -> bool:
        failures = len(self._findings.failures)
        return size >= self._most_bytes or self._further >= _PORTION_BLOCKS or failures >= _PORTION_FAILURES

    def close(self) -> None:
        """Read no further."""
        self._pieces.close()

    def _portion(self, broken: CncbopsError | None) -> Portion:
        claims = self._reader.claims()
        self._is_judged = claims is None
        return Portion(
            self._chunk.number,
            self._findings.take() if claims is None else Findings(),
            self.has_more,
            self._reader.chosen,
            len(self._records),
            self._records[-1].place if self._records else -1,
            self._first_of(self._records) if claims is None else None,
            self._denied,
            broken,
            claims,
        )

    def _all_records(self) -> Generator[Sequence[Record], None, None]:
        wanted = (each for each in self._chunk.items if self._is_wanted(each[0]))
        for item, entry, opened in ahead(self._open, wanted, self._ahead, _close, self._openers, _size):
            if not self._is_wanted(item):
                if not isinstance(opened, ObjectUnreadable):
                    opened.close()
                continue
            self._findings.tally.objects.listed += not item.is_counted
            self._findings.tally.objects.changed += item.changed
            self._findings.touch(entry)
            if isinstance(opened, ObjectUnreadable):
                self._note_unreadable(item, entry, opened)
            else:
                yield from self._read(item, entry, opened)

    def _is_wanted(self, item: Item) -> bool:
        """At the limit only what was begun and has records left is read."""
        return not self._reader.is_at_limit or bool(item.left and item.left.matched)

    def _open(self, each: tuple[Item, Entry]) -> _Opened:
        item, entry = each
        try:
            if item.content is not None:
                return item, entry, held(item.object, item.content)
            return item, entry, open_object(item.object, self._s3)
        except ObjectUnreadable as error:
            return item, entry, error
        except (BotoCoreError, ClientError) as error:
            raise explain(error, f"read {item.object.uri}") from error

    def _read(self, item: Item, entry: Entry, opened: OpenObject) -> Iterator[Sequence[Record]]:
        with opened:
            try:
                for block, records in enumerate(self._reader.read(item, entry, opened.blocks(), self._findings)):
                    self._further += block > 0
                    yield records
            except ObjectUnreadable as error:
                self._note_unreadable(item, entry, error)
                return
            except (BotoCoreError, ClientError) as error:
                raise explain(error, f"read {entry.object.uri}") from error
        if not item.is_counted:
            self._findings.tally.objects.read += 1
            self._findings.tally.objects.bytes += entry.object.size
        self._has_read = entry.ended = True
        entry.error = item.picked.broken if item.picked else None
        self._findings.touch(entry)

    def _note_unreadable(self, item: Item, entry: Entry, error: ObjectUnreadable) -> None:
        if error.error == "AccessDenied" and entry.object.bucket and not self._has_read:
            self._denied = self._denied or entry.object.uri
        entry.error = error.error
        self._findings.touch(entry)
        if not (item.is_counted and item.picked and item.picked.broken):  # else this session has told of it
            self._findings.tally.objects.read -= item.is_counted  # it was, and is not any more
            self._findings.tally.objects.failed += 1
            self._findings.note(entry, [of_object(entry.object, error.error, error.message)])


def _size(each: tuple[Item, Entry]) -> int:
    """What an object that is open takes of memory."""
    return min(each[0].object.size, LARGEST)


def _close(unused: _Opened) -> None:
    """Close an object that was opened ahead and is not wanted any more."""
    if not isinstance(unused[2], ObjectUnreadable):
        unused[2].close()
