"""What is left to do of a run: what no session has done yet, or the records that failed."""

import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from msgspec import structs

from cncbops.errors import BadInput, CannotRun
from cncbops.inventory.listed import inventory_in
from cncbops.ledger.ledger import Ledger
from cncbops.ledger.place import at_ledger
from cncbops.ledger.rows import Run
from cncbops.queues.source import QueueSource
from cncbops.reports.going_on import taken_up_again
from cncbops.request import ReplayRequest, Request
from cncbops.session.agenda import Agenda
from cncbops.session.entry import RESTARTED, Entry
from cncbops.session.in_doubt import is_in_doubt, most_in_flight
from cncbops.session.picking import PicksNewest
from cncbops.session.progress import Progress
from cncbops.session.resuming import Changes, FailedRecords, OnChanged, Rest, changes, queues_of
from cncbops.survey import Survey

from ._other_runs import BesideRedrive
from ._take_up import Prepared, TakeUp
from ._words import number
from ._working import Work

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def rest(ledger: Ledger, run: Run, prepared: Prepared, take_up: TakeUp) -> Work:
    """What no session has done yet. Raises BadInput for what cannot be done any more."""
    request, queues, known = prepared.request, queues_of(prepared.request), ledger.known(run)
    unfinished = (entry for entry in known.entries(unfinished=True) if entry.source not in queues)
    begun = (entry for entry in unfinished if entry.matched or entry.read or entry.error)
    progress = known.progress(prepared.lanes)
    changed = _changes_of(begun, progress.next_number, run, prepared, take_up)
    returned = [entry for entry in known.entries() if entry.source in queues and _is_queued(entry)] if queues else []
    changed = structs.replace(changed, returned=returned)
    not_chosen = [*returned, *(change.entry for change in changed.found if change.anew)]
    progress = structs.replace(
        progress,
        chosen=progress.chosen - sum(entry.matched for entry in not_chosen),
        next_number=progress.next_number + len(changed.restarted),
    )
    agenda = prepared.with_queues(_unsent(ledger, run, request, prepared.s3, changed))
    return structs.replace(
        prepared.work(prepared.undertake(agenda, progress, ledger.choices(run).claimed())),
        changes=changed,
        in_flight=_in_flight(ledger, run, redrives=False),
        survey=_survey(ledger, run, prepared),
        warnings=[*_changed_since(changed), *prepared.moved],
    )


def _changes_of(begun: Iterator[Entry], next_number: int, run: Run, prepared: Prepared, take_up: TakeUp) -> Changes:
    """What changed of objects that were begun. Raises CncbopsError if that ends a resume."""
    chose_by = _chose_by(prepared.request)
    _require_fits(take_up.on_changed, chose_by)
    changed = changes(begun, prepared.s3, next_number if take_up.on_changed == "restart" else None)
    if changed.found and take_up.on_changed == "fail":
        choices: list[OnChanged] = ["skip"] if chose_by else ["skip", "restart"]
        raise _changed_meanwhile(changed, _choose(choices, run, None, prepared, take_up))
    return changed


def _survey(ledger: Ledger, run: Run, prepared: Prepared) -> Survey | None:
    """Who finds out how much is left: nobody where that takes following other runs, or an inventory."""
    if _follows(prepared.request) or (run.listed and inventory_in(prepared.request.sources)):
        return None
    return Survey(prepared.request, prepared.s3, ledger.known(run).bytes_done())


def _chose_by(request: Request) -> str | None:
    """The option by which what the run sends of one object hangs on what others held."""
    if not isinstance(request, ReplayRequest):
        return None
    return "--latest-per-key" if request.latest_per_key else "--dedupe" if request.dedupe else None


def _require_fits(on_changed: OnChanged, chose_by: str | None) -> None:
    if on_changed == "restart" and chose_by:
        what = f"--on-changed restart with {chose_by}: what was left out hangs on what the changed objects held"
        raise BadInput(what, "Begin a new run with `cncbops replay`, or leave them out with --on-changed skip")


