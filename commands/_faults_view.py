"""Faults as text: the same data that `-o json` prints."""

import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from cncbops.faults.masking import MASK
from cncbops.ledger.place import at_ledger
from cncbops.reports.fault_facts import ShownEvent

from ._flow import say
from ._json_text import indented, visible_lines
from ._tables import facts
from ._words import number, size, visible

MOST_GROUPS, MOST_EVENTS, MOST_SOURCES = 50, 20, 3
LONGEST_PIPED = 1_000
_SOURCES = {
    "kinesis": "Kinesis",
    "dynamodb": "DynamoDB",
    "sqs": "SQS",
    "s3": "S3",
    "sns": "SNS",
    "eventbridge": "EventBridge",
    "other": "other",
}
_FLAWS = {
    "trimmed": "the publisher kept nothing but the records, which are whole",
    "redacted": "the function's library put marks in place of a part of a record",
    "incomplete": "a part of the batch came without its record",
    "compressed-unreadable": "a compressed part cannot be read",
}


class LinePrinter:
    """Prints faults one by one: on a terminal in two rows, the first of them cut; elsewhere a line each."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._widest = 0

    def print(self, row: Mapping[str, Any]) -> None:
        """Print one fault, from its facts."""
        row = visible(row)
        when, function = _moment(row["time"]), row["function"] or "-"
        why = _why(row["error"], row["message"]) or row["unit"].get("reason", "-")
        where = "  ".join((", ".join(row["event_types"]) or "-", row["id"] or "-", row["place"]))
        if self._console.file.isatty():
            self._console.print(Text(f"{when}  ").append(why, style="bold"), no_wrap=True, overflow="ellipsis")
            say(self._console, Text(f"    {function}  ").append(where, style="dim"))
            return
        self._widest = max(self._widest, len(function))
        sys.stdout.write("  ".join((when, function.ljust(self._widest), why[:LONGEST_PIPED], where)) + "\n")


def show_groups(console: Console, rows: Sequence[Mapping[str, Any]], others: int) -> None:
    """Print groups, the largest first: count, fingerprint and function, and below them why, when and an example."""
    width = max([len("faults"), *(len(f"{row['count']:,}") for row in rows)])
    if rows:
        console.print(Text(f"{'faults':>{width}}  {'group':<12}  function, error, first and last, an example", "bold"))
    for row in rows[:MOST_GROUPS]:
        _show_group(console, row, width)
    left = len(rows) - MOST_GROUPS
    if left > 0 or others:
        smaller = f"{number(left, 'smaller group')}: -o json lists them" if left > 0 else ""
        beyond = f"{number(others, 'fault')} of further groups, which are not told apart" if others else ""
        console.print(Text("\n" + "; ".join(filter(None, (smaller, beyond))), style="dim"))


def _show_group(console: Console, row: Mapping[str, Any], width: int) -> None:
    margin = " " * (width + 2)
    head = Text(f"{row['count']:>{width},}  ").append(row["fingerprint"], style="cyan")
    head.append("  ").append(row["function"] or "(no function)", style="bold")
    say(console, head.append(f", pipeline {row['pipeline']}" if row["pipeline"] else ""))
    for line in Text(_why(row["error"], row["shape"]) or "(no error)").wrap(console, console.width - len(margin)):
        say(console, Text(margin).append(line))
    say(console, margin + _moments(row["first"], row["last"]))
    console.print(Text(f"{margin}{row['example']['place']}", style="dim"), soft_wrap=True)


def _moments(first: str | None, last: str | None) -> str:
    if first is None:
        return "time unknown"
    return _moment(first) if first == last else f"{_moment(first)} to {_moment(last)}"


def show_counts(console: Console, counts: Mapping[str, Any], groups: int | None) -> None:
    """Print in a line what was met."""
    objects, chosen = counts["objects"], number(counts["chosen"], "fault")
    left_out = counts["faults"] - counts["chosen"]
    parts = [
        f"{chosen} in {number(groups, 'group')}" if groups is not None else chosen,
        f"{left_out:,} not chosen" if left_out else "",
        number(counts["others"], "other event") if counts["others"] else "",
        f"{number(objects['read'], 'object')} read",
        f"{objects['skipped']:,} skipped" if objects["skipped"] else "",
    ]
    say(console, ", ".join(filter(None, parts)))
    flaws = [
        number(counts["broken"], "broken document") if counts["broken"] else "",
        f"{counts['without_record']:,} without record" if counts["without_record"] else "",
        f"{counts['not_whole']:,} not whole" if counts["not_whole"] else "",
        f"{number(objects['failed'], 'object')} not readable" if objects["failed"] else "",
    ]
    if any(flaws):
        say(console, Text(", ".join(filter(None, flaws)), style="red"))


def show_next_step(
    console: Console,
    rows: Sequence[Mapping[str, Any]],
    sources: Sequence[str],
    options: Sequence[tuple[str, str]],
    folder: Path,
) -> None:
    """Print the commands that go on from the largest group, as they can be typed; `folder` is the ledger's."""
    if not rows:
        return
    shown = shlex.join(sources) if len(sources) <= MOST_SOURCES else "SOURCE..."
    also = "".join(f" {name} {shlex.quote(value)}" for name, value in options)
    example = shlex.quote(rows[0]["example"]["place"])
    say(console, visible(f"Look at one: cncbops faults show {example}"))
    step = f"cncbops resubmit {shown}{also} --group {rows[0]['fingerprint']}{at_ledger(folder)}"
    say(console, visible(f"Once the cause is mended: {step}"))


