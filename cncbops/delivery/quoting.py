"""Error messages without the event that they quote: `cannot parse {"id":...}` is common, and is kept for long.

A message and an event are compared without quotes, spaces and backslashes, which is all that the
ways differ in by which languages print data.
"""

import re
from collections.abc import Iterable

from cncbops.kinesis.record import Record

SHORTEST = 16
"""Characters in common that are taken for a quotation: shorter ones are words, or names of types."""

QUOTED = "[...]"
_LEFT_OUT = re.compile(r"[\s\"'`\\]")


def unquoted(message: str, records: Iterable[Record]) -> str:
    """The message, with what it quotes of these records' events left out."""
    if len(message) < SHORTEST:
        return message
    kept = [(place, character) for place, character in enumerate(message) if not _LEFT_OUT.match(character)]
    bare = "".join(character for _, character in kept)
    quoted = [False] * len(bare)
    for text in (text for record in records for text in record.texts()):
        _mark(quoted, bare, _LEFT_OUT.sub("", text.decode(errors="replace")))
    return _without(message, [place for (place, _), is_quoted in zip(kept, quoted, strict=True) if is_quoted])


def _mark(quoted: list[bool], bare: str, event: str) -> None:
    """Mark each run of SHORTEST characters of the message that the event holds too."""
    for start in range(len(bare) - SHORTEST + 1):
        if bare[start : start + SHORTEST] in event:
            quoted[start : start + SHORTEST] = [True] * SHORTEST


def _without(message: str, places: list[int]) -> str:
    """The message with everything from the first to the last character of each run of places left out."""
    if not places:
        return message
    pieces, before, start = [], 0, places[0]
    for last, following in zip(places, [*places[1:], None], strict=True):
        is_end = following is None or _LEFT_OUT.sub("", message[last + 1 : following])
        if is_end:
            pieces += [message[before:start], QUOTED]
            before = last + 1
            start = following if following is not None else before
    return "".join([*pieces, message[before:]])
