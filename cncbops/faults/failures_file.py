"""What a run of this tool could not deliver, as its report tells it in JSON lines (see `cncbops.reports.run_report`).

A line names an event, or a fault, by its place: it is read again from where it lies, and is sent if it is still the
one of that id, or sequence number. Reports of earlier versions say neither the run nor the function.
A run's redrives know its events by the same ids (see `cncbops.session.reported`).
"""

from collections.abc import Iterable

from cncbops.faults.fault import Aside, Fault, LakeLine, Nothing
from cncbops.faults.hints import Hints
from cncbops.faults.json_text import Fields, fields_in, text_in, time_in, value_in

_OF_KIND = {
    "run": {"run_id", "command", "counts"},
    "session": {"session_kind", "session", "host"},
    "object": {"uri", "etag", "state"},
    "failure": {"object", "line", "part", "fate"},
}
_WHY_NOTHING = {
    "malformed": "the run found nothing on this line that could be sent",
    "unreadable": "the run could not read this object: run it again once it can be read",
}


def fault_id(place: Iterable[object], event_id: str | None) -> str:
    """What a failure is known by: run, object, line, part, and the event's own id, as another may come to lie there."""
    return ":".join([*map(str, place), *([event_id] if event_id else [])])


def run_told(first_line: bytes) -> str | None:
    """The id of the run that a report is of, by its first line; None of any other file."""
    fields = fields_in(first_line)
    return text_in(fields.get("run_id")) if recognise(fields, Hints()) and text_in(fields["kind"]) == "run" else None


def recognise(fields: Fields, hints: Hints) -> bool:
    """Whether this is a line of a report, of whatever kind, and no event: nothing is wrapped around it."""
    kind = text_in(fields.get("kind"))
    return kind in _OF_KIND and fields.keys() >= _OF_KIND[kind] and "type" not in fields and not hints.is_wrapped


def decode(fields: Fields, _: Hints) -> list[Fault] | Aside:
    """The failure of a line, unless it came right since, or the line is of another kind."""
    if value_in(fields["kind"]) != "failure" or value_in(fields.get("mended_in")) is not None:
        return Aside()
    function = text_in(fields.get("function"))
    place = [text_in(fields.get(name)) for name in ("run_id", "object", "line", "part")]
    return [
        Fault(
            id=fault_id(place, text_in(fields.get("event_id"))) if all(place) else None,
            function=function,
            error=text_in(fields.get("error")) or "",
            message=text_in(fields.get("message")) or "",
            stack=None,
            pipeline=None,
            event_types=(),
            # Without a function it is the failure of a fault, which itself tells when it was raised.
            timestamp_ms=time_in(fields.get("time")) if function else None,
            unit=_unit(fields),
        )
    ]


def _unit(fields: Fields) -> LakeLine | Nothing:
    fate, uri = text_in(fields["fate"]), text_in(fields["object"])
    line, part = value_in(fields["line"]), value_in(fields["part"])
    if fate in _WHY_NOTHING:
        return Nothing(_WHY_NOTHING[fate])
    is_place = uri and type(line) is int and line > 0 and type(part) is int and part >= 0
    if fate not in ("failed", "unknown") or not is_place:
        return Nothing("the report names no line that failed")
    return LakeLine(str(uri), line, part, text_in(fields.get("event_id")), text_in(fields.get("sequence_number")))
