"""One place where a session's work is done: it reads objects, keeps their records, and sends them.

Whoever coordinates a session tells it what to do next; the rest of a place's state are the records that were read
and are not settled, so that what is told and answered stays small.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import chain, count
from typing import TYPE_CHECKING

from cncbops.aws import Aws
from cncbops.delivery.invoker import Invoker
from cncbops.delivery.outcome import Waybill, waybill_of
from cncbops.delivery.sender import Delivery, Sender, Step
from cncbops.errors import CncbopsError
from cncbops.execution.carried import Carried
from cncbops.execution.chunk_reading import ChunkReading, moved
from cncbops.execution.rooms import Rooms
from cncbops.execution.tasks import Chunk, Cut, CutOff, Lost, Portion, Restored
from cncbops.kinesis.batching import Batch, batch_of
from cncbops.kinesis.cutting import Cutter, Stock
from cncbops.kinesis.record import Record
from cncbops.lake.pages import Page, S3Pages
from cncbops.pool import Pool
from cncbops.recipients import Recipient, Recipients
from cncbops.session.findings import Findings
from cncbops.session.reading import Reader

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@dataclass(frozen=True)
class Outfit:
    """What a place works with. `reader` makes what turns objects into records, given how much is chosen already.

    `lanes` is how many there are, 0 where order does not matter. `objects_ahead` are opened beforehand.
    `portion_bytes` of records are read before they are cut.
    `names_records`: outcomes tell of each record, also where all were delivered. `rooms` are shared by all places.
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
    rooms: Rooms | None = None


class Station:
    """A place. Its methods may be called from several threads at once, but for those of one chunk or batch."""

    def __init__(self, outfit: Outfit) -> None:
        self._outfit = outfit
        self._s3 = outfit.s3()
        self._cutter = Cutter(outfit.recipients.limits, outfit.lanes, outfit.canary)
        self._readings: dict[int, ChunkReading] = {}
        self._deliveries: dict[tuple[int, int], Delivery] = {}
        self._senders: dict[str, Sender] = {}
        self._making_clients = threading.Lock()
        self._openers = Pool(outfit.objects_ahead * 2, "open")
        self._cuts = count()

    def read(self, chunk: Chunk) -> Portion:
        """Read a chunk, or the first portion of it. Raises nothing that an object can be blamed for."""
        reading = self._reading(chunk)
        self._readings[chunk.number] = reading
        reading.pass_over(chunk.taken)
        return reading.next()

    def read_on(self, chunk: int) -> Portion:
        """The next portion of a chunk, whose records so far were cut."""
        return self._readings[chunk].next()

    def cut(self, cut: Cut) -> CutOff:
        """Cut batches."""
        if isinstance(cut.stock.carried, Carried):
            cut.stock.carried.come_to(self._outfit.rooms)
        records, findings, first = self._to_cut(cut)
        batches, stock = self._cutter.cut(records, cut.stock, flush=cut.flush)
        return CutOff(self._kept(batches), _to_go(stock, cut.stock, self._outfit.rooms), findings, first)

    def _to_cut(self, cut: Cut) -> tuple[Sequence[Record], Findings | None, Record | None]:
        """What was read of a chunk, and is to be told of it."""
        if cut.chunk is None:
            return (), None, None
        reading = self._readings[cut.chunk]
        if not reading.has_more:
            del self._readings[cut.chunk]
        return reading.judged(cut.repeated)

    def page(self, bucket: str, asked: Mapping[str, str]) -> Page:
        """A page of a bucket's listing. botocore's errors pass."""
        assert self._s3, "a source in S3 needs a client"
        return S3Pages(self._s3).page(bucket, asked)

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

    def restore(self, lost: Lost) -> Restored:
        """Read batches again that were lost, to be sent from here."""
        wanted = frozenset(chain.from_iterable(lost.batches))
        with closing(self._reading(Chunk(-1, lost.items, 0, shows_first=False))) as reading:
            found, broken = reading.find(wanted)
        if broken or len(found) < len(wanted):
            return Restored((), broken or moved(lost.items))
        batches = [batch_of([found[place] for place in places], ()) for places in lost.batches]
        return Restored([bill.batch for bill in self._kept(batches)])

    def _reading(self, chunk: Chunk) -> ChunkReading:
        outfit = self._outfit
        return ChunkReading(
            chunk,
            outfit.reader(chunk.chosen),
            self._s3,
            self._openers,
            objects_ahead=outfit.objects_ahead,
            portion_bytes=outfit.portion_bytes,
        )

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
        self._openers.close()

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


def _to_go(stock: Stock, last: Stock, rooms: Rooms | None) -> Stock:
    """What passes from one cut to the next, as it goes between processes; as it came, where nothing was cut."""
    if isinstance(stock.carried, Carried):
        return stock
    return replace(stock, carried=Carried(stock.carried, rooms, last.carried))
