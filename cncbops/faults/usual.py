"""The fault that most lines of a lake hold, read at once: of Kinesis records, whole, nothing compressed.

msgspec looks as it reads whether all is as usual. What is not, or might not be, is left to the careful way
(see `cncbops.faults.decoding`), and both ways find the same. So are events that are no faults, of which a
lake may hold many more.
"""

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import msgspec
from msgspec import UNSET, Raw, UnsetType

from cncbops.faults.compressed import MARK
from cncbops.faults.fault import Fault, FaultRecord, Records
from cncbops.faults.json_text import NOT_JSON
from cncbops.formats.event import Bytes, Text
from cncbops.formats.timestamp import Milliseconds

# How AWS and the cookbook's transform begin the line around an event. A line that begins otherwise is not usual.
_ENVELOPE_START, _EVENTBRIDGE_START = b'{"event":', b'{"version":'
_PACKED = "COMPRESSEDH4sI"


class _Envelope(msgspec.Struct, gc=False, rename="camel"):
    event: Raw
    firehose_record_metadata: Raw
    raw_data: Raw | UnsetType = UNSET


class _EventBridge(msgspec.Struct, gc=False, rename="camel"):
    detail: Raw
    detail_type: str = msgspec.field(name="detail-type")
    id: Text | None = None
    event: Raw | UnsetType = UNSET
    raw_data: Raw | UnsetType = UNSET


class _Tags(msgspec.Struct, gc=False):
    functionname: Text | None = None
    functionName: Text | None = None  # noqa: N815  the cookbook's spelling, the other is the library's
    pipeline: Text | None = None


class _Error(msgspec.Struct, gc=False):
    name: str | None = None
    message: str | None = None
    stack: str | None = None


class _Typed(msgspec.Struct, gc=False):
    type: Text | None = None


class _Part(msgspec.Struct, gc=False):
    record: Raw | UnsetType = UNSET
    event: _Typed | None = None
    pipeline: Text | None = None


class _PartOfBatch(_Part, gc=False):
    batch: None = None  # it may hold another batch, which is not usual


class _Work(_Part, gc=False):
    batch: list[_PartOfBatch] | None = None


class _FaultEvent(msgspec.Struct, gc=False, rename="camel", forbid_unknown_fields=True):
    type: Literal["fault"]
    timestamp: Milliseconds
    uow: _Work
    tags: _Tags | None = None
    err: _Error | None = None
    id: Text | None = None
    partition_key: Any = None


class _Kinesis(msgspec.Struct, gc=False, rename="camel"):
    partition_key: Text | None = None
    sequence_number: Text | None = None
    data: str | None = None


class _Record(msgspec.Struct, gc=False):
    kinesis: _Kinesis
    source: Literal["aws:kinesis"] = msgspec.field(name="eventSource")
    id: Text | None = msgspec.field(name="eventID", default=None)
    source_arn: Text | None = msgspec.field(name="eventSourceARN", default=None)
    detail_type: Raw | UnsetType = msgspec.field(name="detail-type", default=UNSET)


class _Event(msgspec.Struct, gc=False):
    """An event by itself, if it has none of the fields by which something else is told."""

    type: Text
    event: Raw | UnsetType = UNSET
    detail: Raw | UnsetType = UNSET
    rawData: Raw | UnsetType = UNSET  # noqa: N815
    Message: Raw | UnsetType = UNSET
    requestContext: Raw | UnsetType = UNSET  # noqa: N815

    @property
    def is_no_fault(self) -> bool:
        marks = (self.event, self.detail, self.rawData, self.Message, self.requestContext)
        return self.type != "fault" and all(mark is UNSET for mark in marks)


class _Sent(NamedTuple):
    """What a unit of work, or a part of one, says of what is sent."""

    records: tuple[FaultRecord, ...]
    event_types: tuple[str, ...]
    pipeline: str | None


_NO_TAGS, _NO_ERROR = _Tags(), _Error()
_decode_envelope = msgspec.json.Decoder(_Envelope).decode
_decode_eventbridge = msgspec.json.Decoder(_EventBridge).decode
_decode_fault = msgspec.json.Decoder(_FaultEvent).decode
_decode_event = msgspec.json.Decoder(_Event).decode
_decode_record = msgspec.json.Decoder(_Record).decode


def usual(document: bytes) -> list[Fault] | None:
    """The fault of a document, or none where it is another event; None where it is not as usual."""
    try:
        if not document.isascii():
            document.decode()
        if document.startswith(_ENVELOPE_START):
            envelope = _decode_envelope(document)
            return _in_event(envelope.event, None) if envelope.raw_data is UNSET else None
        if document.startswith(_EVENTBRIDGE_START):
            line = _decode_eventbridge(document)
            return _in_event(line.detail, line.id) if line.event is line.raw_data is UNSET else None
        return _in_event(document, None)
    except NOT_JSON:
        return None


def _in_event(event: Bytes, line_id: str | None) -> list[Fault] | None:
    try:
        fault = _decode_fault(event)
    except msgspec.ValidationError:
        return [] if _decode_event(event).is_no_fault else None
    return _whole(fault, line_id)


def _whole(fault: _FaultEvent, line_id: str | None) -> list[Fault] | None:
    work, tags, error = fault.uow, fault.tags or _NO_TAGS, fault.err or _NO_ERROR
    name, message, stack = error.name or "", error.message or "", error.stack or ""
    sent = _of_part(work) if work.batch is None else _of_batch(work.batch)
    if sent is None or name.startswith(_PACKED) or message.startswith(_PACKED) or stack.startswith(_PACKED):
        return None
    return [
        Fault(
            id=fault.id or line_id,
            function=named(tags.functionname) or named(tags.functionName),
            error=name,
            message=message,
            stack=stack or None,
            pipeline=named(tags.pipeline) or named(work.pipeline) or sent.pipeline,
            event_types=sent.event_types,
            timestamp_ms=fault.timestamp,
            unit=Records(sent.records),
        )
    ]


def _of_part(part: _Part) -> _Sent | None:
    body = b"" if part.record is UNSET else bytes(part.record)
    record = None if MARK in body or b"[" in body else _record(body)  # else something is compressed or redacted
    if record is None or part.event is None:  # without its event it may be trimmed
        return None
    event_type = part.event.type or record.event_type
    return _Sent((record,), (event_type,) if event_type else (), named(part.pipeline))


def _of_batch(parts: Sequence[_Part]) -> _Sent | None:
    """Of all parts together, each record once, as pipelines repeat them."""
    found = [sent for part in parts if (sent := _of_part(part))]
    if not found or len(found) < len(parts):
        return None
    records: dict[tuple[str | None, str | bytes], FaultRecord] = {}
    for (record,), _, _ in found:
        records.setdefault((record.source_arn, record.event_id or record.body), record)
    types = dict.fromkeys([name for sent in found for name in sent.event_types])
    pipeline = next(filter(None, [sent.pipeline for sent in found]), None)
    return _Sent(tuple(records.values()), tuple(types), pipeline)


def _record(body: bytes) -> FaultRecord | None:
    record = _decode_record(body)
    kinesis = record.kinesis
    shard, colon, _ = (record.id or "").partition(":")
    if record.detail_type is not UNSET:
        return None
    return FaultRecord(
        body,
        "kinesis",
        record.id,
        kinesis.partition_key,
        kinesis.sequence_number,
        shard if colon else None,
        record.source_arn,
        kinesis.data,
    )


def named(name: str | None) -> str | None:
    """A name, unless it says that there is none."""
    return None if name == "undefined" else name
