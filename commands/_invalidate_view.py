"""Invalidations as text: the same data that `-o json` prints."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from cncbops.cdn.batches import MOST_SINGLES, MOST_WILDCARDS
from cncbops.cdn.edge import IN_PROGRESS
from cncbops.cdn.session import Session
from cncbops.reports.going_on import named, taken_up_again
from cncbops.reports.invalidation import FREE_A_MONTH

from ._flow import say
from ._screen import Screen
from ._tables import facts, fitting
from ._words import number, stage_in_words

MOST_ROWS, FIRST_BUCKETS = 20, 3
_ENDINGS = {
    "nothing": ("nothing to do", "no path was given or found"),
    "partial": ("done", "but not every object has a path of its own"),
    "failed": ("failed", "the run could not go on"),
    "interrupted": ("interrupted", "what is created stays so"),
}


def progress_line(screen: Screen, session: Session) -> AbstractContextManager[object]:
    """A line of how far a session is, while in its block; on a terminal only."""
    if not (screen.shows_text and screen.err.is_terminal):
        return nullcontext()
    started = time.monotonic()

    def line() -> Text:
        told = f"{_progress(session)}  {time.monotonic() - started:,.0f} s"
        return Text(told, no_wrap=True, overflow="ellipsis")

    return Live(get_renderable=line, console=screen.err, refresh_per_second=5, transient=True)


def _progress(session: Session) -> str:
    """What is created as long as there is more to create, then what is completed."""
    requests = session.requests
    verb, done = ("created", set(requests.invalidations)) if requests.to_create else ("completed", requests.completed)
    paths = sum(len(each.items) for each in requests.all)
    paths_done = sum(len(each.items) for each in requests.all if each.number in done)
    waits = f"  waiting {session.waiting_for}" if session.waiting_for and requests.to_create else ""
    of_requests = f"{len(done):,} of {number(len(requests.all), 'request')} {verb}"
    return f"{of_requests}  {paths_done:,} of {number(paths, 'path')}{waits}"


def show_invalidation_plan(console: Console, document: Mapping[str, Any]) -> None:
    """Print a dry-run's summary with its plan."""
    plan, requests = document["plan"], document["requests"]
    verb = "invalidate" if document["command"] == "invalidate" else f"resume run {document['run_id']}: invalidate"
    say(console, Text("Plan: ", style="bold").append(f"{verb} {_name(document)}", style="not bold"))
    console.print()
    console.print(facts(_planned(document)))
    for title, counts in (("Covered by", plan["covered"]), ("Collapsed into", plan["collapsed"])):
        if counts:
            console.print(Text(f"\n{title}", style="bold"))
            console.print(_counted(counts))
    if plan["first_paths"]:
        console.print(Text("\nFirst paths" if _are_more(document) else "\nPaths", style="bold"))
        for path in plan["first_paths"]:
            console.print(Text(path), soft_wrap=True)
    console.print()
    _show_failures(console, document)
    for warning in _warnings(document):
        say(console, Text("warning: ", style="bold yellow").append(warning, style="not bold default"))
    if requests["total"]:
        console.print("This was a dry-run and nothing was sent. Add --execute to do it.")
    else:
        console.print("Nothing to do: no path was given or found.")


def show_invalidation(console: Console, document: Mapping[str, Any]) -> None:
    """Print what a run did, and what to do next."""
    word, meaning = _ending(document)
    say(console, Text(f"{word}: ", style="bold").append(meaning, style="not bold"))
    console.print(facts(_done(document)))
    _show_failures(console, document)
    for line in _next_steps(document):
        say(console, line)


def show_invalidations(console: Console, rows: Sequence[Mapping[str, Any]]) -> None:
    """Print a line for each invalidation; a narrow screen leaves out some columns."""
    told = [_columns(row) for row in rows]
    widths = {name: max(map(len, (name, *(words[name] for words in told)))) for name in _COLUMNS}
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in fitting(widths, _COLUMNS_BY_WEIGHT, console.width):
        table.add_column(name, no_wrap=True, justify="right" if name in _COUNTED else "left")
    for words in told:
        table.add_row(*(Text(words[str(column.header)]) for column in table.columns))
    console.print(table)


