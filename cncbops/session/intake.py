"""From an agenda to batches: chunks of objects are read at the executor's places, and cut in their order.

Reading goes on at all places at once, as far ahead as there is room. What was read is taken down, and cut into
batches, chunk after chunk: so numbers, counts and batches depend on the lake alone, however many places there are.
"""

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum

from cncbops.delivery.lanes import NOWHERE, Lanes
from cncbops.delivery.outcome import Settled
from cncbops.errors import CannotRun, CncbopsError
from cncbops.execution.crew import READERS
from cncbops.execution.executor import Executor
from cncbops.execution.tasks import Chunk, Cut, CutOff, Portion
from cncbops.kinesis.cutting import Stock
from cncbops.kinesis.record import Record
from cncbops.session.begun_chunk import BegunChunk
from cncbops.session.canary import Canary
from cncbops.session.chunks import Chunks, Objects
from cncbops.session.findings import Findings
from cncbops.session.journal import Journal
from cncbops.session.reading import Register
from cncbops.session.recovery import Recovery

MOST_OBJECTS = 8_192
"""That are read and not done with: where each holds an event or two, they take more memory than their records."""


@dataclass(frozen=True)
class Manner:
    """How an intake reads: one chunk after another, or several at a time; no more than the `limit` needs.

    `shows_first`: the first record is wanted. `is_first`: no session of the run has read anything yet.
    `chosen` is how much earlier sessions chose. A chunk that is being read comes to some `portion_bytes` of records.
    `register` judges what readings claim, and counts what is found.
    """

    reads_one_by_one: bool
    portion_bytes: int
    limit: int | None
    shows_first: bool
    is_first: bool
    chosen: int
    register: Register | None = None


class _Nothing(Enum):
    """In place of objects: nothing before something that was given out is settled, or nothing more at all."""

    NOW = "now"
    MORE = "more"


