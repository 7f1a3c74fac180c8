"""The events of a chunk as lines of JSON, one event a line.

    event_lines      the event as the lake holds it
    document_lines   all of what it was read from: an envelope, an EventBridge event, a Firehose error record
    record_lines     the Kinesis record that a replay makes of it

The bytes are the lake's. Only a newline inside an event, which Firehose's base64 may hold, becomes a space: it can
stand between the tokens of JSON alone, where both are white space. A record holds such an event unchanged.
"""

from collections.abc import Sequence

from cncbops.formats.decoding import documents_of
from cncbops.formats.event import Bytes
from cncbops.inspection.reading import Chunk
from cncbops.kinesis.record import RecordSource, to_records


def event_lines(chunk: Chunk) -> bytes:
    """The events, each with its newline."""
    texts = [event.data for event in chunk.events]
    lines = _lines(texts)
    return lines if lines.count(b"\n") == len(texts) else _lines([on_one_line(text) for text in texts])


def document_lines(chunk: Chunk) -> bytes:
    """What each event was read from: the whole line, or of a line that holds several documents its own."""
    return _lines(documents_of(chunk.block, chunk.events))


def record_lines(chunk: Chunk, source: RecordSource) -> bytes:
    """The elements of `Records` that a function would get."""
    records = to_records(chunk.events, [0] * len(chunk.events), chunk.origin, source)
    return _lines([record.body for record in records])


def on_one_line(event: Bytes) -> bytes:
    """An event without newlines."""
    return bytes(event).replace(b"\n", b" ")


def _lines(texts: Sequence[Bytes]) -> bytes:
    return b"\n".join([*texts, b""])
