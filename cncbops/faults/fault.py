"""A fault: the function that raised it, why, and the unit of work to be sent again, whole.

The JSON in a unit is that of the fault's document byte for byte, never rebuilt from parsed values.
"""

from typing import Literal

import msgspec

from cncbops.errors import BadInput
from cncbops.faults.json_text import base64_in, type_in
from cncbops.function_name import FunctionName, parse_function

EventSource = Literal["kinesis", "dynamodb", "sqs", "s3", "sns", "eventbridge", "other"]
# trimmed: the publisher kept nothing but the records, to save room; those are whole.
# redacted: the library put a mark ([REDACTED], [CIRCULAR], [BUFFER: n]...) in place of a record or a part of one.
# incomplete: a part of a batch came without its record.
# compressed-unreadable: a COMPRESSED marker that could not be undone.
Flaw = Literal["trimmed", "redacted", "incomplete", "compressed-unreadable"]


class FaultRecord(msgspec.Struct, frozen=True, gc=False):
    """One element of `Records` as the function was given it.

    `partition_key` is what orders records: of a Kinesis record its own, of a table's the item's `Keys`,
    of a FIFO queue's the message group. `event_id` is the record's `eventID`, or its message id. `data` is
    the event in a Kinesis record, in base64; `said_type` its type, where another source's record says it.
    """

    body: bytes
    source: EventSource
    event_id: str | None = None
    partition_key: str | None = None
    sequence_number: str | None = None
    shard_id: str | None = None
    source_arn: str | None = None
    data: str | None = None
    said_type: str | None = None

    @property
    def event_type(self) -> str | None:
        """The event's type. That of a Kinesis record is looked up here: the fault mostly says it, too."""
        return type_in(base64_in(self.data)) if self.source == "kinesis" else self.said_type


class Records(msgspec.Struct, frozen=True, gc=False):
    """Sent as `{"Records":[...]}`, in this order, none of them twice; never empty."""

    records: tuple[FaultRecord, ...]


class Payload(msgspec.Struct, frozen=True, gc=False):
    """A whole invocation event, sent alone and as it is. `count` is how many records it holds, or 1."""

    body: bytes
    source: EventSource
    count: int = 1


class StreamRange(msgspec.Struct, frozen=True, gc=False):
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


class ClaimCheck(msgspec.Struct, frozen=True, gc=False):
    """The fault was too large for its bus: its document is this object, to be fetched and decoded."""

    bucket: str
    key: str


class LakeLine(msgspec.Struct, frozen=True, gc=False):
    """What an earlier run of this tool could not deliver, still to be read: one document of an object.

    `line` counts from 1, `part` from 0 on it. It is an event of a lake, or a fault where that run was of faults: the
    one with that id, else that sequence number, where one is known, as the object may have changed.
    """

    uri: str
    line: int
    part: int
    event_id: str | None = None
    sequence_number: str | None = None

    @property
    def is_in_s3(self) -> bool:
        """Whether it is in S3, and not on this machine."""
        return self.uri.startswith("s3://")

    def names(self, event_id: str | None, sequence_number: str | None) -> bool:
        """Whether what has this id and this sequence number is what failed, as far as that can be known."""
        if self.event_id is not None:
            return event_id == self.event_id
        return self.sequence_number in (None, sequence_number)


class Nothing(msgspec.Struct, frozen=True, gc=False):
    """There is nothing to send, and why."""

    reason: str


Work = Records | Payload | StreamRange | ClaimCheck | LakeLine | Nothing


class Fault(msgspec.Struct, frozen=True, gc=False, kw_only=True):
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
        return not self.flaws or not set(self.flaws) - {"trimmed"}


class Problem(msgspec.Struct, frozen=True, gc=False):
    """A document that is no fault, though it should be one: why, never what it says."""

    error: Literal["NotJson", "NotUtf8", "NotAFault"]
    message: str


class Aside(msgspec.Struct, frozen=True, gc=False):
    """A document that goes with faults and is none: what a report of a run tells beside its open failures."""


Decoded = list[Fault] | Problem | Aside
"""What a document holds; no fault at all where it is an event of another type, or tells of a success."""
