"""What a reader of objects is: it turns an open object into the records that a session has to send.

Where that hangs on what was read elsewhere, a reader makes claims, and a register judges them for all readers.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

from cncbops.delivery.outcome import Undelivered
from cncbops.kinesis.batching import BatchLimits
from cncbops.kinesis.record import Record
from cncbops.lake.lines import Block
from cncbops.recipients import Recipient
from cncbops.session.agenda import Item
from cncbops.session.entry import Entry
from cncbops.session.findings import Findings

Claims = Any
"""What a reader makes and its register understands; it crosses between processes."""


class Reader(Protocol):
    """Chooses the records of objects, one object after another, and counts and notes all else.

    `chosen` is how much is chosen by now, in all sessions of the run.
    """

    chosen: int

    def read(self, item: Item, entry: Entry, blocks: Iterator[Block], findings: Findings) -> Iterator[Sequence[Record]]:
        """An object's records, a chunk at a time, as far as they have no fate. Raises what reading blocks raises."""

    def claims(self) -> Claims | None:
        """What was read since it was last asked, if whoever coordinates has to judge it before it is counted."""
        return None

    def judged(
        self,
        records: Sequence[Record],
        repeated: Sequence[int],  # noqa: ARG002  nothing was claimed
        findings: Findings,  # noqa: ARG002  all is counted
    ) -> Sequence[Record]:
        """What is to be sent of what was read since; `repeated` are the indices of claims that were made before."""
        return records

    @property
    def is_at_limit(self) -> bool:
        """Whether as much is chosen as was asked for."""


class Register:
    """Knows all that a session came to. For one thread, and claims in the order of the lake."""

    def repeated(self, claims: Claims) -> Sequence[int]:
        """The indices of what is not to be sent, as it was claimed before. Raises CannotRun."""
        raise NotImplementedError

    def meet(self, claims: Claims) -> Mapping[str, Recipient]:  # noqa: ARG002  none is
        """Take down which functions were found; those that are new here, by their name in the run."""
        return {}

    def count(self, findings: Findings) -> None:
        """Take down what was found."""


def too_large(record: Record, limits: BatchLimits) -> Undelivered:
    """A record that no invocation can carry."""
    message = f"{record.size:,} bytes as a record; an invocation carries {limits.single_payload_bytes:,}"
    return Undelivered(record, "RecordTooLarge", message)
