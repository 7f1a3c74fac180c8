"""What became of a batch: each of its records has exactly one fate."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from cncbops.delivery.answers import Answer, Kind
from cncbops.delivery.quoting import unquoted
from cncbops.errors import CncbopsError
from cncbops.kinesis.batching import Batch
from cncbops.kinesis.record import Record


@dataclass(frozen=True, slots=True)
class Undelivered:
    """A record that was not delivered, or may not have been, and why."""

    record: Record
    error: str
    message: str


@dataclass(slots=True)
class Calls:
    """Invocations made: total = succeeded + failed + throttled + unknown. A plan has the total alone.

    `retried` are those among them that sent a record again; `bytes` is the payload sent.
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
        self.succeeded += kind is Kind.TAKEN
        self.throttled += kind is Kind.THROTTLED
        self.unknown += kind is Kind.UNKNOWN
        self.failed += kind not in (Kind.TAKEN, Kind.THROTTLED, Kind.UNKNOWN)

    def add(self, other: "Calls") -> None:
        """Add another's counts to these."""
        for name in self.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))


@dataclass(slots=True)
class Outcome:
    """The fates of a batch's records, the invocations it took, and whether the run must stop.

    `possible_duplicates` counts records that were sent again after an answer was lost.
    `refusal` is set where no further payload would be taken.
    """

    delivered: list[Record] = field(default_factory=list)
    failed: list[Undelivered] = field(default_factory=list)
    unknown: list[Undelivered] = field(default_factory=list)
    not_sent: list[Record] = field(default_factory=list)
    calls: Calls = field(default_factory=Calls)
    possible_duplicates: int = 0
    refusal: CncbopsError | None = None

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


class Settled(NamedTuple):
    """A batch and what became of it."""

    batch: Batch
    outcome: Outcome
