"""Faults as data: what `cncbops faults` shows and prints as JSON.

Errors and messages are masked wherever they are told. Of the unit of work nothing but its kind and size is
told, save by `whole_fault`, whose events are JSON texts: as they are masked, or byte for byte as they are.
"""

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cncbops.faults.compressed import undone
from cncbops.faults.fault import (
    ClaimCheck,
    FaultRecord,
    LakeLine,
    Nothing,
    Payload,
    Records,
    StreamRange,
    Work,
)
from cncbops.faults.grouping import Group, fingerprint, function_name
from cncbops.faults.json_text import NOT_JSON, check, fields_in, text_in
from cncbops.faults.masking import masked, masked_text
from cncbops.faults.reading import FaultCounts, Found
from cncbops.faults.record import payload_records
from cncbops.reports.summary import iso

_BYTES_SHOWN = 48
_CANNOT_BE_SHOWN = "(cannot be shown masked: a number in it is not JSON)"


def facts_of(found: Found) -> dict[str, Any]:
    """A fault in a few words: a line of `faults ls`."""
    fault = found.fault
    return {
        "time": iso(fault.timestamp_ms),
        "function": function_name(fault),
        "pipeline": fault.pipeline,
        "error": masked_text(fault.error),
        "message": masked_text(fault.message),
        "event_types": list(fault.event_types),
        "id": fault.id,
        "fingerprint": fingerprint(fault),
        "unit": unit_facts(fault.unit),
        "flaws": list(fault.flaws),
        "object": found.object.uri,
        "line": found.document.line,
        "part": found.document.part,
        "place": found.place,
    }


def unit_facts(unit: Work) -> dict[str, Any]:
    """What would be sent again, by its `kind`; never what it says."""
    match unit:
        case Records(records):
            sources = list(dict.fromkeys(record.source for record in records))
            return {"kind": "records", "sources": sources, "records": len(records)}
        case Payload(body, source, count):
            return {"kind": "payload", "sources": [source], "records": count, "bytes": len(body)}
        case StreamRange():
            return {
                "kind": "stream-range",
                "stream": unit.stream_arn,
                "shard": unit.shard_id,
                "first": unit.first,
                "last": unit.last,
                "records": unit.batch_size,
            }
        case ClaimCheck(bucket, key):
            return {"kind": "claim-check", "object": f"s3://{bucket}/{key}"}
        case LakeLine(uri, line, part):
            return {"kind": "lake-line", "object": uri, "line": line, "part": part}
        case Nothing(reason):
            return {"kind": "nothing", "reason": reason}


def group_facts(group: Group) -> dict[str, Any]:
    """A group of faults: a row of `faults stats`."""
    example = group.example
    return {
        "fingerprint": group.fingerprint,
        "count": group.count,
        "function": group.function,
        "pipeline": group.pipeline,
        "error": masked_text(group.error),
        "shape": masked_text(group.shape),
        "first": iso(group.first_ms),
        "last": iso(group.last_ms),
        "example": {"id": example.id, "place": example.place, "message": masked_text(example.message)},
    }


def count_facts(counts: FaultCounts) -> dict[str, Any]:
    """What was met on the way."""
    objects = counts.objects
    return {
        "objects": {name: getattr(objects, name) for name in ("listed", "read", "skipped", "failed", "bytes")},
        **{name: getattr(counts, name) for name in ("faults", "chosen", "others", "broken", "without_record")},
        "not_whole": counts.not_whole,
    }


@dataclass(frozen=True, slots=True)
class ShownEvent:
    """What a function was given, or a part of it: `about` it in a few facts, and its `text` in JSON."""

    about: dict[str, str | None]
    text: bytes


def whole_fault(found: Found, *, show_payload: bool) -> tuple[dict[str, Any], list[ShownEvent]]:
    """All that is known of a fault, and its events; where it holds none, the document itself in their place."""
    fault = found.fault
    words: Callable[[str], str] = str if show_payload else masked_text
    facts = {
        **facts_of(found),
        "function_as_told": fault.function,
        "error": words(fault.error),
        "message": words(fault.message),
        "stack": words(fault.stack) if fault.stack else None,
        "masked": not show_payload,
    }
    text = _as_it_is if show_payload else _masked
    return facts, [
        ShownEvent({name: words(value) if value else None for name, value in about.items()}, text(body))
        for about, body in _events(found)
    ]


def _events(found: Found) -> list[tuple[dict[str, str | None], bytes]]:
    match found.fault.unit:
        case Records(records):
            return [(_about(record), _event(record)) for record in records]
        case Payload(body):
            records = tuple(payload_records(body))
            return [(_about(record), _event(record)) for record in records] or [({"what": "invocation"}, body)]
        case _:
            return [({"what": "document"}, found.document.text)]


def _about(record: FaultRecord) -> dict[str, str | None]:
    is_of_table = record.source == "dynamodb"  # its keys are fields of the record, masked by their names
    return {
        "what": record.source,
        "type": record.event_type,
        "event_id": record.event_id,
        "partition_key": None if is_of_table else record.partition_key,
        "sequence_number": record.sequence_number,
    }


def _event(record: FaultRecord) -> bytes:
    """What a Kinesis record carries; of any other source the record itself."""
    data = text_in(fields_in(fields_in(record.body).get("kinesis")).get("data"))
    if record.source != "kinesis" or data is None:
        return record.body
    try:
        return base64.b64decode(data, validate=True)
    except ValueError:
        return record.body


def _masked(body: bytes) -> bytes:
    try:
        body.decode()
    except UnicodeDecodeError:
        return _json(_binary(body, body[:_BYTES_SHOWN].hex(" ")))
    try:
        return _json(masked(body))
    except ValueError:
        return _json(_CANNOT_BE_SHOWN)


def _as_it_is(body: bytes) -> bytes:
    """The body with its compressed fields undone; what is no JSON as a string of it."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return _json(_binary(body, base64.b64encode(body).decode()))
    try:
        check(body)
    except NOT_JSON:
        return _json(text)
    return undone(body)[0]


def _binary(body: bytes, shown: str) -> dict[str, Any]:
    return {"bytes": len(body), "binary": shown}


def _json(value: Any) -> bytes:
    """Raises ValueError for what JSON has no word for."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False).encode(errors="replace")
