"""A plan as text: the same data that `-o json` prints."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from rich.bar import Bar
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from ._flow import say
from ._runs_view import arguments_in_words
from ._summary_view import changed, fates, nothing_matches, passed_over, show_failures
from ._tables import facts
from ._words import not_read, number, size, span, stage_in_words, workers_in_words

BAR = 30
MOST_ROWS = 24


def show_plan(console: Console, document: Mapping[str, Any]) -> None:
    """Print a dry-run's summary with its plan."""
    for part in _parts(document):
        console.print(part)
        console.print()
    show_failures(console, document)
    for warning in document["plan"]["warnings"]:
        console.print(Text("warning: ", style="bold yellow").append(warning, style="not bold default"))
    console.print(ending(document))
    if document["plan"]["next_step"] and document["status"] == "planned":
        say(console, f"Execute it: {document['plan']['next_step']}")


def _parts(document: Mapping[str, Any]) -> Iterator[RenderableType]:
    yield Text("Plan: ", style="bold").append(_title(document), style="not bold")
    yield facts(_what(document))
    events = document["events"]
    if events["matched"]:
        yield chart("By type", events["by_type"], limit=MOST_ROWS)
        yield chart("By hour (UTC)", document["by_hour"], limit=MOST_ROWS)
    yield Group(Text("Function", style="bold"), facts(_function(document["plan"]["target"])))
    if document["plan"]["first_record"]:
        record = json.dumps(document["plan"]["first_record"], indent=2, ensure_ascii=False)
        yield Group(Text("First record", style="bold"), Text(record))


def _title(document: Mapping[str, Any]) -> str:
    replay = f"replay {' '.join(document['source'])} to {document['function']}"
    if document["command"] == "replay":
        return replay
    verb = document["command"].removeprefix("runs ")
    return f"{verb} run {document['run_id']}: {replay}"


