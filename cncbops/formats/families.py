"""The table of line formats, in the order in which they are recognised.

A new format is one module with `recognise` and `read`, and one line here.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import msgspec

from cncbops.formats import cookbook, eventbridge, firehose_error, raw
from cncbops.formats.event import Bytes, LakeEvent, NotAnEvent
from cncbops.native import hot


class Family(NamedTuple):
    """A format: its name on the command line, how its lines are told, and read.

    `read` is given a line's text, the line's number, from 1, and the text's place on it, from 0. The text may
    be a buffer, which changes once it is read: the event's data is then a view of it.

    `in_c`: where lines are usual, `cncbops.native.hot` reads many at once, as `read` would each of them.
    """

    name: str
    recognise: Callable[[Mapping[str, msgspec.Raw]], bool]
    read: Callable[[Bytes, int, int], LakeEvent]
    in_c: bool = False

    def __reduce__(self) -> tuple["Callable[[str], Family]", tuple[str]]:
        """By its name: where it is sent to, lines may be read without C."""
        return named, (self.name,)


FAMILIES = (
    Family("firehose-error", firehose_error.recognise, firehose_error.read),
    Family("envelope", cookbook.recognise, cookbook.read, in_c=bool(hot)),
    Family("eventbridge", eventbridge.recognise, eventbridge.read, in_c=bool(hot)),
    Family("raw", raw.recognise, raw.read, in_c=bool(hot)),
)
BY_NAME = {family.name: family for family in FAMILIES}

_fields_decoder = msgspec.json.Decoder(dict[str, msgspec.Raw])


def named(name: str) -> Family:
    """The format of a name on the command line. Raises KeyError if there is none."""
    return BY_NAME[name]


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