def _unsent(ledger: Ledger, run: Run, request: Request, s3: "S3Client | None", changed: Changes) -> Agenda:
    """What an earlier session left; of a run that has picked nothing yet all, so that it does."""
    rest = Rest(ledger, run, request, s3, changed)
    picks = isinstance(request, ReplayRequest) and request.latest_per_key
    return PicksNewest(rest, request.limit) if picks and not ledger.choices(run).has_picked() else rest


def _follows(request: Request) -> bool:
    return isinstance(request, ReplayRequest) and request.since_run is not None


def _is_queued(message: Entry) -> bool:
    """Whether a message is on its queue still, or is again: what was not delivered of it comes anew."""
    return message.error != RESTARTED and not (message.done and message.delivered == message.matched)


def _in_flight(ledger: Ledger, run: Run, *, redrives: bool) -> int:
    """How many records may have been taken without our knowing: those under way when such a session was killed."""
    sessions = [session for session in ledger.sessions(run) if (session.kind == "redrive") is redrives]
    return most_in_flight(run) if is_in_doubt(sessions) else 0


def _changed_meanwhile(changed: Changes, next_step: str) -> CannotRun:
    found = changed.found
    named = ", ".join(change.entry.object.uri for change in found[:_NAMED])
    more = f" and {len(found) - _NAMED:,} more" if len(found) > _NAMED else ""
    what = f"{len(found):,} of the objects to be read changed or are gone since the run read them: {named}{more}"
    return CannotRun(what, next_step)


_NAMED = 3


def _choose(
    choices: Sequence[OnChanged], run: Run, fates: Sequence[str] | None, prepared: Prepared, take_up: TakeUp
) -> str:
    """The command lines that say what is to become of objects that changed."""
    here = structs.replace(run, cluster=take_up.at.cluster)
    lines = (
        f"{_CHOICES[choice]}: `{taken_up_again(here, fates, choice, executes=prepared.executes)}`" for choice in choices
    )
    return ", or ".join(lines)


_CHOICES = {"skip": "Leave them out", "restart": "send them anew"}


def _anew_instead(run: Run) -> str:
    """What is left to do where a redrive would leave out all that it is for."""
    return f"All that was to be sent lies in them: put them back, or begin a new run with `cncbops {run.command}`"


def _changed_since(changed: Changes) -> list[str]:
    sent_anew = len(changed.restarted)
    left_out = len(changed.found) - sent_anew
    warnings = [f"{_are(sent_anew)} sent anew from the beginning."] if sent_anew else []
    return [*warnings, f"{_are(left_out)} left out."] if left_out else warnings


def _are(changed: int) -> str:
    return f"{number(changed, 'changed object')} {'is' if changed == 1 else 'are'}"


def failed_records(ledger: Ledger, run: Run, prepared: Prepared, take_up: TakeUp) -> Work:
    """The records that failed, whatever limit the run had on its events. Raises CncbopsError."""
    others = BesideRedrive.of(ledger, run)
    if prepared.executes:
        others.require_none()
    doubted = others.in_flight if prepared.executes else 0  # a plan tells of each
    fates, queues = frozenset(take_up.fates), queues_of(prepared.request)
    failed = partial(FailedRecords, ledger, run, fates, queues, reported=prepared.reported)
    changed = changes(failed().entries(), prepared.s3)
    agenda = failed(changed=changed)
    if changed.found and take_up.on_changed == "fail":
        is_left = any(True for _ in agenda.items(threading.Event()))
        choose = _choose(["skip"], run, take_up.fates, prepared, take_up) if is_left else _anew_instead(run)
        raise _changed_meanwhile(changed, choose)
    undertaking = replace(prepared.undertake(agenda, Progress(), ()), names_records=True)
    return structs.replace(
        prepared.work(undertaking),
        changes=changed,
        in_flight=_in_flight(ledger, run, redrives=True) + doubted,
        warnings=[
            *_changed_since(changed),
            *_still_queued(prepared.request, run),
            *others.warnings(),
            *prepared.moved,
        ],
    )


def _still_queued(request: Request, run: Run) -> list[str]:
    queues = [source.uri for source in request.sources if isinstance(source, QueueSource)]
    there = at_ledger(run.folder)
    return [f"What failed of {each} is on it still: send it with `cncbops resubmit {each}{there}`." for each in queues]
