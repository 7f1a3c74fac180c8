"""The table of line formats, in the order in which they are recognised.

A new format is one module with `recognise` and `to_event`, and one line here.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import msgspec

from cncbops.formats import cookbook, eventbridge, firehose_error, raw
from cncbops.formats.event import LakeEvent, NotAnEvent


class Family(NamedTuple):
    """A format: its name on the command line, and how its lines are told, decoded and read."""

    name: str
    recognise: Callable[[Mapping[str, msgspec.Raw]], bool]
    decoder: msgspec.json.Decoder[Any]
    to_event: Callable[[Any, int, int], LakeEvent]


FAMILIES = (
    Family(
        "firehose-error",
        firehose_error.recognise,
        msgspec.json.Decoder(firehose_error.Line),
        firehose_error.to_event,
    ),
    Family("envelope", cookbook.recognise, msgspec.json.Decoder(cookbook.Envelope), cookbook.to_event),
    Family("eventbridge", eventbridge.recognise, msgspec.json.Decoder(eventbridge.Line), eventbridge.to_event),
    Family("raw", raw.recognise, msgspec.json.Decoder(msgspec.Raw), raw.to_event),
)
BY_NAME = {family.name: family for family in FAMILIES}

_fields_decoder = msgspec.json.Decoder(dict[str, msgspec.Raw])


def family_of(document: bytes) -> Family:
    """The format of one JSON document.

    Raises NotAnEvent if no format fits, msgspec.DecodeError if it is not JSON.
    """
    try:
        fields = _fields_decoder.decode(document)
    except msgspec.ValidationError:
        raise NotAnEvent("JSON, but not an object") from None
    for family in FAMILIES:
        if family.recognise(fields):
            return family
    raise NotAnEvent("a JSON object of no known line format")
