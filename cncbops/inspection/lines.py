"""Events as lines of JSON, one event a line."""

from collections.abc import Sequence

from cncbops.formats.event import LakeEvent


def event_lines(events: Sequence[LakeEvent]) -> bytes:
    """Events as the lake holds them, a line each.

    A newline inside an event, as only a record that Firehose kept in base64 can have it, becomes a space: between
    the tokens of JSON both are white space, and inside a string neither may stand.
    """
    texts = [bytes(event.data) for event in events]
    if any(b"\n" in text for text in texts):
        texts = [text.replace(b"\n", b" ") for text in texts]
    return b"\n".join([*texts, b""])
