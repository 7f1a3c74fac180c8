"""What the ledger says of a run, as data: what `cncbops runs` shows and reports are made of."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from msgspec import structs

from cncbops.lake.sources import printable
from cncbops.ledger.ledger import Ledger
from cncbops.ledger.rows import GivenOrder, KeptFailure, Run, Session
from cncbops.reports.going_on import NextStep
from cncbops.reports.next_step import GO_ON, next_of_run, way_back
from cncbops.reports.summary import iso, totals_of
from cncbops.session.entry import LEFT_OUT, Entry
from cncbops.session.in_doubt import is_in_doubt, most_in_flight

_AT_WORK = ("running", "redriving", "paused")


def state_of(ledger: Ledger, run: Run) -> str:
    """A run's state in one word: its status, or running, redriving, paused, crashed."""
    if not ledger.is_active(run) or (run.ended_ms and ledger.sessions(run)[-1].ended_ms):
        return _left_as(ledger.sessions(run)) if run.status == "running" else run.status
    if ledger.is_paused(run):
        return "paused"
    return "redriving" if ledger.sessions(run)[-1].kind == "redrive" else "running"


def _left_as(sessions: Sequence[Session]) -> str:
    """How a run was left whose end nobody wrote down: crashed, or interrupted. A redrive is no end of a run."""
    last = [session for session in sessions if session.kind != "redrive"][-1]
    return "crashed" if last.status == "running" else last.status


def headline(ledger: Ledger, run: Run) -> dict[str, Any]:
    """A run in a few words: a row of `runs ls`."""
    state = state_of(ledger, run)
    return {
        "run_id": run.run_id,
        "command": run.command,
        "status": state,
        "reason": run.reason,
        "function": None if run.is_act else run.function,
        "subject": run.function,
        "source": list(run.sources),
        "who": ledger.sessions(run)[0].who,
        "account": run.account,
        "started": iso(run.started_ms),
        "ended": None if state in _AT_WORK else iso(run.ended_ms),
        "counts": totals_of(ledger.known(run).counts()),
    }


def details(ledger: Ledger, run: Run) -> dict[str, Any]:
    """All that is known of a run but its objects and failures."""
    head = headline(ledger, run)
    sessions, step = ledger.sessions(run), _next_step(ledger, run, head)
    return {
        **head,
        "next_step": step and step.command,
        "next_step_when": step and step.when,
        "way_back": way_back(run, head["status"]),
        "listed": run.listed,
        "possible_duplicates": _possible_duplicates(run, sessions),
        "orders": [_order(each) for each in ledger.orders(run)],
        "version": sessions[0].version,
        "arguments": run.arguments,
        "terms": run.terms,
        "target": run.target,
        "requests": _requests(ledger, run) if run.command == "invalidate" else None,
        "access": run.access,
        "plan_sha256": run.plan_sha256,
        "ledger": printable(str(ledger.path)),
        "sessions": [_session(each, active=ledger.is_active(run) and each is sessions[-1]) for each in sessions],
    }


def _requests(ledger: Ledger, run: Run) -> dict[str, Any]:
    """How far an invalidation's requests are, in whatever state the run is."""
    from cncbops.cdn.edge import COMPLETED  # here: of other runs nothing is told of it

    states = ledger.invalidations(run).states()
    created = [each for each in states if each.id]
    return {
        "total": len(states),
        "created": len(created),
        "completed": sum(each.status == COMPLETED for each in created),
        "paths": sum(each.paths for each in states),
        "paths_sent": sum(each.paths for each in created),
        "invalidations": [asdict(each) for each in created],
    }


def _next_step(ledger: Ledger, run: Run, head: Mapping[str, Any]) -> NextStep | None:
    """What goes on with a run, None where nothing is left or somebody is at it who has not paused it."""
    if (state := head["status"]) == "paused":
        return NextStep(GO_ON, run.to_type("continue"))
    return None if state in _AT_WORK else next_of_run(ledger, run, state, head["counts"])


def _possible_duplicates(run: Run, sessions: Sequence[Session]) -> int:
    """Records that may have arrived twice: after lost answers, and those under way when a session was killed.

    The latter are told by the session that sends next.
    """
    return sum(_doubted(run, each, sessions[:at]) for at, each in enumerate(sessions))


def _doubted(run: Run, session: Session, earlier: Sequence[Session]) -> int:
    """How many a session has told of; at least as many as one before it had under way, if this one has no end."""
    if session.summary:
        return int(session.summary.get("events", {}).get("possible_duplicates", 0))
    return max(session.doubted, most_in_flight(run) if is_in_doubt(earlier) else 0)


def _session(session: Session, *, active: bool) -> dict[str, Any]:
    """A session; one that has no end and is not at work was killed, or left at once."""
    return {
        "session": session.number,
        "kind": session.kind,
        "who": session.who,
        "host": session.host.partition("/")[0],
        "process": session.process,
        "version": session.version,
        "started": iso(session.started_ms),
        "ended": iso(session.ended_ms),
        "last_seen": iso(session.seen_ms),
        "status": "crashed" if session.status == "running" and not active else session.status,
        "reason": session.reason,
        "summary": session.summary,
    }


def _order(order: GivenOrder) -> dict[str, Any]:
    """An order that somebody gave, and when it was carried out."""
    return {**structs.asdict(order), "given": iso(order.given), "taken": iso(order.taken)}


def object_facts(entry: Entry) -> dict[str, Any]:
    """An object of a run: `state` is done, open, left_out or unreadable; its counts are events."""
    counts = {name: getattr(entry, name) for name in ("read", "matched", "delivered", "failed", "unknown", "malformed")}
    return {
        "uri": entry.object.uri,
        "etag": entry.object.etag,
        "size": entry.object.size,
        "state": _state_of_object(entry),
        "error": entry.error,
        **counts,
        "not_sent": entry.matched - entry.settled,
    }


def _state_of_object(entry: Entry) -> str:
    if entry.error == LEFT_OUT:
        return "left_out"
    return "unreadable" if entry.error else "done" if entry.done else "open"


def failure_facts(kept: KeptFailure) -> dict[str, Any]:
    """A failure of a run: `line` 0 means the object; `mended_in` is the session in which it came right."""
    told = {"time": iso(kept.told_ms), "session": kept.session, "mended_in": kept.mended_in}
    return {**structs.asdict(kept.failure), **told}