class Intake:
    """Keeps `lanes` filled. Once `stop` is set nothing more is read or cut.

    `is_exhausted`: the agenda was read to its end, or to the limit, and all of it is in the lanes. `error` says why
    it could not be, once what was read before is in them.
    """

    def __init__(
        self,
        chunks: Chunks,
        lanes: Lanes,
        journal: Journal,
        canary: Canary,
        manner: Manner,
        recovery: Recovery,
        heed: Callable[[int, int], None],
        stop: threading.Event,
    ) -> None:
        """`heed` is told of records that fail before they are sent."""
        self._chunks, self._lanes, self._journal, self._canary = chunks, lanes, journal, canary
        self._manner, self._recovery, self._heed, self._stop = manner, recovery, heed, stop
        self._coming = chunks.__iter__()
        self._peeked: list[Objects | _Nothing] = []
        self._begun: dict[int, BegunChunk] = {}
        self._next = self._turn = 0  # numbers of the chunk to be begun, and of the one to be cut, next
        self._stock = Stock()
        self._chosen = manner.chosen
        self._cuts_at: int | None = None  # the place where something is being cut
        self._flushes = self._is_over = self._waits = False
        self._given_out = 0
        self._reads_on: BegunChunk | None = None  # as soon as there is room
        self.is_exhausted = False
        self.first_record: Record | None = None
        self.error: CncbopsError | None = None

    @property
    def is_done(self) -> bool:
        """Whether nothing more comes."""
        return self._is_over and not (self._begun or self._flushes or self._cuts_at is not None)

    def close(self) -> None:
        """Look for no more objects."""
        self._coming.close()

    def is_small(self) -> bool:
        """Whether one chunk is all there is, or all that anything else hangs on; looks no further than that."""
        while len(self._peeked) < 2 and not (self._peeked and isinstance(self._peeked[-1], _Nothing)):
            self._peeked.append(self._found_out())
        return any(isinstance(found, _Nothing) for found in self._peeked)

    def feed(self, executor: Executor) -> None:
        """Begin reading as far as there is room."""
        if self._stop.is_set():
            return
        self._lanes.places = len(executor.places)
        self._read_again(executor)
        if self._reads_on and self._lanes.has_room() and not self._canary.holds:
            executor.submit(self._reads_on.place, "read_on", self._turn, then=self._taker(executor))
            self._reads_on = None
        most = 1 if self._manner.reads_one_by_one else READERS * len(executor.places)
        while len(self._begun) < most and self._may_begin():
            found = self._peeked.pop(0) if self._peeked else self._found_out()
            if isinstance(found, _Nothing):
                self._flushes = True
                self._waits, self._is_over = found is _Nothing.NOW, found is _Nothing.MORE
            else:
                self._begin(found, executor)
        self._advance(executor)

    def lose(self, place: int) -> None:
        """Take down that a place is gone: what is read and not cut there is to be read again.

        Raises CannotRun where that was so too often.
        """
        for begun in self._begun.values():
            if begun.place == place:
                begun.lose()
        if self._reads_on and self._reads_on.place == NOWHERE:
            self._reads_on = None
        if self._cuts_at == place:
            self._cuts_at = None

    def _read_again(self, executor: Executor) -> None:
        for begun in self._begun.values():
            if begun.place == NOWHERE and executor.places:
                begun.place = self._least_busy(executor)
                executor.submit(begun.place, "read", begun.again, then=self._taker(executor))

    def settled(self, batches: list[Settled]) -> None:
        """Take down that batches are settled, which others may have waited for."""
        self._waits = False
        self._recovery.settled(batches)
        for each in batches:
            for batch in self._canary.leave(each):
                self._lanes.put(batch)

    def _may_begin(self) -> bool:
        waits = self._waits or self._flushes or self._is_over or self._canary.holds
        if self._recovery.objects >= MOST_OBJECTS and not self._lanes.is_empty:
            return False
        return not waits and self._lanes.has_room(len(self._begun) * self._manner.portion_bytes)

    def _found_out(self) -> "Objects | _Nothing":
        """The next objects, if there are any."""
        try:
            return next(self._coming) or _Nothing.NOW
        except StopIteration:
            return _Nothing.MORE
        except CncbopsError as error:
            self.error = self.error or error
            return _Nothing.MORE

    def _begin(self, objects: Objects, executor: Executor) -> None:
        number, self._next = self._next, self._next + 1
        shows_first = self._manner.shows_first and self.first_record is None
        chunk = Chunk(number, [(item, entry.copy()) for item, entry in objects], self._chosen, shows_first)
        begun = BegunChunk(chunk, self._least_busy(executor), {entry.number: entry for _, entry in objects})
        self._begun[number] = begun
        self._recovery.note(objects)
        executor.submit(begun.place, "read", chunk, then=self._taker(executor))

    def _least_busy(self, executor: Executor) -> int:
        busy = Counter(begun.place for begun in self._begun.values())
        load = self._recovery.load()
        return min(executor.places, key=lambda place: (busy[place], load[place]))

    def _taker(self, executor: Executor) -> Callable[[Portion], None]:
        def take(portion: Portion) -> None:
            if begun := self._begun.get(portion.chunk):
                begun.portion = portion
                self._introduce(portion, executor)
                self._advance(executor)

        return take

    def _introduce(self, portion: Portion, executor: Executor) -> None:
        """Make the functions known at all places that were found at one: what is carried over may be cut anywhere."""
        if portion.claims and self._manner.register:
            new = self._manner.register.meet(portion.claims)
            for place in executor.places if new else ():
                executor.submit(place, "meet", new, then=lambda _: None)

    def _advance(self, executor: Executor) -> None:
        """Cut what is next in order, if it is there."""
        if self._cuts_at is not None or self._stop.is_set():
            return
        begun = self._begun.get(self._turn)
        if begun and begun.portion:
            portion, begun.portion = begun.portion, None
            if begun.is_cut:
                self._take_in(portion, begun)
                begun.take(portion, self._repeated(portion))
            else:
                begun.require_known(portion)
            self._cut(executor, begun, portion)
        elif self._flushes and not begun and executor.places:
            self._flush(executor)

    def _flush(self, executor: Executor) -> None:
        """Give out what was carried over: nothing follows, or not before that is settled."""
        if self._stock.carried:
            self._cut(executor, None, None)
            return
        self._flushes = False
        self.is_exhausted = self._is_over and self.error is None
        self._canary.complete(self._stock.canary, is_over=self._is_over)
        self._journal.keep()  # objects without a record to send are over once that is written down
        if self._lanes.is_empty:
            self._waits = False

    def _take_in(self, portion: Portion, begun: BegunChunk) -> None:
        """Take down what reading came to."""
        is_first = self._manner.is_first and not self._journal.tally.objects.read
        self._take_down(portion.findings, begun)
        self.first_record = self.first_record or portion.first
        self._chosen = portion.chosen
        self._chunks.is_at_limit = self._manner.limit is not None and portion.chosen >= self._manner.limit
        if portion.denied and is_first:
            what = f"cannot read {portion.denied}: access denied"
            raise CannotRun(what, "Ask for s3:GetObject (and kms:Decrypt of its key), or use --role-arn")
        if portion.broken:
            self.error, self._is_over, self._flushes = portion.broken, True, True
            # What comes after would else be sent before what could not be read.
            self._begun = {portion.chunk: begun}
            self._next = portion.chunk + 1

    def _take_down(self, findings: Findings, begun: BegunChunk) -> None:
        for number in findings.entries:
            if number in begun.entries:
                self._journal.open(begun.entries.pop(number))
        self._journal.take_in(findings)
        if self._manner.register:
            self._manner.register.count(findings)
        self._heed(0, findings.tally.events.failed)

    def _repeated(self, portion: Portion) -> Sequence[int]:
        """Which claims of a portion were made before."""
        register = self._manner.register
        return register.repeated(portion.claims) if register and portion.claims else ()

    def _cut(self, executor: Executor, begun: BegunChunk | None, portion: Portion | None) -> None:
        """Have a portion cut where it is; without one, what was carried over, anywhere."""
        place = self._cuts_at = begun.place if begun else executor.places[0]
        is_last = portion is None or not (portion.has_more or self._turn + 1 < self._next)
        flush = self._flushes and is_last

        def take(cut_off: CutOff) -> None:
            self._cuts_at = None
            self.first_record = self.first_record or cut_off.first
            self._stock = cut_off.stock
            if begun and portion:
                self._end_cut(begun, portion, cut_off.findings)
            self._put(cut_off, place)
            self._advance(executor)

        chunk, repeated = (begun.chunk.number, begun.taken[-1].repeated) if begun else (None, ())
        executor.submit(place, "cut", Cut(chunk, self._stock, flush, repeated), then=take)

    def _end_cut(self, begun: BegunChunk, portion: Portion, findings: Findings | None) -> None:
        begun.is_cut = True
        if findings:
            self._take_down(findings, begun)
        if portion.has_more:
            self._reads_on = begun
        else:
            del self._begun[portion.chunk]
            self._turn += 1

    def _put(self, cut_off: CutOff, place: int) -> None:
        for batch in cut_off.batches:
            batch.place, batch.number = place, self._given_out
            self._given_out += 1
            self._recovery.put(batch)
            for ready in self._canary.admit(batch):
                self._lanes.put(ready)
        self._canary.complete(cut_off.stock.canary, is_over=False)
