"""What a reader of objects is: it turns an open object into the records that a session has to send."""

from collections.abc import Iterator, Sequence
from typing import Protocol

from cncbops.delivery.outcome import Undelivered
from cncbops.kinesis.batching import BatchLimits
from cncbops.kinesis.record import Record
from cncbops.lake.lines import Block
from cncbops.session.agenda import Item
from cncbops.session.entry import Entry
from cncbops.session.findings import Findings


class Reader(Protocol):
    """Chooses the records of objects, one object after another, and counts and notes all else."""

    def read(self, item: Item, entry: Entry, blocks: Iterator[Block], findings: Findings) -> Iterator[Sequence[Record]]:
        """An object's records, a chunk at a time, as far as they have no fate. Raises what reading blocks raises."""

    @property
    def is_at_limit(self) -> bool:
        """Whether as much is chosen as was asked for."""

    @property
    def chosen(self) -> int:
        """How much is chosen by now, in all sessions of the run."""


def too_large(record: Record, limits: BatchLimits) -> Undelivered:
    """A record that no invocation can carry."""
    message = f"{len(record.body):,} bytes as a record; an invocation carries {limits.single_payload_bytes:,}"
    return Undelivered(record, "RecordTooLarge", message)
