"""A failover as text: the same data that `-o json` prints, and a live line while it is under way."""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.text import Text

from cncbops.failover.working import Failover

from ._flow import say
from ._tables import facts
from ._words import visible

_TITLES = {"failover out": "take {} out of service", "failover back": "put {} back into service"}
_DOING = {"failover out": "taking {} out of service", "failover back": "putting {} back into service"}
_DONE = {"failover out": "{} is out of service", "failover back": "{} is back in service"}


def show_failover_plan(console: Console, document: Mapping[str, Any]) -> None:
    """Print what would be done, who would carry the traffic, and what stands in the way."""
    title = _TITLES[document["command"]].format(document["region"])
    console.print(Text("Plan: ", style="bold").append(title, style="not bold"))
    console.print()
    console.print(facts(_plan(document)))
    console.print()
    if document["rule"]:
        warning = Text("warning: ", style="bold yellow")
        console.print(warning.append(_rule(document["rule"], document["overrides"]), style="not bold default"))
    console.print(_ending(document))


def _plan(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    change = document["change"]
    yield "function", f"{change['function']} in {document['region']}"
    yield "change", _change(change)
    yield "environment", _environment(change["environment"]["before"])
    yield "after it", _environment(change["environment"]["after"])
    for number, sight in enumerate(document["followed"]):
        yield "" if number else "now", f"{sight['kind']} {sight['subject']}: {sight['shown']}"
    if not document["followed"]:
        yield "now", "neither check, alarm nor health check is named: nothing can be followed"
    if document["command"] == "failover out":
        yield "carried by", ", ".join(document["carried_by"]) or "no region that is known to be healthy"
        for other in document["others"]:
            if not other["carries"]:
                yield "", f"not by {other['region']}: {_not_carrying(other)}"
    yield "why", document["why"] or "not said; --reason TEXT is kept in the ledger"


def _change(change: Mapping[str, Any]) -> str:
    before, after = _value(change["before"]), _value(change["after"])
    others = len(change["environment"]["before"]) - (change["before"] is not None)
    if not change["needed"]:
        return f"none: {change['variable']} is {before} already"
    return f"{change['variable']} from {before} to {after}; {_others(others)}"


def _others(count: int) -> str:
    return "there are no other variables" if not count else f"the other {count} variables stay as they are"


def _value(value: str | None) -> str:
    return "not set" if value is None else value


def _environment(variables: Mapping[str, str]) -> str:
    return "  ".join(f"{name}={value}" for name, value in variables.items()) or "no variables"


def _not_carrying(other: Mapping[str, Any]) -> str:
    return f"{other['verdict']}{f', {why}' if (why := other['why']) else ''}"


def _rule(rule: Mapping[str, str], overrides: Collection[str]) -> str:
    overridden = "overridden by --force" if rule["name"] in overrides else "refused without --force"
    return f"{rule['why']} (rule {rule['name']}, {overridden})"


def _ending(document: Mapping[str, Any]) -> Text:
    if document["status"] == "failed":
        return Text("This was a dry-run, and it could not be done as things are.")
    if document["status"] == "nothing":
        return Text("Nothing to do: it is so already.")
    return Text("This was a dry-run and nothing was changed. Add --execute to do it.")


def show_failover_end(console: Console, document: Mapping[str, Any]) -> None:
    """Print how it ended, how long it took, and what to do next."""
    if "error" not in document:
        say(console, _head(document))
    console.print(facts(_end(document)))
    for step in document["next_steps"]:
        say(console, f"next: {step}")


def _head(document: Mapping[str, Any]) -> Text:
    command, region = document["command"], document["region"]
    if document["reason"] is None:
        return Text("done: ", style="bold green").append(_DONE[command].format(region), style="not bold default")
    told = f"while {_DOING[command].format(region)}: {document['reason']}"
    return Text(f"{document['status']} ", style="bold yellow").append(told, style="not bold default")


def _end(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield "run", document["run_id"]
    change = document["change"]
    yield "change", _made(change) if document["changed"] else "not made" if change["needed"] else "none was needed"
    for sight in document["followed"]:
        since = "" if sight["after_s"] is None else f", after {sight['after_s']:g} s"
        yield sight["kind"], f"{sight['subject']}: {sight['shown'] or 'not looked at'}{since}"
    if document["result"].get("recovery_s") is not None:
        yield "recovery", f"{document['result']['recovery_s']:g} s from the order until all had turned"
    if document["overrides"]:
        yield "overridden", ", ".join(document["overrides"])


def _made(change: Mapping[str, Any]) -> str:
    return f"{change['variable']} from {_value(change['before'])} to {_value(change['after'])}"


class _Line:
    """What is followed, drawn anew whenever it is asked for."""

    def __init__(self, failover: Failover) -> None:
        self._failover = failover

    def __rich__(self) -> Text:
        following = self._failover.following
        states = "  ".join(f"{sight.kind} {visible(sight.last.shown)}" for sight in following.sights if sight.last)
        return Text(f"{following.elapsed_s:,.0f} s  {states}", no_wrap=True, overflow="ellipsis")


@contextmanager
def followed(console: Console, failover: Failover, *, shows_text: bool) -> Iterator[None]:
    """Keep a live line on the console while the body runs, if it is a terminal that people read."""
    if not (shows_text and console.is_terminal):
        yield
        return
    with Live(_Line(failover), console=console, refresh_per_second=4, transient=True):
        yield


def news_line(failover: Failover, news: str) -> Text:
    """A line of news, with the seconds since the beginning."""
    return Text(f"{failover.following.elapsed_s:6.1f} s  {visible(news)}")
