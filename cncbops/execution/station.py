"""One place where a session's work is done: it reads objects, keeps their records, and sends them.

Whoever coordinates a session tells it what to do next; the rest of a place's state are the records that were read
and are not settled, so that what is told and answered stays small.
"""

import threading
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from cncbops.aws import Aws, explain
from cncbops.delivery.invoker import Invoker
from cncbops.delivery.outcome import Waybill, waybill_of
from cncbops.delivery.sender import Delivery, Sender, Step
from cncbops.errors import CncbopsError
from cncbops.execution.tasks import Chunk, Cut, CutOff, Portion
from cncbops.kinesis.batching import Batch
from cncbops.kinesis.cutting import Cutter
from cncbops.kinesis.record import Record
from cncbops.lake.ahead import ahead
from cncbops.lake.objects import ObjectUnreadable
from cncbops.lake.reading import OpenObject, held, open_object
from cncbops.recipients import Recipient, Recipients
from cncbops.session.agenda import Item
from cncbops.session.entry import Entry
from cncbops.session.findings import Findings
from cncbops.session.reading import Reader
from cncbops.tally import of_object

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_PORTION_FAILURES = 1_000
_PORTION_PIECES = 32
"""Of what is read at a time, blocks or objects: where few events are chosen, a stop shall not wait for many."""


@dataclass(frozen=True)
class Outfit:
    """What a place works with. `reader` makes what turns objects into records, given how much is chosen already.

    `lanes` is how many there are, 0 where order does not matter. `objects_ahead` are opened beforehand.
    `portion_bytes` of records are read before they are cut.
    `names_records`: outcomes tell of each record, also where all were delivered.
    """

    aws: Aws
    s3: "Callable[[], S3Client | None]"
    recipients: Recipients
    reader: Callable[[int], Reader]
    lanes: int
    objects_ahead: int
    portion_bytes: int
    canary: int | None
    names_records: bool
    sends: bool


class Station:
    """A place. Its methods may be called from several threads at once, but for those of one chunk or batch."""

    def __init__(self, outfit: Outfit) -> None:
        self._outfit = outfit
        self._s3 = outfit.s3()
        self._cutter = Cutter(outfit.recipients.limits, outfit.lanes, outfit.canary)
        self._readings: dict[int, _Reading] = {}
        self._deliveries: dict[tuple[int, int], Delivery] = {}
        self._senders: dict[str, Sender] = {}
        self._making_clients = threading.Lock()
        self._openers = ThreadPoolExecutor(outfit.objects_ahead * 2, thread_name_prefix="open")
        self._cuts = count()

    def read(self, chunk: Chunk) -> Portion:
        """Read a chunk, or the first portion of it. Raises nothing that an object can be blamed for."""
        reading = _Reading(chunk, self._outfit, self._s3, self._openers)
        self._readings[chunk.number] = reading
        return reading.next()

    def read_on(self, chunk: int) -> Portion:
        """The next portion of a chunk, whose records so far were cut."""
        return self._readings[chunk].next()

    def cut(self, cut: Cut) -> CutOff:
        """Cut batches."""
        if cut.chunk is None:
            batches, stock = self._cutter.cut((), cut.stock, flush=cut.flush)
            return CutOff(self._kept(batches), stock)
        reading = self._readings[cut.chunk]
        if not reading.has_more:
            del self._readings[cut.chunk]
        records, findings, first = reading.judged(cut.repeated)
        batches, stock = self._cutter.cut(records, cut.stock, flush=cut.flush)
        return CutOff(self._kept(batches), stock, findings, first)

    def meet(self, recipients: Mapping[str, Recipient]) -> None:
        """Get to know functions that were found elsewhere, whose records may be carried over to here."""
        for name, recipient in recipients.items():
            self._outfit.recipients.add(name, recipient)

    def _kept(self, batches: Sequence[Batch]) -> Sequence[Waybill]:
        """The waybills of batches, which wait here to be sent."""
        cut = next(self._cuts)
        bills = [waybill_of(batch, (cut, number)) for number, batch in enumerate(batches)]
        if self._outfit.sends:
            self._deliveries.update((bill.batch, Delivery(batch)) for bill, batch in zip(bills, batches, strict=True))
        return bills

    def attempt(self, name: tuple[int, int]) -> Step:
        """Make the next invocation of a batch."""
        delivery = self._deliveries[name]
        try:
            sender = self._sender_of(delivery.function)
        except CncbopsError as error:  # no client can be made
            delivery.outcome.refusal = error
            return self.abandon(name)
        return self._told(name, sender.attempt(delivery))

    def abandon(self, name: tuple[int, int]) -> Step:
        """Send nothing more of a batch that was begun."""
        return self._told(name, self._deliveries[name].abandon())

    def close(self) -> None:
        """Let go of what is read and not to its end; nothing else may be under way."""
        for reading in self._readings.values():
            reading.close()
        self._openers.shutdown()

    def _told(self, name: tuple[int, int], step: Step) -> Step:
        if step.outcome is None:
            return step
        del self._deliveries[name]
        return step.without_payloads(named=self._outfit.names_records)

    def _sender_of(self, function: str) -> Sender:
        with self._making_clients:
            if function not in self._senders:
                recipient = self._outfit.recipients[function]
                self._senders[function] = Sender(self._invoker(function).invoke, recipient.terms.policy)
            return self._senders[function]

    def _invoker(self, name: str) -> Invoker:
        recipient = self._outfit.recipients[name]
        function, terms = recipient.function, recipient.terms
        client = self._outfit.aws.in_region(function.region).lambda_(
            pool=terms.concurrency, read_timeout_s=terms.read_timeout_s, once=True
        )
        return Invoker(client, function.address, function.qualifier)


_Opened = tuple[Item, Entry, OpenObject | ObjectUnreadable]


class _Reading:
    """A chunk that is being read, portion after portion."""

    def __init__(self, chunk: Chunk, outfit: Outfit, s3: "S3Client | None", openers: ThreadPoolExecutor) -> None:
        self._chunk, self._reader, self._s3, self._openers = chunk, outfit.reader(chunk.chosen), s3, openers
        self._ahead, self._most_bytes = min(outfit.objects_ahead, len(chunk.items)), outfit.portion_bytes
        self._findings = Findings()
        self._records: list[Record] = []
        self._first: Record | None = None
        self._is_judged = True
        self._denied: str | None = None
        self._has_read = False
        self._pieces = self._all_records()
        self.has_more = True

    def next(self) -> Portion:
        """Read as much as makes a portion."""
        broken, size = None, 0
        try:
            for piece, records in enumerate(self._pieces, start=1):
                self._records += records
                size += sum([len(record.body) for record in records])
                if self._is_portion(size, piece):
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

    def _is_portion(self, size: int, pieces: int) -> bool:
        failures = len(self._findings.failures)
        return size >= self._most_bytes or pieces >= _PORTION_PIECES or failures >= _PORTION_FAILURES

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
            self._first_of(self._records) if claims is None else None,
            self._denied,
            broken,
            claims,
        )

    def _all_records(self) -> Generator[Sequence[Record], None, None]:
        wanted = (each for each in self._chunk.items if self._is_wanted(each[0]))
        for item, entry, opened in ahead(self._open, wanted, self._ahead, _close, self._openers):
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
                yield from self._reader.read(item, entry, opened.blocks(), self._findings)
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


def _close(unused: _Opened) -> None:
    """Close an object that was opened ahead and is not wanted any more."""
    if not isinstance(unused[2], ObjectUnreadable):
        unused[2].close()
