"""From faults to what is to become of each, as far as what else this session came to does not matter.

Which function it goes to, what is to be sent of it, and whether the ledger remembers it. What an earlier session of
the run gave a fate is not looked at again: a delivered fault is in the memory, and one that failed is among its
failures.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import chain, groupby
from typing import NamedTuple

from cncbops.errors import CncbopsError
from cncbops.faults.fault import Fault, LakeLine, Nothing, Payload, Records, StreamRange, Work
from cncbops.faults.identity import Identity, fault_digest, identity_of, parted
from cncbops.faults.resolving import Resolver
from cncbops.faults.routing import Routing
from cncbops.faults.unit import Place, Unit, to_unit
from cncbops.finding import Finder, Found
from cncbops.function_name import FunctionName
from cncbops.recipients import Recipient
from cncbops.request import ResubmitRequest
from cncbops.session.agenda import Item
from cncbops.session.entry import Entry
from cncbops.session.means import lasting_name
from cncbops.session.memory import History, Memory, Shared
from cncbops.session.reading import too_large

NO_RECORD = "NoRecord"
_MOST_NAMES = 10_000
_NO_FUNCTION = Found("", "", CncbopsError("the fault names no function", "Say it with --function"))


class Known(Enum):
    """Why nothing is sent of a fault that could be sent: a record of it went, or the fault has its fate in this run."""

    SETTLED = "it failed in an earlier session"
    SENT_FOR_ANOTHER = "the function had its records for another pipeline's fault"
    CAME_BACK = "the function as it is now had one of its records, and raised it"


class Flawed(NamedTuple):
    """Nothing can be sent of a fault, or not what the function was given."""

    error: str
    message: str


class Refused(NamedTuple):
    """A fault cannot be sent as things are: it fails, and may be redriven."""

    error: str
    message: str


@dataclass(slots=True)
class Reading:
    """An object of faults that is being read."""

    item: Item
    entry: Entry
    read: int = 0
    malformed: int = 0


@dataclass(slots=True)
class Met:
    """A fault that was met and is meant: where in its object, and when it was raised.

    `ordinal` is its number among the object's faults. `known_as` tells its function from all others for ever, `digest`
    is what the fault is remembered by.
    """

    fault: Fault
    reading: Reading
    line: int
    part: int
    ordinal: int
    moment_ms: int
    found: Found
    known_as: str
    digest: bytes

    @property
    def is_settled(self) -> bool:
        """Whether it failed in an earlier session."""
        settled = self.reading.item.settled
        return bool(settled) and (self.line, self.part) in settled

    @property
    def where(self) -> str:
        """Where it lies, for an operator."""
        return f"{self.reading.entry.object.uri}:{self.line}"


class Delivered(NamedTuple):
    """A fault that its function had before, be it from the run itself."""

    met: Met
    is_own: bool


class Candidate(NamedTuple):
    """A fault, and what is to become of it unless the session came to it, or to its records, before."""

    met: Met
    what: Unit | Flawed | Refused | Known
    is_sent_again: bool = False

    @property
    def shares(self) -> int:
        """How many records are to be sent of it that others may send, too."""
        return len(self.what.records) if isinstance(self.what, Unit) and self.what.pipeline else 0


class Candidates(NamedTuple):
    """Some that follow one another."""

    found: Sequence[Candidate]

    @property
    def digests(self) -> bytes:
        """Those of their faults, end to end."""
        return b"".join([each.met.digest for each in self.found])

    @property
    def shared(self) -> Sequence[Shared]:
        """The records of those that others may send, too."""
        indices = groupby(range(len(self.found)), lambda at: self.found[at].shares)
        return [self._shared(list(at)) for shares, at in indices if shares]

    def _shared(self, at: Sequence[int]) -> Shared:
        """The records of those at some indices, as many of each."""
        units = [what for index in at if isinstance(what := self.found[index].what, Unit)]
        records = chain.from_iterable(unit.records for unit in units)
        return Shared(at, b"".join(records), [unit.pipeline for unit in units])


class Assessor:
    """Assesses the faults of one resubmit at a place; `run` is the ledger's number of it, if it has one."""

    def __init__(
        self,
        request: ResubmitRequest,
        where: str,
        finder: Finder,
        resolver: Resolver,
        memory: Memory,
        emptiness: Callable[[], bool],
        run: int | None,
    ) -> None:
        """`where` tells the functions of this endpoint and region from those of others; `emptiness` is the memory's."""
        self._request, self._where, self._run = request, where, run
        self._finder, self._resolver, self._memory, self._emptiness = finder, resolver, memory, emptiness
        self._routing = Routing(request)
        self._known: dict[str | None, tuple[Found, str]] = {}
        self.found: dict[FunctionName, Found] = {}

    def met(self, fault: Fault, reading: Reading, line: int, part: int, moment_ms: int) -> Met:
        """A fault and its function. Raises CncbopsError if AWS cannot be asked about that."""
        found, known_as = self.function_of(fault)
        digest = fault_digest(fault, known_as)
        return Met(fault, reading, line, part, reading.entry.pulled - 1, moment_ms, found, known_as, digest)

    def function_of(self, fault: Fault) -> tuple[Found, str]:
        """The function that a fault goes to, and what tells that from all others for ever.

        Raises CncbopsError if AWS cannot be asked.
        """
        known = self._known.get(fault.function)
        if known is None:
            known = self._known[fault.function] = self._look(fault)
        return known

    def _look(self, fault: Fault) -> tuple[Found, str]:
        called = self._routing.of(fault)
        found = self._finder.find(called) if called else _NO_FUNCTION
        if called:
            self.found[called] = found
        if len(self._known) >= _MOST_NAMES:
            self._known.clear()
        return found, lasting_name(self._where, found.bare_name)

    def may_remember(self) -> bool:
        """Whether the ledger knew of any fault a moment ago."""
        return not self._emptiness()

    def remembers(self, both: tuple[bytes, bytes]) -> bool:
        """Whether the ledger knows any of these faults or records: the digests of either, end to end."""
        return self._memory.knows_any(both)

    def delivered(self, both: tuple[bytes, bytes]) -> Mapping[int, bool] | None:
        """Which of these faults their functions had, by index, and whether from this run. Their digests are end to end.

        None where more has to be weighed: they are to be sent again, or a record of others of them went before.
        """
        faults, records = map(parted, both)
        sent = self._memory.sent_by(faults)
        if sent and self._request.again:
            return None
        of_others = [record for fault, record in zip(faults, records, strict=True) if fault not in sent]
        if self._memory.history(of_others).knows_any:
            return None
        return {at: sent[fault] == self._run for at, fault in enumerate(faults) if fault in sent}

    def assess(self, met: Sequence[Met]) -> tuple[list[Candidate], list[Delivered]]:
        """What is to become of faults, but for those that were delivered before.

        Raises CncbopsError where AWS refuses what has to be fetched.
        """
        sent = self._memory.sent_by([each.digest for each in met])
        drafts: list[_Draft] = []
        delivered: list[Delivered] = []
        for each in met:
            run = sent.get(each.digest)
            if run is None or each.is_settled or (self._request.again and run != self._run):
                drafts.append(self._draft(each, is_sent_again=run is not None))
            else:
                delivered.append(Delivered(each, is_own=run == self._run))
        history = self._memory.history(
            [record for draft in drafts if draft.identity for record in draft.identity.records]
        )
        return [self._candidate(draft, history) for draft in drafts], delivered

    def _draft(self, met: Met, *, is_sent_again: bool) -> "_Draft":
        """What is to be sent of a fault, if its function takes it and there is something."""
        unit, recipient = met.fault.unit, met.found.recipient
        if met.is_settled:
            return _Draft(met, Known.SETTLED)
        if isinstance(unit, Nothing) or not met.fault.is_whole:
            return _Draft(met, _flawed(met.fault, unit), is_sent_again)
        if isinstance(recipient, CncbopsError):
            return _Draft(met, Refused("NotDeliverable", str(recipient)), is_sent_again)
        work = unit if type(unit) is Records else self._resolver.work_of(met.fault, recipient)
        if isinstance(work, Nothing):
            return _Draft(met, _flawed(met.fault, work), is_sent_again)
        return _Draft(met, work, is_sent_again, identity_of(met.digest, met.fault, work, met.known_as))

    def _candidate(self, draft: "_Draft", history: History) -> Candidate:
        met, what, identity, recipient = draft.met, draft.what, draft.identity, draft.met.found.recipient
        if isinstance(what, (Flawed, Refused, Known)):
            return Candidate(met, what, draft.is_sent_again)
        assert identity
        assert isinstance(recipient, Recipient)
        known = None if self._request.again else _known_by_records(met, identity.records, recipient, history)
        return Candidate(met, known or self._deliverable(met, what, identity, recipient), draft.is_sent_again)

    def _deliverable(
        self, met: Met, work: Records | Payload, identity: Identity, recipient: Recipient
    ) -> Unit | Refused:
        entry = met.reading.entry
        (number,) = entry.places(met.ordinal, 1)
        place = Place(entry.object, met.line, met.part, number)
        unit = to_unit(met.fault, work, place, met.found.name, identity)
        unit.is_alone = unit.is_alone or self._request.one_by_one
        if recipient.terms.limits.deliverable(unit):
            return unit
        refused = too_large(unit, recipient.terms.limits)
        return Refused(refused.error, refused.message)


