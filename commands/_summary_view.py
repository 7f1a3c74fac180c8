"""What a run did, as text on standard error: the same data that `-o json` prints."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ._words import number

_ENDINGS = {
    "nothing": ("nothing to do", "no event matches"),
    "succeeded": ("done", "every event was delivered"),
    "partial": ("done", "but not everything could be delivered"),
    "failed": ("failed", "the run could not go on"),
    "interrupted": ("interrupted", "what was under way was finished first"),
}


def show_summary(console: Console, document: Mapping[str, Any]) -> None:
    """Print a run's counts, its first failures, and where the others are."""
    word, meaning = _ENDINGS[document["status"]]
    console.print(Text(f"{word}: ", style="bold").append(meaning, style="not bold"))
    console.print(_counts(document))
    show_failures(console, document)


def _counts(document: Mapping[str, Any]) -> Table:
    events, calls = document["events"], document["invocations"]
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    table.add_row("events", _fates(events))
    if events["malformed"] or document["objects"]["failed"]:
        lines, objects = number(events["malformed"], "malformed line"), number(document["objects"]["failed"], "object")
        table.add_row("lake", f"{lines}, {objects} not readable")
    if events["possible_duplicates"]:
        table.add_row("duplicates", f"up to {events['possible_duplicates']:,}: sent again after a lost answer")
    table.add_row("invocations", _answers(calls))
    table.add_row("time", f"{document['duration_s']:.1f} s, {document['events_per_s']:,.0f} events/s")
    return table


def _fates(events: Mapping[str, int]) -> str:
    fates = ("delivered", "failed", "unknown", *(["not_sent"] if events["not_sent"] else []))
    parts = " + ".join(f"{events[fate]:,} {fate.replace('_', ' ')}" for fate in fates)
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
    if document["failures_file"]:
        console.print(Text(f"all of them: {document['failures_file']}"), soft_wrap=True)
