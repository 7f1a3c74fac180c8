"""The tables of fault formats, and of what may stand around a fault, in the order in which they are tried.

A new format is one module with `recognise` and `decode`, and one line here. No document fits two.
"""

from collections.abc import Callable
from typing import NamedTuple

from cncbops.faults import async_destination, claim_check, failures_file, fault_event, stream_destination, wrappings
from cncbops.faults.fault import Aside, Fault
from cncbops.faults.hints import Hints
from cncbops.faults.json_text import Fields
from cncbops.formats.event import Bytes


class Family(NamedTuple):
    """A format of faults: how a document of it is told, and read."""

    name: str
    recognise: Callable[[Fields, Hints], bool]
    decode: Callable[[Fields, Hints], list[Fault] | Aside]


class Wrapping(NamedTuple):
    """What may stand around a fault: how it is told, and taken off. `unwrap` raises ValueError."""

    name: str
    recognise: Callable[[Fields], bool]
    unwrap: Callable[[Fields, Hints], tuple[Bytes, Hints]]


FAMILIES = (
    Family("stream-destination", stream_destination.recognise, stream_destination.decode),
    Family("async-destination", async_destination.recognise, async_destination.decode),
    Family("claim-check", claim_check.recognise, claim_check.decode),
    Family("fault-event", fault_event.recognise, fault_event.decode),
    Family("failures-file", failures_file.recognise, failures_file.decode),
)
WRAPPINGS = (
    Wrapping("firehose-error", wrappings.is_firehose_error, wrappings.of_firehose_error),
    Wrapping("lake-envelope", wrappings.is_lake_envelope, wrappings.of_lake_envelope),
    Wrapping("eventbridge", wrappings.is_eventbridge_event, wrappings.of_eventbridge_event),
    Wrapping("notification", wrappings.is_notification, wrappings.of_notification),
)