_COLUMNS = ("id", "status", "created (UTC)", "paths", "wildcards")
_COLUMNS_BY_WEIGHT = ("id", "status", "paths", "created (UTC)", "wildcards")
_COUNTED = ("paths", "wildcards")


def _columns(row: Mapping[str, Any]) -> dict[str, str]:
    counts = ("unknown" if row[name] is None else f"{row[name]:,}" for name in _COUNTED)
    return dict(zip(_COLUMNS, (row["id"], row["status"], _moment(row["created"]), *counts), strict=True))


def show_statuses(console: Console, rows: Sequence[Mapping[str, Any]]) -> None:
    """Print invalidations one by one, each with its first paths."""
    for row in rows:
        console.print(Text(f"{row['id']}: ", style="bold").append(row["status"], style="not bold"))
        console.print(facts([("created", f"{_moment(row['created'])} UTC"), ("paths", _paths(row))]))
        for path in row["first_paths"]:
            console.print(Text(f"  {path}"), soft_wrap=True)
        if (row["paths"] or 0) > len(row["first_paths"]):
            console.print(Text(f"  and {row['paths'] - len(row['first_paths']):,} more", style="dim"))


def _planned(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    plan, paths, requests = document["plan"], document["paths"], document["requests"]
    if document["stage"]:
        yield "stage", stage_in_words(document["stage"])
    yield from _distribution(document["distribution"])
    yield "given", _given(paths, plan["sources"])
    if paths["duplicates"] or paths["covered"]:
        yield "dropped", f"{number(paths['duplicates'], 'duplicate')}, {paths['covered']:,} covered by a wildcard"
    if paths["collapsed"]:
        yield "collapsed", f"{number(paths['collapsed'], 'path')} into {number(paths['collapsed_into'], 'wildcard')}"
    yield "to send", _to_send(plan["to_send"])
    if document["command"] != "invalidate":
        so_far = f"{requests['created']:,} of {number(requests['total'], 'request')} created"
        yield "so far", f"{so_far}, {paths['sent']:,} of {number(paths['to_send'], 'path')}"
    yield "requests", f"{requests['total'] - requests['created']:,}"
    yield "in progress", _in_progress(plan)
    yield "cost", _cost(document["cost"])


def _distribution(facts: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if facts["domain"] is None:
        yield "distribution", f"{facts['id']}, not to be looked at: access denied"
        return
    names = ", ".join([facts["domain"], *facts["aliases"]])
    yield "distribution", f"{names}; {facts['status']}{'' if facts['enabled'] else ', DISABLED'}"


def _given(paths: Mapping[str, int], sources: Mapping[str, int]) -> str:
    where = ", ".join(f"{count:,} from {source}" for source, count in sources.items())
    left_out = [
        (paths["other_notifications"], "other notification"),
        (paths["not_served"], "object not served by it"),
    ]
    also = [f"{count:,} {what}{'' if count == 1 else 's'}" for count, what in left_out if count]
    told = f"{number(paths['given'], 'path')}: {where}" if where else number(paths["given"], "path")
    return f"{told}; left out: {', '.join(also)}" if also else told


def _to_send(items: Mapping[str, int]) -> str:
    of_these = [number(items[name], name[:-1]) for name in ("wildcards", "tags") if items[name]]
    return f"{number(items['paths'], 'path')}{', of these ' if of_these else ''}{' and '.join(of_these)}"


def _in_progress(plan: Mapping[str, Any]) -> str:
    now = plan["in_progress"]
    if now is None:
        return "unknown"
    count = f"{now['paths']:,} of {MOST_SINGLES:,} paths, {now['wildcards']:,} of {MOST_WILDCARDS} wildcards"
    room = "there is room" if plan["has_room"] else "the first request has to wait for room"
    return f"{count}, in {number(now['invalidations'], 'invalidation')}; {room}"


def _cost(cost: Mapping[str, Any]) -> str:
    after = f"at most {_usd(cost['usd_at_most'])}"
    if cost["paths_before_collapse"] != cost["paths"]:
        after += f" in place of {_usd(cost['usd_at_most_before_collapse'])} before collapsing"
    return f"{after}; the first {FREE_A_MONTH:,} paths a month of an account are free"


def _usd(amount: float) -> str:
    return f"{amount:,.2f} USD" if amount >= 0.1 else f"{amount:.3f} USD"


def _counted(counts: Mapping[str, int]) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(overflow="fold")
    table.add_column(justify="right", no_wrap=True)
    for name, count in list(counts.items())[:MOST_ROWS]:
        table.add_row(Text(name), f"{count:,}")
    if len(counts) > MOST_ROWS:
        table.add_row(Text(f"and {len(counts) - MOST_ROWS:,} more, see -o json", style="dim"), "")
    return table


def _warnings(document: Mapping[str, Any]) -> Iterator[str]:
    if document["distribution"]["enabled"] is False:
        yield "The distribution is disabled: it serves nothing."
    if foreign := no_origins(document["foreign_buckets"], document["distribution"]["id"]):
        yield f"{foreign}."
    if error := document["plan"]["in_progress_error"]:
        why = f"{error['what'].rstrip('.')}. {error['next_step']}"
        yield f"What is in progress is not known, and what has no room will wait for it: {why}."


def no_origins(buckets: Sequence[str], distribution: str) -> str:
    """That objects came from buckets that are none of a distribution's origins; empty where none did."""
    if not buckets:
        return ""
    names = ", ".join(buckets[:FIRST_BUCKETS])
    more = f" and {len(buckets) - FIRST_BUCKETS:,} more" if len(buckets) > FIRST_BUCKETS else ""
    if len(buckets) == 1:
        return f"bucket {names} is no origin of {distribution}: its objects may be served by another distribution"
    which = f"buckets {names}{more}"
    return f"{which} are no origins of {distribution}: their objects may be served by another distribution"


def _are_more(document: Mapping[str, Any]) -> bool:
    left = document["paths"]["to_send"] - document["paths"]["sent"]
    return bool(left > len(document["plan"]["first_paths"]))


def _ending(document: Mapping[str, Any]) -> tuple[str, str]:
    if document["status"] == "stopped":
        return "stopped", document["reason"]
    if document["status"] == "succeeded":
        is_open = document["requests"]["in_progress"]
        return "done", "all is created, and CloudFront is at it" if is_open else "every edge has done it"
    return _ENDINGS[document["status"]]


def _done(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    requests, paths = document["requests"], document["paths"]
    if document["ledger"]:
        yield "run", document["run_id"]
    yield "distribution", _name(document)
    yield "paths", f"{paths['sent']:,} of {paths['to_send']:,} sent, {paths['completed']:,} completed"
    more = [f"{requests[name]:,} {words}" for name, words in _CALLS.items() if requests[name]]
    created = f"{requests['created']:,} of {requests['total']:,} created, {requests['completed']:,} completed"
    yield "requests", ", ".join([created, *more])
    if requests["total"]:
        yield "cost", _cost(document["cost"])
    yield "time", f"{document['duration_s']:.1f} s"


_CALLS = {"retried": "retried", "throttled": "throttled", "no_room": "refused for want of room"}


def _next_steps(document: Mapping[str, Any]) -> Iterator[str]:
    if not document["ledger"]:
        return
    if document["status"] in ("failed", "stopped", "interrupted"):
        cause = "Once the cause is mended" if document["status"] == "failed" else "Go on with it"
        yield f"{cause}: {taken_up_again(named(document), None, None)}"
    elif document["requests"]["in_progress"]:
        open_ = [each["id"] for each in document["invalidations"] if each["status"] == IN_PROGRESS]
        asked = f"{document['distribution']['id']} {' '.join(open_[:3])}"
        yield f"Look how far it is: cncbops invalidate status {asked}"


def _show_failures(console: Console, document: Mapping[str, Any]) -> None:
    for failure in document["failures"]:
        line = Text("left out: ", style="bold red")
        line.append(f"{failure['object']}: {failure['message']}", style="not bold default")
        say(console, line)


def _name(document: Mapping[str, Any]) -> str:
    distribution = document["distribution"]
    return f"{distribution['id']} ({distribution['domain']})" if distribution["domain"] else str(distribution["id"])


def _paths(row: Mapping[str, Any]) -> str:
    if row["paths"] is None:
        return "unknown"
    return f"{row['paths']:,}" + (f" ({number(row['wildcards'], 'wildcard')})" if row["wildcards"] else "")


def _moment(text: str) -> str:
    """An ISO time to the second, as people read it."""
    return text[:19].replace("T", " ")
