"""What became of a batch: each of its records has exactly one fate."""

from array import array
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import msgspec

from cncbops.delivery.answers import Answer, Kind
from cncbops.delivery.quoting import unquoted
from cncbops.errors import CncbopsError
from cncbops.kinesis.batching import Batch, Mark
from cncbops.kinesis.record import Record, Trace
from cncbops.native import hot
from cncbops.session.entry import ORDINAL_BITS, object_number


class Undelivered(msgspec.Struct, frozen=True):
    """A record that was not delivered, or may not have been, and why."""

    record: Record
    error: str
    message: str


class Calls(msgspec.Struct, gc=False):
    """Invocations made: total = succeeded + failed + throttled + unknown. A plan has the total alone.

    `retried` are those among them that sent a record again, be it in half of a batch; `bytes` is the payload sent.
    """

    total: int = 0
    succeeded: int = 0
    failed: int = 0
    throttled: int = 0
    unknown: int = 0
    retried: int = 0
    bytes: int = 0

    def count(self, kind: Kind, payload_bytes: int, *, repeats: bool) -> None:
        """Count one invocation and its answer."""
        self.total += 1
        self.bytes += payload_bytes
        self.retried += repeats
        if kind is Kind.TAKEN:
            self.succeeded += 1
        elif kind is Kind.THROTTLED:
            self.throttled += 1
        elif kind is Kind.UNKNOWN:
            self.unknown += 1
        else:
            self.failed += 1

    def add(self, other: "Calls") -> None:
        """Add another's counts to these."""
        self.total += other.total
        self.succeeded += other.succeeded
        self.failed += other.failed
        self.throttled += other.throttled
        self.unknown += other.unknown
        self.retried += other.retried
        self.bytes += other.bytes


class Outcome(msgspec.Struct):
    """The fates of a batch's records, the invocations it took, and whether the run must stop.

    `possible_duplicates` counts records that were sent again after an answer was lost.
    `refusal` is set where no further payload would be taken. `is_whole`: all of the batch was delivered, and
    `delivered` does not name it; `traces` are then what is remembered of it.
    """

    delivered: list[Record] = []
    failed: list[Undelivered] = []
    unknown: list[Undelivered] = []
    not_sent: list[Record] = []
    calls: Calls = msgspec.field(default_factory=Calls)
    possible_duplicates: int = 0
    refusal: CncbopsError | None = None
    is_whole: bool = False
    traces: Sequence[Trace] = ()

    def without_payloads(self, *, named: bool) -> "Outcome":
        """The same as what goes from where the records are; a batch delivered whole is `named` record by record."""
        told = Outcome(calls=self.calls, possible_duplicates=self.possible_duplicates, refusal=self.refusal)
        if named or self.failed or self.unknown or self.not_sent:
            told.delivered, told.not_sent = _bare(self.delivered), _bare(self.not_sent)
            told.failed, told.unknown = _bare_failures(self.failed), _bare_failures(self.unknown)
        else:
            told.is_whole, told.traces = True, traces_of(self.delivered)
        return told

    @property
    def tally(self) -> tuple[int, int]:
        """How many records are delivered, and how many failed or unknown."""
        return len(self.delivered), len(self.failed) + len(self.unknown)

    def fail(self, records: Sequence[Record], answer: Answer) -> None:
        """Set records aside as failed."""
        self.failed += _undelivered(records, answer)

    def doubt(self, records: Sequence[Record], answer: Answer) -> None:
        """Set records aside as unknown: the function may have had them."""
        self.unknown += _undelivered(records, answer)


def _undelivered(records: Sequence[Record], answer: Answer) -> list[Undelivered]:
    """Records and why they were not delivered, in words that do not quote them."""
    error, message = unquoted(answer.error, records), unquoted(answer.message, records)
    return [Undelivered(record, error, message) for record in records]


def traces_of(delivered: Sequence[Record]) -> Sequence[Trace]:
    """What is to be remembered of records, which are all of one kind."""
    return delivered[0].traces(delivered) if delivered else ()


def _bare(records: Sequence[Record]) -> list[Record]:
    return [record.bare() for record in records]


def _bare_failures(failures: Sequence[Undelivered]) -> list[Undelivered]:
    records = _bare([each.record for each in failures])
    return [Undelivered(record, each.error, each.message) for record, each in zip(records, failures, strict=True)]


class Waybill(msgspec.Struct, gc=False, eq=False):
    """What is known of a batch where its records are not: how many they are, and what becomes of the run by them.

    `batch` names it where its records are, at `place` of the executor (see `cncbops.execution`). `upto` and `holes` are
    of its `marks`. `objects` counts its records by their object's number. `places` are those of its records, in their
    order. `number` counts a session's batches from 0, in the order in which they are given out.
    """

    batch: tuple[int, int]
    lanes: tuple[int, ...]
    function: str
    weight: int
    payload_bytes: int
    upto: Sequence[int]
    holes: Mapping[int, frozenset[int]]
    is_canary: bool
    objects: Mapping[int, int]
    places: Sequence[int]
    place: int = 0
    number: int = 0

    @property
    def marks(self) -> Mapping[int, Mark]:
        """How far its lanes are once it is settled; without lanes there is one, of lane 0."""
        lanes, none = self.lanes or (0,), frozenset[int]()
        return {lane: Mark(upto, self.holes.get(lane, none)) for lane, upto in zip(lanes, self.upto, strict=True)}


def waybill_of(batch: Batch, name: tuple[int, int] = (0, 0)) -> Waybill:
    """The waybill of a batch."""
    return Waybill(
        name,
        batch.lanes,
        batch.function,
        batch.weight,
        batch.payload_bytes,
        batch.upto,
        batch.holes,
        batch.is_canary,
        by_object(batch.records),
        places_of(batch.records),
    )


def places_of(records: Sequence[Record]) -> "array[int]":
    """The places of records, in their order."""
    return array("q", hot.places(records) if hot else [record.place for record in records])


class Settled(NamedTuple):
    """A batch and what became of it."""

    batch: Waybill
    outcome: Outcome

    @property
    def delivered(self) -> Mapping[int, int]:
        """How many records were delivered, by their object's number."""
        return self.batch.objects if self.outcome.is_whole else by_object(self.outcome.delivered)


def by_object(records: Iterable[Record]) -> Mapping[int, int]:
    """How many records are of each object, by its number."""
    return hot.objects(records, ORDINAL_BITS) if hot else Counter(object_number(record.place) for record in records)
