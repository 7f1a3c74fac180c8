"""From the documents of an object to the units of work of its faults: decode, choose, assess, count.

Faults are taken some at a time, as the ledger is asked about many as soon as about one. Whether the session came to a
fault before is asked of whoever knows all that it came to: this reader, where it reads all, or else whoever
coordinates it; what is to be counted then waits for the answer.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from botocore.exceptions import BotoCoreError, ClientError

from cncbops.errors import CncbopsError
from cncbops.faults.dead_letter import in_message
from cncbops.faults.decoding import decoded
from cncbops.faults.documents import Document
from cncbops.faults.fault import ClaimCheck, Fault, LakeLine, Nothing, Payload, Problem, Records
from cncbops.faults.resolving import Resolver, part_of
from cncbops.faults.unit import Unit
from cncbops.kinesis.record import Record
from cncbops.lake.lines import Block
from cncbops.lake.objects import ObjectUnreadable
from cncbops.request import ResubmitRequest
from cncbops.session.agenda import Item
from cncbops.session.candidates import Assessor, Candidate, Met, Reading, is_fetched
from cncbops.session.claims import Claims, claims_of
from cncbops.session.entry import Entry
from cncbops.session.fates import malformed, settle
from cncbops.session.findings import Findings
from cncbops.session.memory import Seen
from cncbops.session.reading import Reader

_AT_ONCE, _BYTES_AT_ONCE = 256, 4 * 1024 * 1024


@dataclass(slots=True)
class _Some:
    """Faults that are assessed together, of some that were read one after another."""

    met: list[Met] = field(default_factory=list)
    read: int = 0
    bytes: int = 0

    @property
    def is_full(self) -> bool:
        return self.read >= _AT_ONCE or self.bytes >= _BYTES_AT_ONCE

    def add(self, met: Met | None) -> None:
        """Count a fault in, None if it is not meant."""
        self.read += 1
        if met:
            self.met.append(met)
            self.bytes += _size(met.fault)


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
        self._waiting: list[Candidate] = []
        self.chosen = chosen

    @property
    def is_at_limit(self) -> bool:
        """Whether as many faults are chosen as was asked for."""
        return self._request.limit is not None and self.chosen >= self._request.limit

    def read(self, item: Item, entry: Entry, blocks: Iterator[Block], findings: Findings) -> Iterator[Sequence[Unit]]:
        """The units of an object's faults, some at a time, no further than the limit needs."""
        self._findings = findings
        reading = Reading(item, entry)
        self.chosen -= entry.matched - entry.settled  # read before and not sent: to be chosen anew
        entry.matched = entry.settled
        some = _Some()
        broken: Exception | None = None
        try:
            for met in self._met(reading, blocks):
                if met and (is_fetched(met.fault) or self._request.limit is not None):
                    # One by one: what follows may be too much, and is there also if this cannot be fetched.
                    yield self._units_of(some)
                    some = _Some()
                    yield self._units_of(_Some([met]))
                    continue
                some.add(met)
                if some.is_full:
                    yield self._units_of(some)
                    some = _Some()
        except (ObjectUnreadable, CncbopsError, BotoCoreError, ClientError) as error:
            broken = error
        yield self._units_of(some)  # they are counted, whatever comes behind them
        findings.touch(entry)
        if broken:
            raise broken

    def claims(self) -> Claims | None:
        """What has to be judged of what was read."""
        if self._seen:
            return None
        functions, self._assessor.found = self._assessor.found, {}
        return claims_of([each.claim for each in self._waiting], functions)

    def judged(self, records: Sequence[Record], repeated: Sequence[int], findings: Findings) -> Sequence[Record]:
        """The units that are to be sent, once it is known which claims were made before; all is counted now."""
        if self._seen:
            return records
        waiting, self._waiting = self._waiting, []
        return self._settled(waiting, repeated, findings)

    def _settled(self, candidates: Sequence[Candidate], repeated: Sequence[int], findings: Findings) -> list[Unit]:
        units, chosen = settle(candidates, repeated, findings)
        self.chosen += chosen
        return units

    def _units_of(self, some: _Some) -> list[Unit]:
        """The units of some faults; where claims are to be judged, also of those that were claimed before."""
        if not some.met:
            return []
        candidates, sent_before = self._assessor.assess(some.met)
        self._findings.tally.faults.sent_before += sent_before
        if self._seen:
            repeated = self._seen.repeated([each.claim for each in candidates])
            return self._settled(candidates, repeated, self._findings)
        self._waiting += candidates
        return [each.what for each in candidates if isinstance(each.what, Unit)]

    def _met(self, reading: Reading, blocks: Iterator[Block]) -> Iterator[Met | None]:
        """The faults that are meant, None for each other, which is counted; up to the limit, if there is one."""
        entry, stored_ms = reading.entry, int(reading.entry.object.last_modified.timestamp() * 1000)
        for line, part, fault, is_unread in self._faults(reading, blocks):
            if self.is_at_limit:
                entry.remains = True
                return
            entry.pulled += 1
            self._findings.tally.events.read += 1
            reading.read += 1
            entry.read = max(entry.read, reading.read)
            moment_ms = stored_ms if fault.timestamp_ms is None else fault.timestamp_ms
            is_meant = self._is_meant(fault, moment_ms, entry, is_unread=is_unread)
            yield self._assessor.met(fault, reading, line, part, moment_ms) if is_meant else None

    def _is_meant(self, fault: Fault, moment_ms: int, entry: Entry, *, is_unread: bool) -> bool:
        """Whether a fault is chosen, or may be, and was raised before the run."""
        faults = self._findings.tally.faults
        if not (is_unread or self._is_chosen(fault)):
            faults.not_chosen += 1
        elif moment_ms >= self._request.until_ms:
            faults.raised_since += 1
        else:
            return True
        entry.remains = True
        return False

    def _faults(self, reading: Reading, blocks: Iterator[Block]) -> Iterator[tuple[int, int, Fault, bool]]:
        """The faults with line and part, and whether they could not be read; all else counted and noted."""
        item, lines = reading.item, reading.item.lines
        for document, found in _decoded(item, blocks):
            if isinstance(found, Problem):
                if lines is None:
                    self._findings.tally.faults.broken += 1
                    malformed(reading, document.line, document.part, None, (found.error, found.message), self._findings)
                continue
            if not found:
                self._findings.tally.faults.others += 1
                reading.entry.remains = True
            if lines is None and len(found) == 1 and type(found[0].unit) is Records:
                yield document.line, document.part, found[0], False  # by far the most, and the first of their documents
                continue
            opened = (each for fault in found for each in self._opened(fault, item))
            for index, (fault, is_unread) in enumerate(opened):
                part = part_of(document.part, index)
                if lines is None or (document.line, part) in lines:
                    yield document.line, part, fault, is_unread

    def _opened(self, fault: Fault, item: Item) -> Iterator[tuple[Fault, bool]]:
        """The faults that a fault stands for, and whether they cannot be read, which says nothing of what they are."""
        if not isinstance(fault.unit, (ClaimCheck, LakeLine)) or not self._may_be_chosen(fault):
            yield fault, False
        else:
            for each in self._resolver.opened(fault, item.object):
                yield each, isinstance(each.unit, Nothing)


def _decoded(item: Item, blocks: Iterator[Block]) -> Iterator[tuple[Document, list[Fault] | Problem]]:
    """An object's documents, each with what it is; a dead letter is known by its message's attributes."""
    if item.content is not None:
        yield Document(item.content, 1, 0), in_message(item.content, item.attributes)
        return
    yield from decoded(blocks)


def _size(fault: Fault) -> int:
    """The bytes that are to be sent of a fault, as far as it holds them."""
    unit = fault.unit
    if isinstance(unit, Records):
        return sum([len(record.body) for record in unit.records])
    return len(unit.body) if isinstance(unit, Payload) else 0
