"""A fault event with its unit of work: the cookbook's, and the author's later library's.

They differ in names only: the cookbook has no id and writes `functionName`, the library `functionname`
(the text `undefined` where it knows none) and a pipeline, and may set aside a batch. Sources:
DanteInc/js-cloud-native-cookbook ch8/handling-faults/handler.js; jgilbert01/aws-lambda-stream
src/faults/index.js, src/utils/uow.js.
"""

from collections.abc import Iterator

import msgspec
from msgspec.structs import replace

from cncbops.faults.compressed import LARGEST, Unreadable, inflated
from cncbops.faults.fault import Fault, FaultRecord, Flaw, Nothing, Payload, Records, Work
from cncbops.faults.hints import Hints
from cncbops.faults.json_text import Fields, elements_in, fields_in, starts_with, text_in, time_in, value_in
from cncbops.faults.record import read_record
from cncbops.formats.event import Bytes

_DEEPEST_BATCH = 8


def recognise(fields: Fields, hints: Hints) -> bool:
    """Whether an event is a fault that holds its unit of work, or should."""
    return is_fault(fields, hints) and ("uow" in fields or "s3" not in fields)


def is_fault(fields: Fields, hints: Hints) -> bool:
    """Whether an event is of the type `fault`."""
    return (text_in(fields.get("type")) or hints.type) == "fault"


def decode(fields: Fields, hints: Hints) -> list[Fault]:
    """The fault; one for each record of EventBridge, which are invocations of their own."""
    reading = _Reading()
    work = reading.fields(fields.get("uow"))
    records = reading.records(work)
    head = described(fields, hints)
    pipelines = (_unless_undefined(text_in(part.get("pipeline"))) for part in (work, *reading.parts))
    head = replace(
        head,
        pipeline=head.pipeline or next(filter(None, pipelines), None),
        event_types=tuple(reading.types),
        unit=Nothing(reading.why_nothing) if not records else head.unit,
        flaws=tuple(sorted(reading.flaws)),
    )
    return _faults(head, records) if records else [head]


def described(fields: Fields, hints: Hints) -> Fault:
    """What a fault event says beside its unit of work."""
    tags, error = (fields_in(_undone(fields.get(name))) for name in ("tags", "err"))
    time_ms = time_in(fields.get("timestamp"))
    functions = (_unless_undefined(text_in(tags.get(name))) for name in ("functionname", "functionName"))
    return Fault(
        id=text_in(fields.get("id")) or hints.id,
        function=next(filter(None, functions), None),
        error=_text(_undone(error.get("name"))) or "",
        message=_text(_undone(error.get("message"))) or "",
        stack=_text(_undone(error.get("stack"))),
        pipeline=_unless_undefined(text_in(tags.get("pipeline"))),
        event_types=(),
        timestamp_ms=hints.time_ms if time_ms is None else time_ms,
        unit=Nothing("the fault holds no record"),
    )


def _faults(head: Fault, records: list[FaultRecord]) -> list[Fault]:
    events = [record for record in records if record.source == "eventbridge"]
    others = tuple(record for record in records if record.source != "eventbridge")
    units: list[Work] = [
        *([Records(others)] if others else []),
        *(Payload(event.body, "eventbridge") for event in events),
    ]
    if len(units) == 1:
        return [replace(head, unit=units[0])]
    ids = (f"{head.id}#{number}" if head.id else None for number in range(1, len(units) + 1))
    return [replace(head, id=each, unit=unit) for each, unit in zip(ids, units, strict=True)]


_MOST_SAID = 16 * 1024 * 1024
"""Bytes that what is compressed may come to where nothing is sent from it: an event, what an error says."""


def _undone(document: msgspec.Raw | None) -> Bytes | None:
    """A value that nothing is sent from: where it cannot be read, or is too large, there is none."""
    try:
        return None if document is None else inflated(document, _MOST_SAID)
    except Unreadable:
        return None


def _unless_undefined(name: str | None) -> str | None:
    return None if name == "undefined" else name


def _text(document: Bytes | None) -> str | None:
    """A string as it is; what is none, as its JSON."""
    value = value_in(document)
    if document is None or value is None or isinstance(value, str):
        return value or None
    return bytes(document).decode()


def _event_type(part: Fields) -> str | None:
    return text_in(fields_in(_undone(part.get("event"))).get("type"))


class _Reading:
    """Reads a unit of work, undoes what is compressed, and notes what is wrong."""

    def __init__(self) -> None:
        self.flaws: set[Flaw] = set()
        self.types: dict[str, None] = {}  # each once, in their order
        self.parts: list[Fields] = []
        self.why_nothing = "the fault holds no record"
        self._room = LARGEST

    def value(self, document: msgspec.Raw | None) -> Bytes | None:
        if document is None:
            return None
        try:
            value = inflated(document, self._room)
        except Unreadable:
            self.flaws.add("compressed-unreadable")
            self.why_nothing = "what the fault holds is compressed and cannot be read"
            return None
        self._fill(document, value)
        return value

    def _fill(self, document: Bytes, value: Bytes) -> None:
        """Take room for what a document has become: small markers, one beside the other, may come to any size."""
        self._room -= max(0, len(memoryview(value)) - len(memoryview(document)))

    def fields(self, document: msgspec.Raw | None) -> Fields:
        return fields_in(self.value(document))

    def records(self, work: Fields) -> list[FaultRecord]:
        """The records of a unit of work, none of them twice."""
        self.parts = list(self._parts(work, 0))
        found = [record for part in self.parts if (record := self._record(part))]
        if found and all(set(part) <= {"record"} for part in self.parts):
            self.flaws.add("trimmed")
        if found and len(found) < len(self.parts):
            self.flaws.add("incomplete")
        distinct: dict[tuple[str | None, str | bytes], FaultRecord] = {}
        for record in found:
            distinct.setdefault((record.source_arn, record.event_id or record.body), record)
        return list(distinct.values())

    def _parts(self, work: Fields, depth: int) -> Iterator[Fields]:
        """The units of work that are no batch; a batch may hold batches, where pipelines group what they read."""
        if starts_with(work.get("batch", b"null"), b"null") or depth == _DEEPEST_BATCH:
            yield work
            return
        for part in elements_in(self.value(work["batch"])):
            yield from self._parts(self.fields(part), depth + 1)

    def _record(self, part: Fields) -> FaultRecord | None:
        document = self.value(part.get("record"))
        record, flaws = read_record(document, self._room) if document is not None else (None, set())
        if document is not None and record:
            self._fill(document, record.body)
        self.flaws |= flaws
        if "redacted" in flaws and not record:
            self.why_nothing = "the record was redacted by the function's library"
        event_type = _event_type(part) or (record.event_type if record else None)
        if event_type and event_type not in self.types and len(event_type) <= self._room:
            self.types[event_type] = None
            self._room -= len(event_type)
        return record