def _what(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    events, objects, calls = document["events"], document["objects"], document["invocations"]
    if document["stage"]:
        yield "stage", stage_in_words(document["stage"])
    if document["plan"]["arguments"]["since_run"]:  # what is not typed is as there
        yield "asked", ", ".join(arguments_in_words("replay", document["plan"]["arguments"]))
    picked = _picked(document["plan"]["arguments"])
    yield "events", f"{events['matched']:,} matched of {events['read']:,} read{picked}{_left_out(events)}"
    if document["run"]:
        yield "so far", fates(document["run"])
    if document["first_event"]:
        yield "time", f"{document['first_event']} to {document['last_event']}"
    yield "objects", f"{objects['read']:,} read, {size(objects['bytes'])}{unread(objects)}"
    if changed(objects):
        yield "changed", changed(objects)
    if events["malformed"] or events["failed"]:
        malformed, failed = number(events["malformed"], "malformed line"), number(events["failed"], "record")
        yield "trouble", f"{malformed}, {failed} that cannot be delivered"
    yield "invocations", f"{calls['total']:,}, {_manner(document)}, {size(calls['bytes'])} of payload"
    yield from how(document, _terms(document["plan"]["terms"]), "record")


def how(document: Mapping[str, Any], terms: str, what: str) -> Iterator[tuple[str, str]]:
    """On what terms it would be sent and where that would be done, what would end it, and what it would take."""
    yield "terms", terms
    if workers := workers_in_words(document["workers"]):
        yield "workers", workers
    yield "stops", _stops(document["plan"]["terms"]["safety"], what)
    yield "duration", _duration(document)
    yield "cost", _cost(document["plan"]["estimate"]["lambda_requests_usd"])


def _picked(arguments: Mapping[str, Any]) -> str:
    """Which of the events alike are sent, also where none is left out yet: a profile may have said it."""
    if arguments["latest_per_key"]:
        return ", only the newest of each partition key"
    return ", each id only once" if arguments["dedupe"] else ""


def _left_out(events: Mapping[str, Any]) -> str:
    parts = []
    if events["faults"]:
        parts.append(f"{number(events['faults'], 'fault')} (ask with --type fault)")
    if events["filtered"]:
        parts.append(f"{events['filtered']:,} by the mapping's filters")
    parts += passed_over(events)
    return f"; left out: {', '.join(parts)}" if parts else ""


def unread(objects: Mapping[str, Any]) -> str:
    """What was not read, and why."""
    reasons = ", ".join(f"{count:,} {reason}" for reason, count in objects["skipped_as"].items())
    skipped = f", {objects['skipped']:,} skipped ({reasons})" if reasons else ""
    failed = not_read(objects.get("failed", 0), objects.get("left_out", 0))
    return f"{skipped}, {failed}" if failed else skipped


def _manner(document: Mapping[str, Any]) -> str:
    order = "in order per partition key" if document["plan"]["terms"]["ordered"] else "unordered"
    return f"{document['invocation']}, {order}"


def _terms(terms: Mapping[str, Any]) -> str:
    batches = f"batches of {terms['batch_size']:,} ({terms['batch_size_from']})"
    at_once = f"{terms['concurrency']} at a time ({terms['concurrency_from']})"
    tries = f"{terms['max_attempts']} attempts{', bisect' if terms['bisect'] else ''}"
    partial = ", partial batch responses" if terms["partial_responses"] == "strict" else ""
    return f"{batches}, {at_once}, {tries}{partial}"


def _stops(safety: Mapping[str, Any], what: str) -> str:
    """What would end a run, and what goes first."""
    stops = [f"after {safety['max_failures']} failed"]
    if safety["max_duration_s"]:
        stops.append(f"after {span(safety['max_duration_s']).removeprefix('about ')}")
    stops += [f"on alarm {name}" for name in safety["alarms"]]
    canary = f"; a canary of {_canary(safety['canary'], what)} goes first" if safety["canary"] else ""
    return f"{', '.join(stops)}{canary}"


def _canary(count: int, what: str) -> str:
    noun, _, each = what.partition(" ")
    return f"{number(count, noun)} {each}".rstrip()


def _duration(document: Mapping[str, Any]) -> str:
    """How long a run would take, and what caps it: one that is taken up has the rate that it began with."""
    estimate, rate = document["plan"]["estimate"], document["plan"]["terms"]["rate"]
    if rate:
        return f"{span(estimate['duration_s'])} at {rate:g} events/s"
    cap = "cncbops runs rate, once it is under way" if document["command"].startswith("runs ") else "--rate"
    return f"{span(estimate['rounds'])} if an invocation takes a second; cap it with {cap}"


def _cost(usd: float) -> str:
    """What Lambda asks for the invocations themselves."""
    amount = f"{usd:,.2f} USD" if usd >= 0.01 else "less than 0.01 USD"
    return f"{amount} for Lambda's requests; compute time comes on top"


def _function(target: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield "state", f"{_known(target['state'])}, last update {_known(target['update_status'])}"
    yield "deployed", f"{_known(target['last_modified'])}, version {_known(target['version'])}"
    yield "timeout", "unknown" if target["timeout_s"] is None else f"{target['timeout_s']} s"
    yield "concurrency", _reserved(target)
    unchecked = target["unchecked"]
    mapping = _mapping(target["mapping"], target["mappings"])
    yield "mapping", "unknown" if "its event source mappings" in unchecked else mapping
    dead_letters = target["dead_letter"] or "no queue or topic"
    yield "dead letters", "unknown" if "its configuration" in unchecked else dead_letters
    yield "on failure", _on_failure(target)
    yield (
        "permission",
        {True: "may be invoked", False: "may NOT be invoked", None: "unknown"}[target["may_invoke"]],
    )
    if target["unchecked"]:
        yield "unchecked", f"AWS gave no answer on {', '.join(target['unchecked'])}"


def _on_failure(target: Mapping[str, Any]) -> str:
    known = "its on-failure destination" not in target["unchecked"]
    return (target["on_failure"] or "no destination") if known else "unknown"


def _reserved(target: Mapping[str, Any]) -> str:
    if "its reserved concurrency" in target["unchecked"]:
        return "unknown"
    reserved = target["reserved_concurrency"]
    return "none reserved" if reserved is None else f"{reserved} reserved"


def _mapping(mapping: Mapping[str, Any] | None, mappings: int) -> str:
    if mapping is None:
        return "none of a Kinesis stream" + (f" ({mappings} of other sources)" if mappings else "")
    state = "enabled" if mapping["enabled"] else "DISABLED"
    filters = f", {number(len(mapping['filters']), 'filter')}" if mapping["filters"] else ""
    on_failure = f", on failure to {mapping['on_failure']}" if mapping["on_failure"] else ""
    return f"{state}, batches of {mapping['batch_size']}{filters}{on_failure}, {mapping['source_arn']}"


def chart(title: str, counts: Mapping[str, int], *, limit: int) -> RenderableType:
    """Counts as bars, the first of them."""
    table = Table.grid(padding=(0, 2))
    table.add_column(overflow="fold")
    table.add_column(justify="right", no_wrap=True)
    table.add_column(max_width=BAR)  # less on a narrow terminal, where else all would be taken from the names
    most = max(counts.values())
    for name, count in list(counts.items())[:limit]:
        table.add_row(Text(name), f"{count:,}", Bar(most, 0, max(count, most / BAR) if count else 0, color="cyan"))
    left = len(counts) - limit
    rest = Text(f"and {left:,} more, see -o json", style="dim") if left > 0 else Text("", end="")
    return Group(Text(title, style="bold"), table, rest) if left > 0 else Group(Text(title, style="bold"), table)


def ending(document: Mapping[str, Any]) -> Text:
    """What a plan ends with: that nothing was sent, and why not."""
    if document["status"] == "interrupted":
        return Text("Interrupted: there may be more than this plan shows. Nothing was sent.")
    if document["status"] == "failed":
        return Text("This was a dry-run, and it could not be done as things are.")
    if not document["events"]["matched"]:
        return Text(f"Nothing to do: {nothing_matches(document)}.")
    told = "The plan was saved" if document["plan"]["file"] else "Add --execute to do it"
    return Text(f"This was a dry-run and nothing was sent. {told}.")


def _known(value: object) -> str:
    return "unknown" if value is None else str(value)
