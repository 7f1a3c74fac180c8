"""What a run did, as text on standard error: the same data that `-o json` prints."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.text import Text

from cncbops.lake.objects import CHANGED, GONE
from cncbops.ledger.place import on_run
from cncbops.queues.source import SCHEME as QUEUES
from cncbops.reports.going_on import named
from cncbops.session.since import LISTED

from ._flow import say
from ._tables import facts
from ._words import a_rate, duplicates, not_read, number, workers_in_words

_ENDINGS = {
    "nothing": ("nothing to do", "no event matches"),
    "succeeded": ("done", "every event was delivered"),
    "partial": ("done", "but not everything could be delivered"),
    "failed": ("failed", "the run could not go on"),
    "stopped": ("stopped", "what was under way was finished first"),
    "interrupted": ("interrupted", "what was under way was finished first"),
}

_LEFT_OUT = {
    "sent_before": "sent before (see --again)",
    "came_back": "came back after they were sent (see --again)",
    "not_chosen": "not chosen",
    "raised_since": "raised since this command began",
    "repeated": "met twice, or another pipeline's of a record that is sent",
}
_UNDELIVERABLE = "NotDeliverable"
_MOVED = {CHANGED: "changed", GONE: "gone"}
"""Objects that could be read well enough, and are not what was to be read, by their errors."""
LEFT_BEHIND = (
    "What is left lies in objects that changed or are gone: put them back and resume, or see what "
    "`cncbops runs resume --help` says of --on-changed"
)
_FLAWED = {"broken": "broken", "without_record": "without a record", "not_whole": "not whole"}


def show_summary(console: Console, document: Mapping[str, Any]) -> None:
    """Print a run's counts, its first failures, and where the others are."""
    word, meaning = _ending(document)
    say(console, Text(f"{word}: ", style="bold").append(meaning, style="not bold"))
    console.print(facts(_counts(document)))
    show_still_broken(console, document)
    show_came_back(console, document.get("came_back", ()))
    show_failures(console, document)
    show_next_steps(console, document)


