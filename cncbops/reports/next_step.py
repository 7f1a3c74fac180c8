"""What is to be typed next of a run that somebody may take up: one rule, for its summary and for `runs show`."""

from collections.abc import Collection, Mapping, Sequence

from cncbops.lake.objects import CHANGED, GONE
from cncbops.ledger.ledger import Ledger
from cncbops.ledger.place import at_ledger
from cncbops.ledger.rows import Run, Session
from cncbops.queues.source import SCHEME as QUEUES
from cncbops.reports.going_on import NextStep, redrivable, redrive_of, taken_up_again
from cncbops.session.entry import LEFT_OUT

GO_ON, ONCE_MENDED = "Go on with it", "Once the cause is mended"
_THE_REST = "Go on with the rest of the run"
_UNKNOWN_AGAIN = "Send the unknown again, which may arrive twice"
_EARLY = ("crashed", "stopped", "interrupted", "failed")


def next_of_run(ledger: Ledger, run: Run, state: str, totals: Mapping[str, int]) -> NextStep | None:
    """What goes on with a run that nobody is at, or sends again what failed of it; None where nothing would.

    `totals` are those of `totals_of`: counting takes a second where a run has a million objects.
    """
    if run.is_act:
        return NextStep(GO_ON, go_on_with(run)) if state in _EARLY else None
    last = ledger.sessions(run)[-1]
    if again := _redrive_again(run, last, totals):
        return again
    return _resume(ledger, run, state, last, totals) or _redrive(run, totals)


def _redrive_again(run: Run, last: Session, totals: Mapping[str, int]) -> NextStep | None:
    """A redrive that ended early is said again, if something is left of what it was to send."""
    ended_early = last.kind == "redrive" and last.status in _EARLY
    fates: Sequence[str] = (last.summary or {}).get("fates") or () if ended_early else ()
    return NextStep(_when_redriven(totals), redrive_of(run, fates, totals)) if _in_reach(fates, totals) else None


def _in_reach(fates: Sequence[str], totals: Mapping[str, int]) -> bool:
    return any(totals[fate] > totals[f"{fate}_left_out"] for fate in fates)


def _resume(ledger: Ledger, run: Run, state: str, last: Session, totals: Mapping[str, int]) -> NextStep | None:
    """The resume, where something is left to be read: not in what was left out, which it would leave out again.

    What is unknown may arrive twice: all that is open comes before it. What failed for sure comes before a run that is
    through, but not again where that was just tried.
    """
    errors = ledger.known(run).open_errors()
    is_open, is_early = not run.listed or errors.keys() - {LEFT_OUT}, state in _EARLY
    is_redriven_first = not is_early and last.kind != "redrive" and redrivable(totals) == ["failed"]
    if not is_open or is_redriven_first:
        return None
    command = taken_up_again(run, None, _chosen(ledger.sessions(run)) or _on_changed(run, errors))
    if last.kind == "redrive":
        return NextStep(_THE_REST, command)
    return NextStep(GO_ON if is_early and not totals["failed"] else ONCE_MENDED, command)


def _redrive(run: Run, totals: Mapping[str, int]) -> NextStep | None:
    fates = redrivable(totals)
    if fates and all(source.startswith(QUEUES) for source in run.sources):
        return NextStep(ONCE_MENDED, go_on_with(run))  # what failed is on its queue
    return NextStep(_when_redriven(totals), redrive_of(run, fates, totals)) if fates else None


def _when_redriven(totals: Mapping[str, int]) -> str:
    return ONCE_MENDED if _in_reach(["failed"], totals) else _UNKNOWN_AGAIN


def _chosen(sessions: Sequence[Session]) -> str | None:
    """What the last resume was told of objects that changed, if it lived to say so, and was told not to end at them."""
    told = [(each.summary or {}).get("on_changed") for each in sessions if each.kind == "resume"]
    return told[-1] if told and told[-1] != "fail" else None


def _on_changed(run: Run, errors: Collection[str | None]) -> str | None:
    """The option without which a resume ends at objects that are known to have changed, or to be gone."""
    hangs_on_others = run.arguments.get("dedupe") or run.arguments.get("latest_per_key")
    if CHANGED in errors and LEFT_OUT not in errors and not hangs_on_others:
        return "restart"
    return "skip" if {CHANGED, GONE, LEFT_OUT} & set(errors) else None


def go_on_with(run: Run) -> str:
    """The command that goes on with a run, where its last session worked.

    A failover, whose region others may have switched since, is said again.
    """
    if run.is_act and run.command != "invalidate":
        return _said_again(run, "go_on")
    return taken_up_again(run, None, None)


def way_back(act: Run, state: str) -> str | None:
    """The command that undoes an act that was not carried to its end; None where there is none."""
    is_undone = act.is_act and "go_back" in act.terms and state in _EARLY
    return _said_again(act, "go_back") if is_undone else None


def _said_again(act: Run, what: str) -> str:
    """A command line that the ledger keeps, wherever that is by now."""
    return f"{act.terms[what]}{at_ledger(act.folder)}"
