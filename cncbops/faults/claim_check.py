"""A fault that was too large for its bus: an event that names the object in which the fault lies.

It may say neither function nor error. Source: jgilbert01/aws-lambda-stream, src/sinks/claimcheck.js.
"""

from msgspec.structs import replace

from cncbops.faults.fault import ClaimCheck, Fault, Nothing
from cncbops.faults.fault_event import described, is_fault
from cncbops.faults.hints import Hints
from cncbops.faults.json_text import Fields, fields_in, text_in


def recognise(fields: Fields, hints: Hints) -> bool:
    """Whether an event is a fault without a unit of work, but with an object."""
    return is_fault(fields, hints) and "s3" in fields and "uow" not in fields


def decode(fields: Fields, hints: Hints) -> list[Fault]:
    """The fault, still to be fetched."""
    place = fields_in(fields["s3"])
    bucket, key = text_in(place.get("bucket")), text_in(place.get("key"))
    unit = ClaimCheck(bucket, key) if bucket and key else Nothing("the claim check names no object")
    return [replace(described(fields, hints), unit=unit)]