def show_fault(console: Console, fault: Mapping[str, Any], events: Sequence[ShownEvent]) -> None:
    """Print one fault: what is known of it, its stack, its events."""
    say(console, Text("Fault ", style="bold").append(visible(fault["place"]), style="not bold"))
    console.print(facts((name, visible_lines(value)) for name, value in _facts_of(fault) if value))
    if fault["stack"]:
        console.print(Text("\nStack", style="bold"))
        console.print(Text(visible_lines(fault["stack"])), soft_wrap=True)
    shown = [(event, visible_lines(indented(event.text.decode(errors="replace")))) for event in events[:MOST_EVENTS]]
    for place, (event, text) in enumerate(shown, 1):
        say(console, Text(f"\n{_title(event.about, place, len(events))}", style="bold"))
        console.print(Text(text), soft_wrap=True)
    if len(events) > MOST_EVENTS:
        console.print(Text(f"\nand {len(events) - MOST_EVENTS:,} more: all of them with -o json", style="dim"))
    if fault["masked"] and any(MASK in text for _, text in shown):
        console.print(Text(f"\n{MASK} is what looks like a secret: --show-payload shows it", style="dim"))


def _facts_of(fault: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    function, told = fault["function"], fault["function_as_told"]
    yield "error", fault["error"] or "(none)"
    yield "message", fault["message"]
    yield "function", (f"{function}, as {told}" if told != function else function) if function else "(none is named)"
    yield "pipeline", fault["pipeline"] or ""
    yield "time", fault["time"] or "unknown"
    yield "event types", ", ".join(fault["event_types"])
    yield "id", fault["id"] or ""
    yield "group", fault["fingerprint"]
    yield "unit", _unit(fault["unit"])
    yield "flaws", "; ".join(_FLAWS[flaw] for flaw in fault["flaws"])


def _unit(unit: Mapping[str, Any]) -> str:
    match unit["kind"]:
        case "records":
            return number(unit["records"], f"{'/'.join(_SOURCES[name] for name in unit['sources'])} record")
        case "payload":
            (source,) = unit["sources"]
            held = "" if source == "other" else ": " + number(unit["records"], f"{_SOURCES[source]} record")
            return f"a whole invocation payload of {size(unit['bytes'])}{held}"
        case "stream-range":
            held = number(unit["records"], "record") if unit["records"] is not None else "records"
            place = f"{unit['shard']} of {unit['stream']}, {unit['first']} to {unit['last']}"
            return f"{held}, still to be fetched from their stream: {place}"
        case "claim-check":
            return f"a claim check, still to be fetched: {unit['object']}"
        case "lake-line":
            return f"line {unit['line']:,} of {unit['object']}, still to be read"
        case _:
            return f"nothing that could be sent: {unit['reason']}"


def _title(about: Mapping[str, Any], place: int, count: int) -> str:
    counted = f" {place} of {count:,}" if count > 1 else ""
    named = {"event": about.get("event_id"), "key": about.get("partition_key"), "type": about.get("type")}
    told = "".join(f", {name} {value}" for name, value in named.items() if value)
    source = _SOURCES.get(about["what"])
    what = f"{source} record" if source else about["what"].capitalize()
    return str(visible(f"{what}{counted}{told}"))


def _why(error: str, message: str) -> str:
    return ": ".join(filter(None, (error, message)))


def _moment(text: str | None) -> str:
    """An ISO time to the second."""
    return f"{text[:19]}Z" if text else "-"
