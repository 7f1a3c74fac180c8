"""A message of a function's dead-letter queue: the invocation event as it was sent.

Its body tells nothing of the fault and its attributes not the function: that must come from the operator.
Source: AWS Lambda Developer Guide, "Adding a dead-letter queue".
"""

from collections.abc import Mapping

from cncbops.faults.decoding import decode_fault
from cncbops.faults.fault import Decoded, Fault, Payload, Problem
from cncbops.faults.json_text import NOT_JSON, check, fields_in, text_in
from cncbops.faults.record import payload_records


def is_dead_letter(attributes: Mapping[str, str]) -> bool:
    """Whether a message's attributes are those that Lambda gives to a dead letter."""
    return "RequestID" in attributes and "ErrorCode" in attributes


def in_message(body: bytes, attributes: Mapping[str, str]) -> Decoded:
    """The faults of a queue's message, as `decode_fault` gives those of other documents."""
    if not is_dead_letter(attributes):
        return decode_fault(body)
    try:
        return [decode_dead_letter(body, attributes)]
    except NOT_JSON as error:
        return Problem("NotJson", str(error))


def decode_dead_letter(body: bytes, attributes: Mapping[str, str]) -> Fault:
    """The fault of a message. Raises one of json_text.NOT_JSON where the body is no JSON."""
    check(body)
    records = payload_records(body)
    types = [record.event_type for record in records] or [text_in(fields_in(body).get("type"))]
    return Fault(
        id=attributes.get("RequestID") or None,
        function=None,
        error=attributes.get("ErrorCode", ""),
        message=attributes.get("ErrorMessage", ""),
        stack=None,
        pipeline=None,
        event_types=tuple(dict.fromkeys(name for name in types if name)),
        timestamp_ms=None,
        unit=Payload(body, records[0].source if records else "other", len(records) or 1),
    )