def _counts(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    events = document["events"]
    if document["ledger"]:
        yield "run", document["run_id"]
    yield from _of_faults(document) if "functions" in document else _of_events(document)
    if events["possible_duplicates"]:
        yield "duplicates", duplicates(events["possible_duplicates"], events["matched"])
    yield "invocations", _answers(document["invocations"])
    if workers := workers_in_words(document["workers"]):
        yield "workers", workers
    if document["run"] and document["command"].startswith("runs "):
        yield "whole run", fates(document["run"])
    yield "time", f"{document['duration_s']:.1f} s, {a_rate(document['events_per_s'])} events/s"


def _of_events(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    events, objects = document["events"], document["objects"]
    yield "events", fates(events)
    if passed_over(events):
        yield "left out", ", ".join(passed_over(events))
    if changed(objects):
        yield "changed", changed(objects)
    if events["malformed"]:
        yield "lake", number(events["malformed"], "malformed line")
    if objects["failed"]:
        yield "objects", not_read(objects["failed"], objects["left_out"])


def passed_over(events: Mapping[str, int]) -> list[str]:
    """Why events that the selection chooses are not sent."""
    reasons = {
        "repeated": "whose id was met before",
        "older": "older than another of the key",
        "resubmitted": "sent before, from the run's report",
    }
    return [f"{events[name]:,} {why}" for name, why in reasons.items() if events[name]]


def changed(objects: Mapping[str, int]) -> str:
    """How many objects are not what they were when the run that is followed listed them, if any."""
    if not objects["changed"]:
        return ""
    return f"{number(objects['changed'], 'object')} changed since the run before listed them, and sent whole"


def _ending(document: Mapping[str, Any]) -> tuple[str, str]:
    """How it ended, in a word and in what that means."""
    word, meaning = _ENDINGS[document["status"]]
    if document["status"] == "stopped":
        return word, document["reason"]
    if document["status"] == "nothing":
        return word, nothing_matches(document)
    if document["status"] == "succeeded" and document["invocation"] == "async":
        meaning = f"{meaning} into Lambda's queue"
    if "functions" not in document:
        return word, meaning
    events = document["events"]
    is_done = document["status"] == "partial" and not (events["failed"] or events["unknown"] or events["malformed"])
    has_come_back = document["faults"]["came_back"] or document["faults"]["still_broken"]
    if is_done and has_come_back and not document["objects"]["failed"]:
        return word, "but faults came back after they were sent"
    return word, meaning.replace("every event", "every fault")


def nothing_matches(document: Mapping[str, Any]) -> str:
    """Why there is nothing to do."""
    if document["command"].startswith("runs "):
        return _nothing_left(document["fates"], document["objects"]["left_out"])
    since, objects = document.get("since_run"), document["objects"]
    if since and not objects["read"]:
        listed = number(objects["skipped_as"].get(LISTED, 0), "object")
        verb = "was" if listed == "1 object" else "were"
        return f"nothing is new since run {since['run_id']}: {listed} {verb} listed by then"
    if not objects["listed"] and not any(source.startswith(QUEUES) for source in document["source"]):
        return f"no object was found under {' or '.join(document['source'])}"
    faults = document.get("faults")
    if faults and faults["came_back"]:
        return f"{number(faults['came_back'], 'fault')} came back, nothing else matches"
    if faults and faults["sent_before"]:
        return f"{number(faults['sent_before'], 'fault')} sent before, no other matches"
    return "no fault matches" if faults else "no event matches"


def _nothing_left(fates: Sequence[str] | None, left_out: int) -> str:
    if fates is None:
        return "nothing is left of it that can be sent"
    failed = f"that failed{' or is unknown' if 'unknown' in fates else ''}"
    return f"all {failed} lies in objects that changed or are gone" if left_out else f"nothing {failed} is left of it"


def _of_faults(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield "faults", fates(document["events"])
    for name, share in document["functions"].items():
        yield (
            "function",
            f"{name or '(none named)'}: {_listed(share, ('delivered', 'failed', 'unknown')) or 'none sent'}",
        )
    if left_out(document["faults"]):
        yield "left out", left_out(document["faults"])
    if document["faults"]["sent_again"]:
        yield "sent again", f"{number(document['faults']['sent_again'], 'fault')} of those delivered before"
    if flawed(document["faults"]):
        yield "trouble", flawed(document["faults"])
    for queue in document.get("queues", ()):
        yield (
            "queue",
            f"{queue['queue']}: {_listed(queue, ('deleted', 'left', 'not_deleted')) or 'no message'}{_held(queue)}",
        )
    if document["objects"]["failed"]:
        yield "objects", not_read(document["objects"]["failed"], document["objects"]["left_out"])


def _held(queue: Mapping[str, Any]) -> str:
    """What somebody else has received, such as a run that was killed: seen only once it is let go."""
    held = queue["in_flight_before"]
    return f"; about {held:,} in flight elsewhere when this began" if held else ""


def left_out(faults: Mapping[str, int]) -> str:
    """Why faults that were read are not sent."""
    return ", ".join(f"{faults[name]:,} {why}" for name, why in _LEFT_OUT.items() if faults[name])


def flawed(faults: Mapping[str, int]) -> str:
    """How many faults nobody can send."""
    return ", ".join(f"{faults[name]:,} {what}" for name, what in _FLAWED.items() if faults[name])


def show_came_back(console: Console, groups: Sequence[Mapping[str, Any]]) -> None:
    """Print the groups of faults that are not sent again, since nothing was mended meanwhile."""
    for group in groups:
        line = Text("keeps coming back: ", style="bold red")
        cause = f"{group['function']}: {group['error']}: {group['shape']}"
        line.append(f"{group['count']:,} in group {group['fingerprint']}: {cause}", "not bold default")
        say(console, line)
    if groups:
        say(console, "They are sent again once the function was deployed, or with --again.")


def show_still_broken(console: Console, document: Mapping[str, Any]) -> None:
    """Print the groups of which faults came back while somebody watched."""
    if "still_broken" not in document:
        return
    if not document["still_broken"]:
        say(console, "watched: nothing that was sent came back as a fault")
    for each in document["still_broken"]:
        line = Text("still broken: ", style="bold red")
        cause = f"{each['function']}: {each['error']}: {each['message']}"
        line.append(
            f"{each['came_back']:,} of {each['delivered']:,} in group {each['fingerprint']}: {cause}", "default"
        )
        say(console, line)
    if document["still_broken"]:
        source = " ".join(document["source"])
        say(console, f"Look at them: cncbops faults stats {source}; mend, deploy, resubmit")


def fates(events: Mapping[str, int]) -> str:
    """What became of the events that matched: a sum that always holds."""
    names = ("delivered", "failed", "unknown", *(["not_sent"] if events["not_sent"] else []))
    parts = " + ".join(f"{events[fate]:,} {fate.replace('_', ' ')}" for fate in names)
    return f"{events['matched']:,} matched = {parts}"


def _answers(calls: Mapping[str, int]) -> str:
    counts = _listed(calls, ("succeeded", "failed", "throttled", "unknown"))
    again = f"; {calls['retried']:,} of them sent something again" if calls["retried"] else ""
    return f"{calls['total']:,}: {counts}{again}" if calls["total"] else "none"


def _listed(calls: Mapping[str, int], names: Sequence[str]) -> str:
    return ", ".join(f"{calls[name]:,} {name.replace('_', ' ')}" for name in names if calls[name])


def show_failures(console: Console, document: Mapping[str, Any]) -> None:
    """Print the first failures, a line each, and where the others are."""
    hidden = _UNDELIVERABLE if "functions" in document else ""  # told once for each function
    for failure in (each for each in document["failures"] if each["error"] != hidden):
        where = f"{failure['object']}:{failure['line']}" if failure["line"] else failure["object"]
        event = f" event {failure['event_id']}" if failure["event_id"] else ""
        what = _MOVED.get(failure["error"]) if failure["fate"] == "unreadable" else None
        why = failure["message"] if what else f"{failure['error']}: {failure['message']}"
        line = Text(f"{what or failure['fate']}: ", style="bold red")
        line.append(f"{where}{event}: {why}", style="not bold default")
        say(console, line)


def _show_undeliverable(console: Console, document: Mapping[str, Any]) -> None:
    """Print the functions that take nothing, each once, and what to do."""
    found = {each["message"] for each in document["failures"] if each["error"] == _UNDELIVERABLE}
    for message in sorted(found):
        say(console, Text("not sent: ", style="bold red").append(message, style="not bold default"))
    if found:
        say(console, "Or send these elsewhere: cncbops resubmit ... --map OLD=NEW, or --function NAME")


def show_next_steps(console: Console, document: Mapping[str, Any]) -> None:
    """Print the commands that go on from here: what is not done is in the ledger."""
    if not document["ledger"]:
        return
    events = document["events"]
    if "functions" in document:
        _show_undeliverable(console, document)
    if document["next_step"]:
        say(console, f"{document['next_step_when']}: {document['next_step']}")
        if events["failed"] and document.get("faults", {}).get("sent_again"):
            say(console, "A resubmit of its report takes --again, too: what had been sent before failed among it.")
    elif document["run"] and document["run"]["objects_left_out"]:
        say(console, LEFT_BEHIND)
    if events["failed"] or events["unknown"] or events["malformed"] or document["objects"]["failed"]:
        run = named(document)
        say(console, f"All of it: {on_run('show', run.run_id, run.folder)}")
