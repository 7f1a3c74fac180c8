"""What Lambda sets aside of asynchronous invocations, by the function's on-failure destination.

Source: AWS Lambda Developer Guide, "Capturing records of Lambda asynchronous invocations".
"""

from msgspec.structs import replace

from cncbops.faults.destination import described
from cncbops.faults.fault import Fault, Payload
from cncbops.faults.hints import Hints
from cncbops.faults.json_text import Fields, fields_in, text_in
from cncbops.faults.record import payload_records


def recognise(fields: Fields, _: Hints) -> bool:
    """Whether this tells of an asynchronous invocation."""
    return "requestContext" in fields and "requestPayload" in fields


def decode(fields: Fields, hints: Hints) -> list[Fault]:
    """The fault; none where the invocation succeeded, since that can be a destination's wish too."""
    if text_in(fields_in(fields["requestContext"]).get("condition")) == "Success":
        return []
    payload = bytes(fields["requestPayload"])
    records = payload_records(payload)
    types = [record.event_type for record in records] or [text_in(fields_in(payload).get("type"))]
    return [
        replace(
            described(fields, hints),
            event_types=tuple(dict.fromkeys(name for name in types if name)),
            unit=Payload(payload, records[0].source if records else "other", len(records) or 1),
        )
    ]
