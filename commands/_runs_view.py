"""Runs as text: the same data that `-o json` prints; and that JSON, piece by piece."""

import re
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, takewhile
from typing import Any

import orjson
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cncbops.errors import CncbopsError, described
from cncbops.frozen import freeze_request, from_plain
from cncbops.frozen_resubmit import freeze_resubmit
from cncbops.function_name import parse_function
from cncbops.lake.sources import printable
from cncbops.reports.summary import iso
from cncbops.request import ReplayRequest, ResubmitRequest

from ._flow import say
from ._summary_view import LEFT_BEHIND, show_failures
from ._tables import facts, fitting
from ._words import duplicates, not_read, number, workers_in_words

FATES = ("matched", "delivered", "failed", "unknown", "not_sent")
FIRST_IDS = 3
_DONE = {"succeeded": "green", "nothing": "green", "running": "cyan", "redriving": "cyan", "paused": "yellow"}


def show_runs(console: Console, rows: Sequence[Mapping[str, Any]]) -> Sequence[str]:
    """Print a line for each run; a narrow screen leaves out some columns, never a part of an id or a number: which."""
    told = [_words_of(row) for row in rows]
    widths = {name: max(len(name), *(len(words[name]) for words in told)) for name in _LS_COLUMNS}
    widths["subject"] = min(widths["subject"], _SUBJECT_WIDTH)
    shown = fitting(widths, _LS_BY_WEIGHT, console.width)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in shown:
        table.add_column(name, no_wrap=name != "subject", overflow="fold", min_width=widths[name])
    for words in told:
        table.add_row(*(words[name] for name in shown))
    console.print(table)
    return [name for name in _LS_COLUMNS if name not in shown]


_LS_COLUMNS = ("run", "command", "status", "delivered", "not delivered", "subject", "who")
_LS_BY_WEIGHT = ("run", "status", "delivered", "not delivered", "subject", "command", "who")
_SUBJECT_WIDTH = 18
"""Of a function's name that is longer the rest stands below."""


def _words_of(row: Mapping[str, Any]) -> dict[str, Text]:
    counts, sends = row["counts"], row["function"] is not None
    return {
        "run": Text(row["run_id"]),
        "command": Text(row["command"]),
        "status": Text(row["status"], style=_DONE.get(row["status"], "red")),
        "delivered": Text(f"{counts['delivered']:,} of {counts['matched']:,}" if sends else "-"),
        "not delivered": Text(_not_delivered(counts)),
        "subject": Text(row["subject"]),
        "who": Text(short_name(row["who"])),
    }


