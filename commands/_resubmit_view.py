"""A resubmit's plan as text: the same data that `-o json` prints."""

from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.text import Text

from ._flow import say
from ._plan_view import chart, ending, how, unread
from ._summary_view import fates, flawed, left_out, show_came_back, show_failures
from ._tables import facts
from ._words import number, size, stage_in_words

MOST_ROWS = 24


def show_resubmit_plan(console: Console, document: Mapping[str, Any]) -> None:
    """Print a dry-run's summary with its plan."""
    for part in _parts(document):
        console.print(part)
        console.print()
    show_came_back(console, document["plan"]["came_back"])
    show_failures(console, document)
    for warning in document["plan"]["warnings"]:
        say(console, Text("warning: ", style="bold yellow").append(warning, style="not bold default"))
    console.print(ending(document))


def _parts(document: Mapping[str, Any]) -> Iterator[RenderableType]:
    command, source = document["command"], " ".join(document["source"])
    title = f"resubmit {source}"
    if command != "resubmit":
        title = f"{command.removeprefix('runs ')} run {document['run_id']}: {title}"
    yield Text("Plan: ", style="bold").append(title, style="not bold")
    yield facts(_what(document))
    for name, function in document["plan"]["functions"].items():
        told = _function(function, one_by_one=document["plan"]["terms"]["one_by_one"])
        yield Group(Text(f"Function {name or '(none named)'}", style="bold"), facts(told))
    if document["plan"]["groups"]:
        yield Group(Text("By cause", style="bold"), facts(_group(group) for group in document["plan"]["groups"]))
    if document["events"]["matched"]:
        yield chart("By type", document["events"]["by_type"], limit=MOST_ROWS)


def _what(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    events, objects, calls, faults = (document[name] for name in ("events", "objects", "invocations", "faults"))
    others = f"; {number(faults['others'], 'event')} of other types" if faults["others"] else ""
    if document["stage"]:
        yield "stage", stage_in_words(document["stage"])
    yield "faults", f"{events['matched'] - events['failed']:,} to be sent of {events['read']:,} read{others}"
    if left_out(faults):
        yield "left out", left_out(faults)
    if flawed(faults):
        yield "trouble", flawed(faults)
    if events["failed"]:
        yield "undeliverable", number(events["failed"], "fault")
    if document["run"]:
        yield "so far", fates(document["run"])
    if document["first_event"]:
        yield "time", f"{document['first_event']} to {document['last_event']}"
    yield "objects", f"{objects['read']:,} read, {size(objects['bytes'])}{unread(objects)}"
    for queue in document["plan"]["queues"]:
        yield "queue", f"{queue['name']}, about {number(queue['approximate_messages'], 'message')}"
    yield "invocations", f"{calls['total']:,}, {_manner(document)}, {size(calls['bytes'])} of payload"
    yield from how(document, _terms(document["plan"]["terms"]), "fault a function")


def _manner(document: Mapping[str, Any]) -> str:
    terms = document["plan"]["terms"]
    order = "in order per function and partition key" if terms["ordered"] else "unordered"
    return f"{document['invocation']}, {order}"


def _terms(terms: Mapping[str, Any]) -> str:
    tries = f"{terms['max_attempts']} attempts{', bisect' if terms['bisect'] else ''}"
    return f"{_batches(terms)}, {terms['concurrency']} at a time, {tries}"


def _batches(terms: Mapping[str, Any]) -> str:
    if terms["one_by_one"]:
        return "one by one"
    return f"batches of {terms['batch_size']:,}" if terms["batch_size"] else "batches as of each function's mapping"


def _function(function: Mapping[str, Any], *, one_by_one: bool) -> Iterator[tuple[str, str]]:
    yield "faults", f"{function['faults']:,}, {number(function['records'], 'record')}"
    if function["problem"]:
        yield "problem", f"{function['problem']['what']}. {function['problem']['next_step']}."
        return
    target, newest = function["target"], function["newest_fault"]
    since = {True: "after", False: "BEFORE", None: "unknown whether after"}[function["deployed_since"]]
    yield "deployed", f"{target['last_modified'] or 'unknown'}, {since} its newest fault of {newest}"
    yield "state", f"{target['state'] or 'unknown'}, last update {target['update_status'] or 'unknown'}"
    if not one_by_one:
        yield "batches of", f"{function['batch_size']:,}"


def _group(group: Mapping[str, Any]) -> tuple[str, str]:
    pipeline = f" {group['pipeline']}" if group["pipeline"] else ""
    cause = ": ".join(filter(None, (group["error"], group["shape"]))) or "(no error)"
    return f"{group['count']:,}", f"{group['function'] or '(none named)'}{pipeline}: {cause} [{group['fingerprint']}]"
