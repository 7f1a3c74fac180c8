"""A fault: the function that raised it, why, and the unit of work to be sent again, whole.

The JSON in a unit is that of the fault's document byte for byte, never rebuilt from parsed values.
"""

from dataclasses import dataclass
from typing import Literal

from cncbops.errors import BadInput
from cncbops.function_name import FunctionName, parse_function

EventSource = Literal["kinesis", "dynamodb", "sqs", "s3", "sns", "eventbridge", "other"]
# trimmed: the publisher kept nothing but the records, to save room; those are whole.
# redacted: the library put a mark ([REDACTED], [CIRCULAR], [BUFFER: n]...) in place of a record or a part of one.
# incomplete: a part of a batch came without its record.
# compressed-unreadable: a COMPRESSED marker that could not be undone.
Flaw = Literal["trimmed", "redacted", "incomplete", "compressed-unreadable"]


@dataclass(frozen=True, slots=True)
class FaultRecord:
    """One element of `Records` as the function was given it.

    `partition_key` is what orders records: of a Kinesis record its own, of a table's the item's `Keys`,
    of a FIFO queue's the message group. `event_id` is the record's `eventID`, or its message id.
    """

    body: bytes
    source: EventSource
    event_id: str | None = None
    partition_key: str | None = None
    sequence_number: str | None = None
    shard_id: str | None = None
    source_arn: str | None = None
    event_type: str | None = None


@dataclass(frozen=True, slots=True)
class Records:
    """Sent as `{"Records":[...]}`, in this order, none of them twice; never empty."""

    records: tuple[FaultRecord, ...]


@dataclass(frozen=True, slots=True)
class Payload:
    """A whole invocation event, sent alone and as it is. `count` is how many records it holds, or 1."""

    body: bytes
    source: EventSource
    count: int = 1


@dataclass(frozen=True, slots=True)
class StreamRange:
    """Records still to be fetched from their stream: a shard's, from `first` to `last`, both included.

    `batch_size` of them were sent to the function; what its filters kept from it lies in the range too.
    """

    stream_arn: str
    shard_id: str
    first: str
    last: str
    batch_size: int | None
    first_arrival_ms: int | None
    last_arrival_ms: int | None

    @property
    def source(self) -> EventSource:
        """`dynamodb` for a table's stream, which nobody else can fetch from in the same way."""
        return "dynamodb" if self.stream_arn.split(":")[2:3] == ["dynamodb"] else "kinesis"


@dataclass(frozen=True, slots=True)
class ClaimCheck:
    """The fault was too large for its bus: its document is this object, to be fetched and decoded."""

    bucket: str
    key: str


@dataclass(frozen=True, slots=True)
class LakeLine:
    """What an earlier run of this tool could not deliver, still to be read: one document of an object.

    `line` counts from 1, `part` from 0 on it. It is an event of a lake, or a fault where that run was of faults.
    """

    uri: str
    line: int
    part: int


@dataclass(frozen=True, slots=True)
class Nothing:
    """There is nothing to send, and why."""

    reason: str


Work = Records | Payload | StreamRange | ClaimCheck | LakeLine | Nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One fault. `function` is as the fault names it: a name or an ARN, perhaps with a qualifier.

    `event_types` are those of the failed events, each once, in their order.
    """

    id: str | None
    function: str | None
    error: str
    message: str
    stack: str | None
    pipeline: str | None
    event_types: tuple[str, ...]
    timestamp_ms: int | None
    unit: Work
    flaws: tuple[Flaw, ...] = ()

    @property
    def key(self) -> str | None:
        """What tells this fault from all others; None where only its place does."""
        return self.id

    @property
    def event_type(self) -> str | None:
        """The type of the failed event, of a batch the first one's."""
        return self.event_types[0] if self.event_types else None

    @property
    def called(self) -> FunctionName | None:
        """The function, taken apart; None where the fault names none, or what can be none."""
        try:
            return parse_function(self.function) if self.function else None
        except BadInput:
            return None

    @property
    def is_whole(self) -> bool:
        """Whether the unit is what the function was given, as far as the fault tells."""
        return not set(self.flaws) - {"trimmed"}


@dataclass(frozen=True, slots=True)
class Problem:
    """A document that is no fault, though it should be one: why, never what it says."""

    error: Literal["NotJson", "NotUtf8", "NotAFault"]
    message: str