def _not_delivered(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{counts[fate]:,} {fate.replace('_', ' ')}" for fate in FATES[2:] if counts[fate]) or "-"


def show_run(console: Console, document: Mapping[str, Any]) -> None:
    """Print all of a run but its objects; of its failures the first."""
    console.print(Text("Run ", style="bold").append(f"{document['run_id']}: {document['status']}", style="not bold"))
    console.print(facts(chain(_asked(document), _done(document))))
    console.print(Text("\nSessions", style="bold"))
    console.print(facts(_sessions(document["sessions"])))
    if document["orders"]:
        console.print(Text("\nOrders", style="bold"))
        for line in _orders(document["orders"]):
            say(console, line)
    if document["failures"]:
        console.print(Text("\nNot delivered", style="bold"))
        show_failures(console, document)
        console.print(Text("all of them, and each object: -o json, or --report FILE", style="dim"))
    if document["next_step"]:
        say(console, f"\n{document['next_step_when']}: {document['next_step']}")
    elif document["ended"] and document["counts"]["objects_left_out"]:
        say(console, f"\n{LEFT_BEHIND}")
    if document["way_back"]:
        say(console, f"Or undo it: {document['way_back']}")


def json_pieces(
    document: Mapping[str, Any], lists: Mapping[str, Iterable[Any]], stop: threading.Event
) -> Iterator[bytes]:
    """One JSON document, `lists` its last members, in pieces.

    An error in between becomes its `error`, and is raised when the document is whole. Once `stop` is set the lists
    end, and it says that it is `cut_off`.
    """
    yield orjson.dumps(document)[:-1]
    for name, items in lists.items():
        yield b',\n"%s":[' % name.encode()
        try:
            yield from _joined(takewhile(lambda _: not stop.is_set(), items))
        except CncbopsError as error:
            yield b'],\n"error":' + orjson.dumps(described(error)) + b"}\n"
            raise
        yield b"]"
    yield b',\n"cut_off":true}\n' if stop.is_set() else b"}\n"


def _joined(items: Iterable[Any]) -> Iterator[bytes]:
    separator = b"\n"
    for item in items:
        yield separator + orjson.dumps(item)
        separator = b",\n"


def differing(arguments: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Frozen arguments that are not as they would be if nobody had said anything, by name."""
    found: dict[str, Any] = {}
    for name, value in arguments.items():
        default = defaults.get(name)
        if isinstance(value, Mapping) and isinstance(default, Mapping):
            found |= differing(value, default)
        elif value != default:
            found[name] = value
    return found


def short_name(arn: str | None) -> str:
    """The last part of an ARN: the user, or the session of a role."""
    return re.split("[/:]", arn)[-1] if arn else "unknown"


def _asked(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield "command", f"{document['command']}, cncbops {document['version']}"
    yield "who", f"{document['who'] or 'unknown'}, account {document['account'] or 'unknown'}"
    yield "when", f"{_moment(document['started'])} to {_moment(document['ended'])} (UTC)"
    if document["source"]:
        yield "sources", " ".join(document["source"])
    sends = document["function"] is not None
    yield "function" if sends else "subject", ", ".join([document["subject"], *_pairs(document["target"])])
    yield "asked", ", ".join(arguments_in_words(document["command"], document["arguments"])) or "no option"
    if sends:
        yield "terms", _terms(document["terms"])


def _done(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if document["function"] is None:
        return _result(document)
    return _sent(document)


def _result(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What came of an act, as its last session that ended told it; of an invalidation, how far it is by now."""
    if requests := document["requests"]:
        yield from _requests(requests)
    told = [each["summary"]["result"] for each in document["sessions"] if (each["summary"] or {}).get("result")]
    if told and not requests:
        yield "result", ", ".join(_pairs(told[-1]))
    if document["reason"]:
        yield "reason", document["reason"]


def _requests(requests: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    created = f"{requests['created']:,} of {requests['total']:,} created, {requests['completed']:,} completed"
    yield "requests", f"{created}; {requests['paths_sent']:,} of {number(requests['paths'], 'path')} sent"
    ids = [each["id"] for each in requests["invalidations"]]
    if ids:
        more = f" and {len(ids) - FIRST_IDS:,} more, see -o json" if len(ids) > FIRST_IDS else ""
        yield "invalidations", " ".join(ids[:FIRST_IDS]) + more


def _sent(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    counts = document["counts"]
    unread = not_read(counts["objects_unreadable"], counts["objects_left_out"])
    more = "" if document["listed"] else "; not all of the lake was listed yet"
    yield (
        "objects",
        f"{counts['objects']:,} known, {counts['objects_done']:,} done{f', {unread}' if unread else ''}{more}",
    )
    fates = " + ".join(f"{counts[name]:,} {name.replace('_', ' ')}" for name in FATES[1:])
    yield "events", f"{counts['matched']:,} matched = {fates}"
    if document["possible_duplicates"]:
        yield "duplicates", duplicates(document["possible_duplicates"], counts["matched"])
    if counts["malformed"]:
        yield "trouble", number(counts["malformed"], "malformed line")
    if document["reason"]:
        yield "reason", document["reason"]


def arguments_in_words(command: str, arguments: Mapping[str, Any]) -> Iterator[str]:
    """What was asked of a run, as far as it says anything, but for sources and function."""
    told = {name: value for name, value in arguments.items() if name not in ("sources", "function", "until_ms")}
    if command not in _NOTHING_SAID:
        return _pairs({name: value for name, value in told.items() if value})
    return _pairs(differing(from_plain(told), _NOTHING_SAID[command]))


def _pairs(facts: Mapping[str, Any]) -> Iterator[str]:
    """What is known, each as a name and its value in words."""
    return (
        f"{_NAMES.get(name, name.removesuffix('_s').replace('_', ' '))} {_value(name, facts[name])}"
        for name in facts
        if facts[name] is not None
    )


_NOTHING_SAID = {
    "replay": freeze_request(ReplayRequest(sources=(), function=parse_function("any"))),
    "resubmit": freeze_resubmit(ResubmitRequest(sources=())),
}
_NAMES = {
    "start_ms": "from",
    "end_ms": "to",
    "why": "because",
    "family": "format",
    "code_sha256": "code SHA-256",
    "arn": "ARN",
}


def _value(name: str, value: Any) -> str:
    if name.endswith("_ms"):
        return str(iso(value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    if name.endswith("_s"):
        return f"{value:g} s"
    return printable(" ".join(map(str, value)) if isinstance(value, list) else str(value))


def _terms(terms: Mapping[str, Any]) -> str:
    batches = f"batches of {terms['limits']['records']:,} ({terms['batch_size_from']})"
    at_once = f"{terms['concurrency']} at a time ({terms['concurrency_from']})"
    order = "in order per partition key" if terms["lanes"] else "unordered"
    return f"{batches}, {at_once}, {order}, {terms['policy']['max_attempts']} attempts"


def _sessions(sessions: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, Text]]:
    """Two lines a session: when and how it ended, and who it was."""
    for each in sessions:
        status = ": ".join(filter(None, (each["status"], each["reason"])))
        told = Text(f"{each['kind']}, {_moment(each['started'])} to {_moment(each['ended'])}: {status}\n")
        by = f"by {short_name(each['who'])} on {each['host']}, process {each['process']}, cncbops {each['version']}"
        workers = workers_in_words((each["summary"] or {}).get("workers"))
        yield str(each["session"]), told.append(f"{by}{f', workers: {workers}' if workers else ''}", style="dim")


def _orders(orders: Sequence[Mapping[str, Any]]) -> Iterator[Text]:
    for each in orders:
        value = "" if each["value"] is None else f" {each['value']:g}"
        yield Text(f"{_moment(each['given'])}: {each['kind']}{value} by {each['who']}")


def _moment(text: str | None) -> str:
    """An ISO time to the second, as people read it."""
    return text[:19].replace("T", " ") if text else "-"
