"""From a document to the fault in it, whatever stands around the fault.

A document holds one fault; only a library's fault over several EventBridge events is several, since each
of those is an invocation of its own.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace

import msgspec

from cncbops.faults.documents import Document, read_documents
from cncbops.faults.families import FAMILIES, WRAPPINGS
from cncbops.faults.fault import Decoded, Problem
from cncbops.faults.hints import Hints
from cncbops.faults.json_text import NOT_JSON, Fields, fields_of, value_in
from cncbops.faults.usual import usual
from cncbops.formats.event import Bytes
from cncbops.lake.lines import Block

_DEEPEST_WRAPPING = 8
_UNWRAPPABLE = Problem("NotAFault", "what it should hold cannot be read")
_UNKNOWN = Problem("NotAFault", "a JSON object of no known fault format")


def decoded(blocks: Iterable[Block]) -> Iterator[tuple[Document, Decoded]]:
    """The documents of an object's blocks, each with its faults as `decode_fault` gives them."""
    for document, found in read_documents(blocks, usual):
        yield document, _carefully(document.text) if found is None else found


def decode_fault(document: Bytes) -> Decoded:
    """The faults of one document, in bytes or as a queue's message body in UTF-8.

    Empty if the document is something else that a lake or a destination holds: an event of another type,
    a success. Never raises, whatever the document is.
    """
    found = usual(bytes(document))
    return _carefully(document) if found is None else found


def _carefully(document: Bytes) -> Decoded:
    hints = Hints()
    for _ in range(_DEEPEST_WRAPPING):
        try:
            bytes(document).decode()
            fields = fields_of(document)
            wrapping = next((each for each in WRAPPINGS if each.recognise(fields)), None)
            if wrapping is None:
                return _decoded(fields, hints)
        except NOT_JSON as error:
            return _described(error, hints)
        try:
            document, hints = wrapping.unwrap(fields, hints)
        except ValueError:
            return _UNWRAPPABLE
        hints = replace(hints, is_wrapped=True)
    return Problem("NotAFault", "wrapped too many times")


def _decoded(fields: Fields, hints: Hints) -> Decoded:
    for family in FAMILIES:
        if family.recognise(fields, hints):
            return family.decode(fields, hints)
    is_event = isinstance(value_in(fields.get("type")), str) or hints.type is not None
    return [] if is_event else _UNKNOWN


def _described(error: Exception, hints: Hints) -> Decoded:
    if isinstance(error, msgspec.ValidationError):  # JSON, but no object
        is_other_event = hints.type not in (None, "fault")
        return [] if is_other_event else Problem("NotAFault", "JSON, but not an object")
    if isinstance(error, UnicodeDecodeError):
        return Problem("NotUtf8", f"invalid UTF-8 at byte {error.start + 1}")
    if isinstance(error, RecursionError):
        return Problem("NotJson", "JSON nested too deeply to be decoded")
    return Problem("NotJson", str(error))
