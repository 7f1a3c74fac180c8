"""What `runs resume` and `runs redrive` do: take a run up again, on what the ledger knows of it."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from cncbops.aws import Aws
from cncbops.errors import BadInput, CannotRun, CncbopsError
from cncbops.frozen import freeze_target, thaw_request, thaw_terms
from cncbops.identity import whoami
from cncbops.ledger.ledger import Ledger
from cncbops.ledger.lock import RunLock, active
from cncbops.ledger.rows import Run
from cncbops.ledger.worker import this_worker
from cncbops.replay import Undertaking
from cncbops.request import ReplayRequest
from cncbops.session.agenda import lake_client
from cncbops.session.resuming import Changes, FailedRecords, OnChanged, Rest, changes
from cncbops.survey import Survey
from cncbops.target import Target, inspect
from cncbops.terms import Terms, settle

from ._options import General
from ._requests import SafetyStops
from ._screen import Screen, guarded, screen_for, state_folder
from ._working import Heading, InLedger, Work, access_of, execute_work, plan_work, ready, refuse


@dataclass(frozen=True)
class TakeUp:
    """One command line of `runs resume` or `runs redrive`, as typed."""

    run: str
    on_changed: OnChanged
    max_failures: str | None
    max_duration: str | None
    alarms: tuple[str, ...]
    canary: int | None
    unknown: bool
    report: Path | None
    show_payload: bool


def carry_out_resume(take_up: TakeUp, general: General) -> int:
    """Go on with what is not done; the exit code."""
    return _carry_out(take_up, general, "resume", _rest)


def carry_out_redrive(take_up: TakeUp, general: General) -> int:
    """Send what failed once more; the exit code."""
    return _carry_out(take_up, general, "redrive", _failed_records)


_Undertake = Callable[[Ledger, Run, Work, TakeUp], Work]


def _carry_out(take_up: TakeUp, general: General, kind: str, undertake: _Undertake) -> int:
    screen = screen_for(general)
    command = f"runs {kind}"
    return guarded(screen, lambda: _run(take_up, general, kind, undertake, screen), {"command": command})


def _run(take_up: TakeUp, general: General, kind: str, undertake: _Undertake, screen: Screen) -> int:
    folder = state_folder(general.state_dir)
    with ExitStack() as held:
        ledger = _ledger(folder, take_up, held, executes=general.execute)
        run = ledger.find(take_up.run)
        request = thaw_request(run.arguments)
        heading = Heading(
            f"runs {kind}",
            run_id=run.run_id,
            dry_run=not general.execute,
            function=run.function,
            asynchronous=request.asynchronous,
            sources=run.sources,
        )
        try:
            run = _claimed(ledger, run, held, executes=general.execute)
            work = _prepared(ledger, run, request, take_up, general, heading)
            work = undertake(ledger, run, work, take_up)
            alarms = ready(work, take_up.report) if general.execute else None
            kept = _taken_up(ledger, run, kind, work, take_up) if general.execute else None
        except CncbopsError as error:
            return refuse(heading, error, screen)
        if kept:
            return execute_work(work, kept, alarms, screen)
        return plan_work(work, screen, totals=ledger.counts(run))


def _ledger(folder: Path, take_up: TakeUp, held: ExitStack, *, executes: bool) -> Ledger:
    """The ledger that has the run: to be written if the run is to go on. Raises BadInput if there is none."""
    looked = Ledger.look(folder)
    if looked is None:
        raise BadInput(f"there is no run {take_up.run}: no ledger in {folder}", "Give its place with --state-dir")
    if not executes:
        return held.enter_context(looked)
    looked.close()
    return held.enter_context(Ledger.open(folder))


def _claimed(ledger: Ledger, run: Run, held: ExitStack, *, executes: bool) -> Run:
    """The run as it stands; to be executed, it is locked as long as `held` is, and before anything is read of it.

    Raises CannotRun if somebody works on it.
    """
    if executes:
        held.enter_context(RunLock(ledger.folder, run.run_id))
    elif ledger.is_active(run):
        raise active(run.run_id)
    return ledger.find(run.run_id)


def _prepared(
    ledger: Ledger, run: Run, request: ReplayRequest, take_up: TakeUp, general: General, heading: Heading
) -> Work:
    """The run under its frozen arguments, with all of its lake still to do. Raises CncbopsError."""
    aws = Aws(access_of(general, run.access))
    target = inspect(aws, request.function)
    _require_same_function(run, target)
    typed = SafetyStops(take_up.max_failures, take_up.max_duration, take_up.alarms, take_up.canary)
    request = replace(request, safety=typed.on(request.safety))
    terms = _terms(run, request, target, aws)
    s3 = lake_client(request, aws)
    undertaking = Undertaking(request, target, terms, Rest(ledger, run, request, s3))
    return Work(heading, undertaking, aws, s3, show_payload=take_up.show_payload)


def _require_same_function(run: Run, target: Target) -> None:
    known = run.target.get("arn")
    if known and target.arn and known != target.arn:
        what = f"run {run.run_id} was to {known}, and {target.function} is now {target.arn}"
        raise CannotRun(what, "Check --profile, --role-arn, --region and --endpoint-url")


def _terms(run: Run, request: ReplayRequest, target: Target, aws: Aws) -> Terms:
    today = settle(request, target, aws.in_region(request.function.region).region)
    return thaw_terms(run.terms, today.read_timeout_s)


def _rest(ledger: Ledger, run: Run, work: Work, take_up: TakeUp) -> Work:
    """What no session has done yet."""
    undertaking = work.undertaking
    begun = (entry for entry in ledger.entries(run, unfinished=True) if entry.matched or entry.read or entry.error)
    progress = ledger.progress(run, undertaking.terms.lanes)
    changed = changes(begun, work.s3, take_up.on_changed, progress.next_number)
    chosen = progress.chosen - sum(change.entry.matched for change in changed.found if change.anew)
    next_number = progress.next_number + len(changed.restarted)
    in_flight = _in_flight(ledger, run, undertaking.terms, redrives=False)
    return replace(
        work,
        undertaking=replace(
            undertaking,
            agenda=Rest(ledger, run, undertaking.request, work.s3, changed),
            progress=replace(progress, chosen=chosen, next_number=next_number),
        ),
        changes=changed,
        in_flight=in_flight,
        survey=Survey(undertaking.request, work.aws, ledger.bytes_done(run)),
        warnings=[*_changed_since(changed), *_moved(run, undertaking.target), *_killed(in_flight)],
    )


def _in_flight(ledger: Ledger, run: Run, terms: Terms, *, redrives: bool) -> int:
    """How many records may have been taken without our knowing: those under way when such a session was killed."""
    sessions = [session for session in ledger.sessions(run) if (session.kind == "redrive") is redrives]
    was_killed = bool(sessions) and sessions[-1].ended_ms is None
    return terms.concurrency * terms.limits.records if was_killed else 0


def _killed(in_flight: int) -> list[str]:
    if not in_flight:
        return []
    return [f"The last session was killed: up to {in_flight:,} records that were under way may arrive twice."]


def _changed_since(changed: Changes) -> list[str]:
    sent_anew = len(changed.restarted)
    left_out = len(changed.found) - sent_anew
    warnings = [f"{sent_anew:,} changed objects are sent anew from their beginning."] if sent_anew else []
    return [*warnings, f"{left_out:,} changed objects are left out."] if left_out else warnings


def _moved(run: Run, target: Target) -> list[str]:
    """A deploy in between is often why a run was stopped: said, and no reason to refuse."""
    moved = [name for name, value in freeze_target(target).items() if value and value != run.target.get(name)]
    return ["The function was deployed or changed since the run began."] if moved else []


def _failed_records(ledger: Ledger, run: Run, work: Work, take_up: TakeUp) -> Work:
    """The records that failed, whatever limit the run had on its events."""
    undertaking = work.undertaking
    fates = {"failed", "unknown"} if take_up.unknown else {"failed"}
    changed = changes(FailedRecords(ledger, run, fates).entries(), work.s3, take_up.on_changed)
    again = Undertaking(
        request=replace(undertaking.request, limit=None),
        target=undertaking.target,
        terms=undertaking.terms,
        agenda=FailedRecords(ledger, run, fates, changed),
    )
    in_flight = _in_flight(ledger, run, undertaking.terms, redrives=True)
    warnings = [*_changed_since(changed), *_moved(run, undertaking.target), *_killed(in_flight)]
    return replace(work, undertaking=again, changes=changed, in_flight=in_flight, warnings=warnings)


def _taken_up(ledger: Ledger, run: Run, kind: str, work: Work, take_up: TakeUp) -> InLedger:
    """The run with a session of its own. Raises CncbopsError if another machine works on it."""
    identity = whoami(work.aws)
    session = ledger.take_up(run, kind, this_worker(identity.arn if identity else None))
    writers: dict[str, Callable[[Run, int], Any]] = {"resume": ledger.run_writer, "redrive": ledger.redrive_writer}
    return InLedger(ledger, run, session, writers[kind](run, session), take_up.report)
