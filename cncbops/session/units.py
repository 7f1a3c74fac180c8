"""From the documents of an object to the units of work of its faults: decode, choose, assess, count.

Faults are taken some at a time, as the ledger is asked about many as soon as about one. Whether the session came to a
fault before is asked of whoever knows all that it came to: this reader, where it reads all, or else whoever
coordinates it; what is to be counted then waits for the answer.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain

from botocore.exceptions import BotoCoreError, ClientError

from cncbops.errors import CncbopsError
from cncbops.faults.dead_letter import in_message
from cncbops.faults.decoding import decoded
from cncbops.faults.fault import ClaimCheck, Decoded, Fault, LakeLine, Nothing, Payload, Problem, Records
from cncbops.faults.resolving import Resolver, part_of
from cncbops.faults.unit import Unit
from cncbops.kinesis.record import Record
from cncbops.lake.lines import Block
from cncbops.lake.objects import ObjectUnreadable
from cncbops.request import ResubmitRequest
from cncbops.session.agenda import Item
from cncbops.session.candidates import Assessor, Candidates, Met, Reading, is_fetched
from cncbops.session.claims import Claims, claims_of
from cncbops.session.entry import Entry
from cncbops.session.fates import malformed, sent_before, settle, settle_usual
from cncbops.session.findings import Findings
from cncbops.session.memory import Seen
from cncbops.session.reading import Reader
from cncbops.session.usual_units import ReadDocument, UsualReader, UsualUnits

_AT_ONCE, _BYTES_AT_ONCE = 256, 4 * 1024 * 1024


@dataclass(slots=True)
class _Some:
    """What is given out together, of some faults that were read one after another.

    Units, part after part, and behind them what is to be assessed together. `bytes` are those of either.
    """

    units: list[Sequence[Unit]] = field(default_factory=list)
    met: list[Met] = field(default_factory=list)
    read: int = 0
    bytes: int = 0

    def wait(self, met: Met | None) -> None:
        """Count a fault in that is to be assessed, None if it is not meant."""
        self.read += 1
        if met:
            self.met.append(met)
            self.bytes += _size(met.fault)

    def add(self, units: Sequence[Unit], read: UsualUnits) -> None:
        """Add what is to be sent of units that were read, and count all of those in."""
        self.units.append(units)
        self.read += len(read.found)
        self.bytes += read.sums.size


class UnitReader(Reader):
    """Chooses the faults of one resubmit, and counts them by group.

    `seen` is what the session came to, where this reader reads all of it; else its claims are to be judged.
    """

    def __init__(
        self, request: ResubmitRequest, assessor: Assessor, resolver: Resolver, seen: Seen | None, chosen: int
    ) -> None:
        """`chosen` faults are so already, in earlier sessions."""
        self._request, self._assessor, self._resolver, self._seen = request, assessor, resolver, seen
        self._is_chosen, self._may_be_chosen = request.choice.test(), request.choice.test_unread()
        self._findings = Findings()
        self._usual = UsualReader(request, assessor)
        self._waiting: list[Candidates | UsualUnits] = []
        self._blocks = 0  # of the object that is being read, those that were begun
        self.chosen = chosen

    @property
    def is_at_limit(self) -> bool:
        """Whether as many faults are chosen as was asked for."""
        return self._request.limit is not None and self.chosen >= self._request.limit

    @property
    def _most_at_once(self) -> int:
        """How many faults may be assessed together: all of them may turn out to be chosen."""
        limit = self._request.limit
        return _AT_ONCE if limit is None else min(_AT_ONCE, limit - self.chosen)

    def read(self, item: Item, entry: Entry, blocks: Iterator[Block], findings: Findings) -> Iterator[Sequence[Unit]]:
        """The units of an object's faults, some at a time, no further than the limit needs."""
        self._findings = findings
        reading = Reading(item, entry)
        self.chosen -= entry.matched - entry.settled  # read before and not sent: to be chosen anew
        entry.matched = entry.settled
        some, blocks_begun = _Some(), 0
        broken: Exception | None = None
        try:
            for met in self._met(reading, self._counted(blocks)):
                if self._blocks > blocks_begun:
                    blocks_begun = self._blocks
                    yield from self._all_of(some)
                yield from self._given_out(met, some)
        except (ObjectUnreadable, CncbopsError, BotoCoreError, ClientError) as error:
            broken = error
        yield from self._all_of(some)  # they are counted, whatever comes behind them
        findings.touch(entry)
        if broken:
            raise broken

    def _counted(self, blocks: Iterator[Block]) -> Iterator[Block]:
        """Those of an object. What is read of one is given out together, so that portions end where blocks do.

        Which is where they end whether faults are read straight from lines or not.
        """
        for self._blocks, block in enumerate(blocks, 1):
            yield block

    def _given_out(self, met: Met | UsualUnits | None, some: _Some) -> Iterator[Sequence[Unit]]:
        """Add what is met to what is given out with it; or what is given out at once."""
        if isinstance(met, UsualUnits):
            yield from self._given_out_at_once(met, some)
        elif met and is_fetched(met.fault):
            # By itself: what follows is there also if this cannot be fetched.
            yield from self._all_of(some)
            yield self._units_of([met])
        else:
            some.wait(met)
            if len(some.met) >= self._most_at_once:
                self._assess(some)
            if some.bytes >= _BYTES_AT_ONCE:
                yield from self._all_of(some)

    def _given_out_at_once(self, met: UsualUnits, some: _Some) -> Iterator[Sequence[Unit]]:
        """The same of units; nearly always they are no more than may be added."""
        self._assess(some)
        met.take_places()
        self._leave_out(met.left_out, met.reading.entry)
        self._pass_over(met.others, met.reading.entry)
        some.read += met.left_out
        rest = met if met.found else None
        while rest:
            part, rest = rest.up_to(_BYTES_AT_ONCE - some.bytes)
            some.add(self._new_of(part), part)
            if some.bytes >= _BYTES_AT_ONCE:
                yield from self._all_of(some)

    def _new_of(self, part: UsualUnits) -> Sequence[Unit]:
        """The units of a part that were not delivered before, which is counted of the others."""
        new = part.without(part.delivered)
        self._findings.tally.faults.sent_before += list(part.delivered.values()).count(False)
        return self._judging(new, new.found)

    def _assess(self, some: _Some) -> None:
        """Make units of what waits for that."""
        met, some.met = some.met, []
        if met:
            some.units.append(self._units_of(met))

    def _all_of(self, some: _Some) -> Iterator[Sequence[Unit]]:
        """All that was read, if anything was; what is added later counts anew."""
        if some.read:
            self._assess(some)
            parts, some.units, some.read, some.bytes = some.units, [], 0, 0
            yield parts[0] if len(parts) == 1 else [*chain.from_iterable(parts)]

    def claims(self) -> Claims | None:
        """What has to be judged of what was read."""
        if self._seen:
            return None
        functions, self._assessor.found = self._assessor.found, {}
        return claims_of(self._waiting, functions)

    def judged(self, records: Sequence[Record], repeated: Sequence[int], findings: Findings) -> Sequence[Record]:
        """The units that are to be sent, once it is known which claims were made before; all is counted now."""
        if self._seen:
            return records
        waiting, self._waiting = self._waiting, []
        units, start = list[Sequence[Unit]](), 0
        for part in waiting:
            end = start + len(part.found)
            its = repeated[bisect_left(repeated, start) : bisect_left(repeated, end)]
            units.append(self._settled(part, [index - start for index in its], findings))
            start = end
        # Nearly always they are what was read, of which a new list takes as long as all this. Not all of it was given
        # out where what was read with it could not be assessed.
        is_what_was_read = not repeated and sum(map(len, units)) == len(records)
        return records if is_what_was_read else [*chain.from_iterable(units)]

    def _settled(self, part: Candidates | UsualUnits, repeated: Sequence[int], findings: Findings) -> Sequence[Unit]:
        if isinstance(part, UsualUnits):
            units = settle_usual(part, repeated, findings)
            self.chosen += len(units)
            return units
        units, chosen = settle(part.found, repeated, findings)
        self.chosen += chosen
        return units

    def _units_of(self, met: Sequence[Met]) -> Sequence[Unit]:
        """The units of some faults; where claims are to be judged, also of those that were claimed before."""
        candidates, delivered = self._assessor.assess(met)
        for each in delivered:
            sent_before(each, self._findings)
        units = [each.what for each in candidates if isinstance(each.what, Unit)]
        return self._judging(Candidates(candidates), units)

    def _judging(self, part: Candidates | UsualUnits, units: Sequence[Unit]) -> Sequence[Unit]:
        """The units of a part; where claims are to be judged, also of those that were claimed before."""
        if self._seen:
            return self._settled(part, self._seen.repeated(part.digests, part.shared), self._findings)
        self._waiting.append(part)
        return units

    def _met(self, reading: Reading, blocks: Iterator[Block]) -> Iterator[Met | UsualUnits | None]:
        """The faults that are meant, None for each other, which is counted; up to the limit, if there is one."""
        entry, stored_ms = reading.entry, int(reading.entry.object.last_modified.timestamp() * 1000)
        for read in self._read(reading, blocks):
            if isinstance(read, UsualUnits):
                self._count_read(reading, read.faults)
                yield read
                continue
            for line, part, fault, is_unread in self._faults(reading, *read):
                if self.is_at_limit:
                    entry.remains = True
                    return
                entry.pulled += 1
                self._count_read(reading, 1)
                moment_ms = stored_ms if fault.timestamp_ms is None else fault.timestamp_ms
                is_meant = self._is_meant(fault, moment_ms, entry, is_unread=is_unread)
                yield self._assessor.met(fault, reading, line, part, moment_ms) if is_meant else None

    def _count_read(self, reading: Reading, count: int) -> None:
        self._findings.tally.events.read += count
        reading.read += count
        reading.entry.read = max(reading.entry.read, reading.read)

    def _is_meant(self, fault: Fault, moment_ms: int, entry: Entry, *, is_unread: bool) -> bool:
        """Whether a fault is chosen, or may be, and was raised before the run."""
        if not (is_unread or self._is_chosen(fault)):
            self._leave_out(1, entry)
        elif moment_ms >= self._request.until_ms:
            self._findings.tally.faults.raised_since += 1
            entry.remains = True
        else:
            return True
        return False

    def _leave_out(self, faults: int, entry: Entry) -> None:
        """Count faults of an object that are not chosen."""
        if faults:
            self._findings.tally.faults.not_chosen += faults
            entry.remains = True

    def _pass_over(self, others: int, entry: Entry) -> None:
        """Count events of an object that are no faults."""
        if others:
            self._findings.tally.faults.others += others
            entry.remains = True

    def _faults(
        self, reading: Reading, line: int, document_part: int, found: Decoded
    ) -> Iterator[tuple[int, int, Fault, bool]]:
        """A document's faults with line and part, and whether they could not be read; all else counted and noted."""
        item, lines = reading.item, reading.item.lines
        if not isinstance(found, list) or not found:
            self._pass_by(reading, line, document_part, found)
            return
        opened = (each for fault in found for each in self._opened(fault, item))
        for index, (fault, is_unread) in enumerate(opened):
            part = part_of(document_part, index)
            if lines is None or (line, part) in lines:
                yield line, part, fault, is_unread

    def _pass_by(self, reading: Reading, line: int, part: int, found: Decoded) -> None:
        """Count a document without a fault; what is broken is noted, unless single lines are read."""
        reading.entry.remains = True
        if isinstance(found, list):
            self._pass_over(1, reading.entry)
        elif isinstance(found, Problem) and reading.item.lines is None:
            self._findings.tally.faults.broken += 1
            malformed(reading, line, part, None, (found.error, found.message), self._findings)

    def _read(self, reading: Reading, blocks: Iterator[Block]) -> Iterator[ReadDocument | UsualUnits]:
        """An object's documents; a dead letter is known by its message's attributes."""
        item = reading.item
        if item.content is not None:
            yield 1, 0, in_message(item.content, item.attributes)
        elif self._usual.applies(item):
            yield from self._usual.read(reading, blocks)
        else:
            yield from ((document.line, document.part, found) for document, found in decoded(blocks))

    def _opened(self, fault: Fault, item: Item) -> Iterator[tuple[Fault, bool]]:
        """The faults that a fault stands for, and whether they cannot be read, which says nothing of what they are."""
        if not isinstance(fault.unit, (ClaimCheck, LakeLine)) or not self._may_be_chosen(fault):
            yield fault, False
        else:
            for each in self._resolver.opened(fault, item.object):
                yield each, isinstance(each.unit, Nothing)


def _size(fault: Fault) -> int:
    """The bytes that are to be sent of a fault, as far as it holds them."""
    unit = fault.unit
    if isinstance(unit, Records):
        return sum([len(record.body) for record in unit.records])
    return len(unit.body) if isinstance(unit, Payload) else 0
