"""What `runs resume` and `runs redrive` do: take a run up again, on what the ledger knows of it."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cncbops.aws import Aws
from cncbops.errors import BadInput, CannotRun, CncbopsError
from cncbops.frozen import freeze_target, thaw_terms
from cncbops.identity import whoami
from cncbops.inventory.listed import inventory_in
from cncbops.ledger.ledger import Ledger
from cncbops.ledger.lock import RunLock, active
from cncbops.ledger.rows import Run
from cncbops.ledger.worker import this_worker
from cncbops.plans.resubmit_plan import plan_of_resubmit
from cncbops.queues.source import QueueSource
from cncbops.recipients import Recipient
from cncbops.reports.resubmit_facts import facts_at_end
from cncbops.request import ReplayRequest, Request, ResubmitRequest
from cncbops.session.agenda import Agenda, lake_client
from cncbops.session.entry import RESTARTED, Entry
from cncbops.session.means import means_of
from cncbops.session.picking import PicksNewest
from cncbops.session.progress import Progress
from cncbops.session.queued import WithQueues
from cncbops.session.resubmitting import faults_undertaking, most_in_flight, terms_of
from cncbops.session.resuming import Changes, FailedRecords, OnChanged, Rest, asked, changes, queues_of
from cncbops.session.undertakings import events_undertaking, processors
from cncbops.survey import Survey
from cncbops.target import Target, inspect
from cncbops.terms import Terms, settle
from cncbops.undertaking import Undertaking

from ._access import access_of
from ._acts import require_bare, take_up_act
from ._inventory import read_inventory
from ._ledger import ledger_with
from ._options import General
from ._requests import SafetyStops
from ._screen import Screen, guarded, screen_for, state_folder
from ._working import Heading, InLedger, Work, execute_work, plan_work, ready, refuse

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


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
    workers: int | None = None

    @property
    def of_events(self) -> list[str]:
        """The options given that only a run of events can heed."""
        given = {
            "--on-changed": self.on_changed != "fail",
            "--max-failures": self.max_failures,
            "--max-duration": self.max_duration,
            "--stop-on-alarm": self.alarms,
            "--canary": self.canary,
            "--unknown": self.unknown,
            "--report": self.report,
            "--show-payload": self.show_payload,
            "--workers": self.workers,
        }
        return [name for name, value in given.items() if value]


def carry_out_resume(take_up: TakeUp, general: General) -> int:
    """Go on with what is not done; the exit code."""
    return _carry_out(take_up, general, "resume", _rest)


def carry_out_redrive(take_up: TakeUp, general: General) -> int:
    """Send what failed once more; the exit code."""
    return _carry_out(take_up, general, "redrive", _failed_records)


_Rest = Callable[[Ledger, Run, "_Prepared", TakeUp], Work]


def _carry_out(take_up: TakeUp, general: General, kind: str, rest_of: _Rest) -> int:
    screen = screen_for(general)
    command = f"runs {kind}"
    return guarded(screen, lambda: _run(take_up, general, kind, rest_of, screen), {"command": command})


def _run(take_up: TakeUp, general: General, kind: str, rest_of: _Rest, screen: Screen) -> int:
    folder = state_folder(general.state_dir)
    with ExitStack() as held:
        ledger = _ledger(folder, take_up, held, executes=general.execute)
        run = ledger.find(take_up.run)
        if run.is_act:
            require_bare(run, take_up.of_events)
            return take_up_act(run, kind, folder, general, screen)
        heading = _heading(run, kind, general)
        try:
            run = _claimed(ledger, run, held, executes=general.execute)
            work = rest_of(ledger, run, _prepared(ledger, run, take_up, general, heading, held), take_up)
            if kind == "resume" and not run.listed:
                work = _with_inventory(work, screen)
            undertaking = work.undertaking
            alarms = (
                ready(undertaking.request, undertaking.recipients, work.aws, take_up.report)
                if general.execute
                else None
            )
            kept = _taken_up(ledger, run, kind, work, take_up) if general.execute else None
        except CncbopsError as error:
            return refuse(heading, error, screen)
        if kept:
            return execute_work(work, kept, alarms, screen)
        return plan_work(work, screen, totals=ledger.counts(run))


def _with_inventory(work: Work, screen: Screen) -> Work:
    """The work, once the inventory is read that tells what no session has come to, if there is one."""
    request = work.undertaking.request
    told = read_inventory(request.sources, work.s3, request.window, screen, plans=work.heading.dry_run)
    return replace(
        work,
        heading=replace(work.heading, inventory=told.facts),
        warnings=[*told.warnings, *work.warnings],
    )


def _heading(run: Run, kind: str, general: General) -> Heading:
    request = asked(run)
    return Heading(
        f"runs {kind}",
        run_id=run.run_id,
        dry_run=not general.execute,
        function=None if isinstance(request, ResubmitRequest) else run.function,
        asynchronous=request.asynchronous,
        sources=run.sources,
    )


def _ledger(folder: Path, take_up: TakeUp, held: ExitStack, *, executes: bool) -> Ledger:
    """The ledger that has the run: to be written if the run is to go on. Raises BadInput if there is none."""
    looked = ledger_with(take_up.run, folder)
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


@dataclass(frozen=True)
class _Prepared:
    """A run under its frozen arguments: `undertake` makes work of what is to be done of it.

    `lanes` are those of its earlier sessions; `moved` is what a plan says of what changed since; `with_queues`
    puts the messages of its queues behind its objects.
    """

    work: Callable[[Undertaking], Work]
    undertake: Callable[[Agenda, Progress, Iterable[bytes]], Undertaking]
    request: Request
    aws: Aws
    s3: "S3Client | None"
    lanes: int
    moved: Sequence[str] = ()
    with_queues: Callable[[Agenda], Agenda] = lambda objects: objects


def _prepared(
    ledger: Ledger, run: Run, take_up: TakeUp, general: General, heading: Heading, held: ExitStack
) -> _Prepared:
    """The run as it was asked, with the safety stops that were typed now. Raises CncbopsError."""
    aws = Aws(access_of(general, run.access))
    request = asked(run)
    typed = SafetyStops(take_up.max_failures, take_up.max_duration, take_up.alarms, take_up.canary)
    request = replace(request, safety=typed.on(request.safety))
    if isinstance(request, ResubmitRequest):
        return _prepared_resubmit(ledger, run, request, aws, heading, take_up, held)
    return _prepared_replay(run, request, aws, heading, take_up)


def _prepared_replay(run: Run, request: ReplayRequest, aws: Aws, heading: Heading, take_up: TakeUp) -> _Prepared:
    target = inspect(aws, request.function)
    _require_same_function(run, target)
    terms = _terms(run, request, target, aws)
    recipient, s3 = Recipient(request.function, target, terms), lake_client(request, aws)
    return _Prepared(
        work=lambda undertaking: Work(heading, undertaking, aws, s3, show_payload=take_up.show_payload),
        undertake=lambda agenda, progress, claimed: events_undertaking(
            request, recipient, agenda, progress, workers=take_up.workers or processors(), claimed=claimed
        ),
        request=request,
        aws=aws,
        s3=s3,
        lanes=terms.lanes,
        moved=_moved(run, target),
    )


def _prepared_resubmit(
    ledger: Ledger, run: Run, request: ResubmitRequest, aws: Aws, heading: Heading, take_up: TakeUp, held: ExitStack
) -> _Prepared:
    means = held.enter_context(means_of(request, aws, executes=not heading.dry_run))
    memory, terms = ledger.memory(run.id), terms_of(request)
    return _Prepared(
        work=lambda undertaking: Work(
            heading,
            undertaking,
            aws,
            means.s3,
            describe=plan_of_resubmit(means),
            afterwards=lambda _sending, _stop: facts_at_end(means),
        ),
        undertake=lambda agenda, progress, _claimed: faults_undertaking(
            means, memory, run.id, agenda, progress, workers=take_up.workers or processors()
        ),
        request=request,
        aws=aws,
        s3=means.s3,
        lanes=terms["lanes"],
        with_queues=lambda objects: WithQueues(objects, means.queues),
    )


def _require_same_function(run: Run, target: Target) -> None:
    known = run.target.get("arn")
    if known and target.arn and known != target.arn:
        what = f"run {run.run_id} was to {known}, and {target.function} is now {target.arn}"
        raise CannotRun(what, "Check --profile, --role-arn, --region and --endpoint-url")


def _terms(run: Run, request: ReplayRequest, target: Target, aws: Aws) -> Terms:
    today = settle(request, target, aws.in_region(request.function.region).region)
    return thaw_terms(run.terms, today.read_timeout_s)


def _rest(ledger: Ledger, run: Run, prepared: _Prepared, take_up: TakeUp) -> Work:
    """What no session has done yet. Raises BadInput for what cannot be done any more."""
    request, queues = prepared.request, queues_of(prepared.request)
    chose_by = _chose_by(request)
    _require_fits(take_up.on_changed, chose_by)
    unfinished = (entry for entry in ledger.entries(run, unfinished=True) if entry.source not in queues)
    begun = (entry for entry in unfinished if entry.matched or entry.read or entry.error)
    progress = ledger.progress(run, prepared.lanes)
    changed = changes(begun, prepared.s3, take_up.on_changed, None if chose_by else progress.next_number)
    returned = (
        [entry for entry in ledger.entries(run) if entry.source in queues and _is_queued(entry)] if queues else []
    )
    changed = replace(changed, returned=returned)
    not_chosen = [*returned, *(change.entry for change in changed.found if change.anew)]
    progress = replace(
        progress,
        chosen=progress.chosen - sum(entry.matched for entry in not_chosen),
        next_number=progress.next_number + len(changed.restarted),
    )
    in_flight = _in_flight(ledger, run, redrives=False)
    agenda = prepared.with_queues(_unsent(ledger, run, request, prepared.s3, changed))
    return replace(
        prepared.work(prepared.undertake(agenda, progress, ledger.choices(run).claimed())),
        changes=changed,
        in_flight=in_flight,
        survey=_survey(ledger, run, prepared),
        warnings=[*_changed_since(changed), *prepared.moved, *_killed(in_flight)],
    )


def _survey(ledger: Ledger, run: Run, prepared: _Prepared) -> Survey | None:
    """Who finds out how much is left: nobody where that takes following other runs, or an inventory."""
    if _follows(prepared.request) or (run.listed and inventory_in(prepared.request.sources)):
        return None
    return Survey(prepared.request, prepared.s3, ledger.bytes_done(run))


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
    was_killed = bool(sessions) and sessions[-1].ended_ms is None
    return most_in_flight(run) if was_killed else 0


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


def _failed_records(ledger: Ledger, run: Run, prepared: _Prepared, take_up: TakeUp) -> Work:
    """The records that failed, whatever limit the run had on its events."""
    fates = {"failed", "unknown"} if take_up.unknown else {"failed"}
    queues = queues_of(prepared.request)
    changed = changes(FailedRecords(ledger, run, fates, queues).entries(), prepared.s3, take_up.on_changed)
    agenda = FailedRecords(ledger, run, fates, queues, changed)
    in_flight = _in_flight(ledger, run, redrives=True)
    undertaking = replace(prepared.undertake(agenda, Progress(), ()), names_records=True)
    return replace(
        prepared.work(undertaking),
        changes=changed,
        in_flight=in_flight,
        warnings=[*_changed_since(changed), *_still_queued(prepared.request), *prepared.moved, *_killed(in_flight)],
    )


def _still_queued(request: Request) -> list[str]:
    queues = [source.uri for source in request.sources if isinstance(source, QueueSource)]
    return [f"What failed of {queue} is on it still: send it with `cncbops resubmit {queue}`." for queue in queues]


def _taken_up(ledger: Ledger, run: Run, kind: str, work: Work, take_up: TakeUp) -> InLedger:
    """The run with a session of its own. Raises CncbopsError if another machine works on it."""
    identity = whoami(work.aws)
    session = ledger.take_up(run, kind, this_worker(identity.arn if identity else None))
    writers: dict[str, Callable[[Run, int], Any]] = {"resume": ledger.run_writer, "redrive": ledger.redrive_writer}
    return InLedger(ledger, run, session, writers[kind](run, session), take_up.report)
