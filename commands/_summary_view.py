"""What a run did, as text on standard error: the same data that `-o json` prints."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.text import Text

from ._tables import facts
from ._words import number

_ENDINGS = {
    "nothing": ("nothing to do", "no event matches"),
    "succeeded": ("done", "every event was delivered"),
    "partial": ("done", "but not everything could be delivered"),
    "failed": ("failed", "the run could not go on"),
    "stopped": ("stopped", "what was under way was finished first"),
    "interrupted": ("interrupted", "what was under way was finished first"),
}


def show_summary(console: Console, document: Mapping[str, Any]) -> None:
    """Print a run's counts, its first failures, and where the others are."""
    word, meaning = _ENDINGS[document["status"]]
    if document["status"] == "stopped":
        meaning = document["reason"]
    console.print(Text(f"{word}: ", style="bold").append(meaning, style="not bold"), soft_wrap=True)
    console.print(facts(_counts(document)))
    show_failures(console, document)
    show_next_steps(console, document)


def _counts(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    events = document["events"]
    if document["ledger"]:
        yield "run", document["run_id"]
    yield "events", fates(events)
    if events["malformed"] or document["objects"]["failed"]:
        lines, objects = number(events["malformed"], "malformed line"), number(document["objects"]["failed"], "object")
        yield "lake", f"{lines}, {objects} not readable"
    if events["possible_duplicates"]:
        yield "duplicates", f"up to {events['possible_duplicates']:,}: sent again, as no answer came"
    yield "invocations", _answers(document["invocations"])
    if document["run"] and document["command"] != "replay":
        yield "whole run", fates(document["run"])
    yield "time", f"{document['duration_s']:.1f} s, {document['events_per_s']:,.0f} events/s"


def fates(events: Mapping[str, int]) -> str:
    """What became of the events that matched: a sum that always holds."""
    names = ("delivered", "failed", "unknown", *(["not_sent"] if events["not_sent"] else []))
    parts = " + ".join(f"{events[fate]:,} {fate.replace('_', ' ')}" for fate in names)
    return f"{events['matched']:,} matched = {parts}"


def _answers(calls: Mapping[str, int]) -> str:
    counts = ("succeeded", "failed", "throttled", "unknown", "retried")
    return f"{calls['total']:,}: {_listed(calls, counts)}" if calls["total"] else "none"


def _listed(calls: Mapping[str, int], names: Sequence[str]) -> str:
    return ", ".join(f"{calls[name]:,} {name}" for name in names if calls[name])


def show_failures(console: Console, document: Mapping[str, Any]) -> None:
    """Print the first failures, a line each, and where the others are."""
    for failure in document["failures"]:
        where = f"{failure['object']}:{failure['line']}" if failure["line"] else failure["object"]
        event = f" event {failure['event_id']}" if failure["event_id"] else ""
        line = Text(f"{failure['fate']}: ", style="bold red")
        line.append(f"{where}{event}: {failure['error']}: {failure['message']}", style="not bold default")
        console.print(line, soft_wrap=True)


def show_next_steps(console: Console, document: Mapping[str, Any]) -> None:
    """Print the commands that go on from here: what is not done is in the ledger."""
    if not document["ledger"]:
        return
    events, run, totals = document["events"], document["run_id"], document["run"] or document["events"]
    if document["status"] in ("failed", "stopped", "interrupted"):
        verb = "redrive" if document["command"] == "runs redrive" else "resume"
        cause = "Once the cause is mended" if totals["failed"] else "Go on with it"
        console.print(f"{cause}: cncbops runs {verb} {run} --execute", soft_wrap=True)
    elif totals["failed"]:
        console.print(f"Once the cause is mended: cncbops runs redrive {run} --execute", soft_wrap=True)
    elif totals["unknown"]:
        again = f"cncbops runs redrive {run} --unknown --execute"
        console.print(f"Send the unknown again, which may arrive twice: {again}", soft_wrap=True)
    if events["failed"] or events["unknown"] or events["malformed"] or document["objects"]["failed"]:
        console.print(f"All of it: cncbops runs show {run}", soft_wrap=True)