@dataclass(slots=True)
class _Draft:
    """A fault whose records are known, if any are to be sent."""

    met: Met
    what: Records | Payload | Flawed | Refused | Known
    is_sent_again: bool = False
    identity: Identity | None = None


def _known_by_records(met: Met, records: Sequence[bytes], recipient: Recipient, history: History) -> Known | None:
    """Whether its records went in vain before, or went to the function for another pipeline's fault."""
    pipeline, sent_ms = met.fault.pipeline, history.last_sent_ms(records)
    if sent_ms is None:
        return None
    if pipeline and history.sent_for_another(records, pipeline, met.moment_ms):
        return Known.SENT_FOR_ANOTHER
    # To the function as it is now, which has raised this fault since.
    is_vain = met.moment_ms >= sent_ms and (recipient.target.deployed_ms or 0) <= sent_ms
    return Known.CAME_BACK if is_vain else None


def _flawed(fault: Fault, work: Work) -> Flawed:
    if isinstance(work, Nothing):
        return Flawed(NO_RECORD, work.reason)
    return Flawed("NotWhole", ", ".join(flaw for flaw in fault.flaws if flaw != "trimmed"))


def is_fetched(fault: Fault) -> bool:
    """Whether what a fault stands for lies elsewhere, and takes time to be fetched."""
    return isinstance(fault.unit, (StreamRange, LakeLine))
