"""From the documents of an object to the units of work of its faults: decode, choose, route, fetch.

What an earlier session of the run gave a fate is not looked at again: a delivered fault is in the ledger's memory,
and one that failed is among its failures.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from botocore.exceptions import BotoCoreError, ClientError

from cncbops.errors import CncbopsError
from cncbops.faults.dead_letter import in_message
from cncbops.faults.decoding import decoded
from cncbops.faults.documents import Document
from cncbops.faults.fault import ClaimCheck, Fault, LakeLine, Nothing, Payload, Problem, Records, Work
from cncbops.faults.identity import Identity, fault_digest, identity_of
from cncbops.faults.resolving import part_of
from cncbops.faults.routing import Routing
from cncbops.faults.unit import Place, Unit, to_unit
from cncbops.finding import Found
from cncbops.lake.lines import Block
from cncbops.lake.objects import ObjectUnreadable
from cncbops.recipients import Recipient
from cncbops.session.agenda import Item
from cncbops.session.entry import Entry
from cncbops.session.findings import Findings
from cncbops.session.means import Means, here
from cncbops.session.memory import Memory, Seen
from cncbops.session.reading import too_large
from cncbops.tally import Failure

_CHUNK, _CHUNK_BYTES = 64, 4 * 1024 * 1024
_NO_FUNCTION = Found("", "", CncbopsError("the fault names no function", "Say it with --function"))


@dataclass(slots=True)
class _Reading:
    """An object of faults that is being read."""

    item: Item
    entry: Entry
    read: int = 0
    malformed: int = 0


@dataclass(slots=True)
class _Chunk:
    """The units of some of an object's faults, read one after another."""

    units: list[Unit] = field(default_factory=list)
    faults: int = 0
    bytes: int = 0

    @property
    def is_full(self) -> bool:
        return self.faults >= _CHUNK or self.bytes >= _CHUNK_BYTES

    def add(self, unit: Unit | None) -> None:
        """Count a fault in, and what is to be sent of it."""
        self.faults += 1
        if unit:
            self.units.append(unit)
            self.bytes += len(unit.body)


@dataclass(frozen=True, slots=True)
class _Met:
    """A fault that was met: where, when it was raised, and the digest that it is remembered by.

    `function` is the run's name of the function that it goes to, `known_as` tells that from all others for ever.
    """

    fault: Fault
    line: int
    part: int
    moment_ms: int
    function: str
    known_as: str
    digest: bytes


class UnitReader:
    """Chooses the faults of one resubmit, and counts them by group; `run` is the ledger's, if it has one."""

    def __init__(self, means: Means, memory: Memory, run: int | None, chosen: int) -> None:
        """`chosen` faults are so already, in earlier sessions."""
        self._means, self._request = means, means.request
        self._finder, self._resolver = means.finder, means.resolver
        self._memory, self._run = memory, run
        self._findings = Findings()
        self._where = here(means.aws)
        self._routing = Routing(means.request)
        self._is_chosen, self._may_be_chosen = means.request.choice.test(), means.request.choice.test_unread()
        self._seen = Seen()
        self.chosen = chosen

    @property
    def is_at_limit(self) -> bool:
        """Whether as many faults are chosen as was asked for."""
        return self._request.limit is not None and self.chosen >= self._request.limit

    def read(self, item: Item, entry: Entry, blocks: Iterator[Block], findings: Findings) -> Iterator[Sequence[Unit]]:
        """The units of an object's faults, some at a time, no further than the limit needs."""
        self._findings = findings
        reading = _Reading(item, entry)
        self.chosen -= entry.matched - entry.settled  # read before and not sent: to be chosen anew
        entry.matched = entry.settled
        chunk = _Chunk()
        broken: Exception | None = None
        try:
            for line, part, fault, is_unread in self._faults(reading, blocks):
                if self.is_at_limit:
                    entry.remains = True
                    break
                chunk.add(self._unit_of(fault, line, part, reading, is_unread=is_unread))
                if chunk.is_full:
                    yield chunk.units
                    chunk = _Chunk()
        except (ObjectUnreadable, CncbopsError, BotoCoreError, ClientError) as error:
            broken = error
        yield chunk.units  # they are counted, whatever comes behind them
        self._findings.touch(entry)
        if broken:
            raise broken

    def _faults(self, reading: _Reading, blocks: Iterator[Block]) -> Iterator[tuple[int, int, Fault, bool]]:
        """The faults with line and part, and whether they could not be read; all else counted and noted."""
        item, lines = reading.item, reading.item.lines
        for document, found in _decoded(item, blocks):
            if isinstance(found, Problem):
                if lines is None:
                    self._findings.tally.faults.broken += 1
                    self._malformed(reading, document.line, document.part, None, found.error, found.message)
                continue
            if not found:
                self._findings.tally.faults.others += 1
                reading.entry.remains = True
            opened = (each for fault in found for each in self._opened(fault, item))
            for index, (fault, is_unread) in enumerate(opened):
                part = part_of(document.part, index)
                if lines is None or (document.line, part) in lines:
                    yield document.line, part, fault, is_unread

    def _opened(self, fault: Fault, item: Item) -> Iterator[tuple[Fault, bool]]:
        """The faults that a fault stands for, and whether they cannot be read, which says nothing of what they are."""
        stands_for_others = isinstance(fault.unit, ClaimCheck | LakeLine)
        if stands_for_others and not self._may_be_chosen(fault):
            yield fault, False
            return
        for each in self._resolver.opened(fault, item.object):
            yield each, stands_for_others and isinstance(each.unit, Nothing)

    def _unit_of(self, fault: Fault, line: int, part: int, reading: _Reading, *, is_unread: bool) -> Unit | None:
        """What is to be sent of a fault; None, with the reason counted, if nothing is."""
        entry = reading.entry
        entry.pulled += 1
        self._findings.tally.events.read += 1
        reading.read += 1
        entry.read = max(entry.read, reading.read)
        stored_ms = int(entry.object.last_modified.timestamp() * 1000)
        moment_ms = stored_ms if fault.timestamp_ms is None else fault.timestamp_ms
        if not self._is_meant(fault, moment_ms, entry, is_unread=is_unread):
            return None
        called = self._routing.of(fault)
        found = self._finder.find(called) if called else _NO_FUNCTION
        met = self._met(fault, line, part, moment_ms, found)
        if self._is_done_with(met, reading):
            return None
        if isinstance(fault.unit, Nothing) or not fault.is_whole:
            self._note_flawed(met, fault.unit, reading)
        elif isinstance(found.recipient, CncbopsError):
            self._fail(met, "NotDeliverable", str(found.recipient), entry)
        else:
            return self._unit_for(met, found.recipient, reading)
        return None

    def _unit_for(self, met: _Met, recipient: Recipient, reading: _Reading) -> Unit | None:
        """What is to be sent of a fault to a function that takes it."""
        work = self._resolver.work_of(met.fault, recipient)
        if isinstance(work, Nothing):
            self._note_flawed(met, work, reading)
            return None
        identity = identity_of(met.digest, met.fault, work, met.known_as)
        if self._is_known_by_its_records(met, identity, recipient, reading.entry):
            return None
        return self._deliverable(met, work, identity, recipient, reading.entry)

    def _met(self, fault: Fault, line: int, part: int, moment_ms: int, found: Found) -> _Met:
        known_as = f"{self._where}\0{found.bare_name}"
        digest = fault_digest(fault, known_as)
        return _Met(fault, line, part, moment_ms, found.name, known_as, digest)

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

    def _is_done_with(self, met: _Met, reading: _Reading) -> bool:
        """Whether the fault was sent before, or has a fate in this run."""
        faults, is_new = self._findings.tally.faults, self._seen.add(met.digest)
        if (met.line, met.part) in reading.item.settled:
            return True
        sent_by = self._memory.sent_by(met.digest)
        if sent_by is not None and not (self._request.again and sent_by != self._run):
            faults.sent_before += sent_by != self._run
            return True
        faults.repeated += not is_new
        faults.sent_again += is_new and sent_by is not None
        return not is_new

    def _is_known_by_its_records(self, met: _Met, identity: Identity, recipient: Recipient, entry: Entry) -> bool:
        """Whether its records went in vain before, or go, or went, to the function for another pipeline's fault."""
        faults, pipeline = self._findings.tally.faults, met.fault.pipeline
        if not self._request.again:
            if pipeline and self._memory.sent_for_another(identity.records, pipeline, met.moment_ms):
                faults.sent_before += 1
                return True
            if self._came_back(met, identity, recipient):
                faults.came_back += 1
                self._means.came_back.add(met.fault, f"{entry.object.uri}:{met.line}")
                entry.remains = True
                return True
        met_before = [self._seen.for_another(record, pipeline) for record in identity.records] if pipeline else []
        is_repeated = bool(met_before) and all(met_before)
        faults.repeated += is_repeated
        return is_repeated

    def _came_back(self, met: _Met, identity: Identity, recipient: Recipient) -> bool:
        """Whether one of its records was sent before, to the function as it is now, and raised this fault since."""
        sent_ms = self._memory.last_sent_ms(identity.records)
        return sent_ms is not None and met.moment_ms >= sent_ms and (recipient.target.deployed_ms or 0) <= sent_ms

    def _deliverable(
        self, met: _Met, work: Records | Payload, identity: Identity, recipient: Recipient, entry: Entry
    ) -> Unit | None:
        (number,) = entry.places(entry.pulled - 1, 1)
        unit = to_unit(met.fault, work, Place(entry.object, met.line, met.part, number), met.function, identity)
        unit.is_alone = unit.is_alone or self._request.one_by_one
        if not recipient.terms.limits.deliverable(unit):
            refused = too_large(unit, recipient.terms.limits)
            self._fail(met, refused.error, refused.message, entry)
            return None
        self._count(met, entry)
        self._findings.tally.share_of(met.function).records += unit.weight
        return unit

    def _fail(self, met: _Met, error: str, message: str, entry: Entry) -> None:
        """Take a fault down that cannot be sent as things are: it failed, and may be redriven."""
        self._count(met, entry)
        self._findings.fail(entry, 1)
        self._findings.tally.events.failed += 1
        self._findings.tally.share_of(met.function).failed += 1
        failure = Failure(entry.object.uri, met.line, met.part, met.fault.id, None, "failed", error, message)
        self._findings.note(entry, [failure])

    def _count(self, met: _Met, entry: Entry) -> None:
        tally, fault = self._findings.tally, met.fault
        share = tally.share_of(met.function)
        share.matched += 1
        share.newest_ms = max(share.newest_ms or 0, met.moment_ms)
        tally.count_sent([fault.event_type], [met.moment_ms])
        self._means.groups.add(fault, f"{entry.object.uri}:{met.line}")
        self.chosen += 1
        entry.matched += 1

    def _note_flawed(self, met: _Met, work: Work, reading: _Reading) -> None:
        """Take a fault down of which nothing can be sent, or not what the function was given."""
        faults = self._findings.tally.faults
        if isinstance(work, Nothing):
            faults.without_record += 1
            error, message = "NoRecord", work.reason
        else:
            faults.not_whole += 1
            error, message = "NotWhole", ", ".join(flaw for flaw in met.fault.flaws if flaw != "trimmed")
        self._malformed(reading, met.line, met.part, met.fault.id, error, message)

    def _malformed(
        self, reading: _Reading, line: int, part: int, fault_id: str | None, error: str, message: str
    ) -> None:
        entry = reading.entry
        self._findings.tally.events.malformed += 1
        reading.malformed += 1
        entry.malformed = max(entry.malformed, reading.malformed)
        entry.remains = True
        failure = Failure(entry.object.uri, line, part, fault_id, None, "malformed", error, message)
        self._findings.note(entry, [failure])


def _decoded(item: Item, blocks: Iterator[Block]) -> Iterator[tuple[Document, list[Fault] | Problem]]:
    """An object's documents, each with what it is; a dead letter is known by its message's attributes."""
    if item.content is not None:
        yield Document(item.content, 1, 0), in_message(item.content, item.attributes)
        return
    yield from decoded(blocks)
