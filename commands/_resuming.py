"""What `runs resume` and `runs redrive` do: take a run up again, on what the ledger knows of it."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from msgspec import structs

from cncbops.aws import Aws
from cncbops.delivery.outcome import traces_of
from cncbops.errors import CannotRun, CncbopsError
from cncbops.finding import bare_name_of
from cncbops.frozen import freeze_target, thaw_terms
from cncbops.identity import whoami
from cncbops.ledger.ledger import Ledger
from cncbops.ledger.lock import RunLock, active
from cncbops.ledger.rows import Run
from cncbops.ledger.worker import this_worker
from cncbops.plans.resubmit_plan import plan_of_resubmit
from cncbops.recipients import Recipient
from cncbops.reports.resubmit_facts import facts_at_end
from cncbops.request import ReplayRequest, ResubmitRequest
from cncbops.session.agenda import lake_client
from cncbops.session.means import here, lasting_name, means_of
from cncbops.session.queued import WithQueues
from cncbops.session.reported import Reported
from cncbops.session.resubmitting import faults_undertaking, terms_of
from cncbops.session.resuming import asked
from cncbops.session.undertakings import events_undertaking
from cncbops.target import Target, inspect
from cncbops.terms import Room, Terms, settle
from cncbops.undertaking import Places, address_of

from ._access import access_of
from ._acts import require_bare, take_up_act
from ._ending import guarded
from ._inventory import read_inventory
from ._ledger import ledger_with
from ._left_to_do import failed_records, rest
from ._options import General
from ._requests import SafetyStops
from ._screen import Screen, screen_for
from ._state import state_folder
from ._take_up import Prepared, TakeUp
from ._working import Heading, InLedger, Work, before_work, execute_work, plan_work, ready, refuse


def carry_out_resume(take_up: TakeUp, general: General) -> int:
    """Go on with what is not done; the exit code."""
    return _carry_out(take_up, general, "resume", rest)


def carry_out_redrive(take_up: TakeUp, general: General) -> int:
    """Send what failed once more; the exit code."""
    return _carry_out(take_up, general, "redrive", failed_records)


_Rest = Callable[[Ledger, Run, Prepared, TakeUp], Work]


def _carry_out(take_up: TakeUp, general: General, kind: str, rest_of: _Rest) -> int:
    screen = screen_for(general, {"command": f"runs {kind}"})
    return guarded(screen, lambda: _run(take_up, general, kind, rest_of, screen))


def _run(take_up: TakeUp, general: General, kind: str, rest_of: _Rest, screen: Screen) -> int:
    folder = state_folder(general.state_dir)
    with ExitStack() as held:
        ledger = _ledger(folder, take_up, held, executes=general.execute)
        run = ledger.find(take_up.run)
        if run.is_act:
            require_bare(run, take_up.of_events)
            return take_up_act(run, kind, folder, general, screen)
        heading = _heading(run, kind, take_up, general)
        screen = replace(screen, unfinished=heading.unfinished)
        try:
            with before_work(screen):
                run = _claimed(ledger, run, held, executes=general.execute)
                prepared = _prepared(ledger, run, take_up, general, heading, held, screen)
                work = rest_of(ledger, run, prepared, take_up)
                if kind == "resume" and not run.listed:
                    work = _with_inventory(work, screen)
                if general.execute:
                    undertaking = work.undertaking
                    alarms = ready(undertaking.request, undertaking.recipients, work.aws, take_up.report)
            if general.execute:
                kept = _taken_up(ledger, run, kind, work, take_up, prepared.reported)
        except CncbopsError as error:
            return refuse(heading, error, screen)
        if general.execute:
            return execute_work(work, kept, alarms, screen)
        return plan_work(work, screen, totals=ledger.known(run).counts())


def _with_inventory(work: Work, screen: Screen) -> Work:
    """The work, once the inventory is read that tells what no session has come to, if there is one."""
    request = work.undertaking.request
    told = read_inventory(request.sources, work.s3, request.window, screen, plans=work.heading.dry_run)
    return structs.replace(
        work,
        heading=structs.replace(work.heading, inventory=told.facts),
        warnings=[*told.warnings, *work.warnings],
    )


def _heading(run: Run, kind: str, take_up: TakeUp, general: General) -> Heading:
    request = asked(run)
    return Heading(
        f"runs {kind}",
        run_id=run.run_id,
        dry_run=not general.execute,
        function=None if isinstance(request, ResubmitRequest) else run.function,
        asynchronous=request.asynchronous,
        sources=run.sources,
        fates=take_up.fates if kind == "redrive" else None,
        on_changed=take_up.on_changed,
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
        raise active(run.run_id, run.folder)
    return ledger.find(run.run_id)


def _prepared(
    ledger: Ledger,
    run: Run,
    take_up: TakeUp,
    general: General,
    heading: Heading,
    held: ExitStack,
    screen: Screen,
) -> Prepared:
    """The run as it was asked, with the safety stops that were typed now. Raises CncbopsError."""
    aws = Aws(access_of(general, run.access))
    request = asked(run)
    typed = SafetyStops(take_up.max_failures, take_up.max_duration, take_up.alarms, take_up.canary)
    request = replace(request, safety=typed.on(request.safety))
    places = take_up.at.taken(request, aws, screen, held)
    if isinstance(request, ResubmitRequest):
        return _prepared_resubmit(ledger, run, request, aws, heading, places, held)
    return _prepared_replay(ledger, run, request, aws, heading, places, show_payload=take_up.show_payload)


def _prepared_replay(
    ledger: Ledger,
    run: Run,
    request: ReplayRequest,
    aws: Aws,
    heading: Heading,
    places: Places,
    *,
    show_payload: bool,
) -> Prepared:
    target = inspect(aws, request.function)
    _require_same_function(run, target)
    terms = _terms(run, request, target, aws)
    recipient, s3 = Recipient(request.function, target, terms), places.listing(lake_client(request, aws))
    return Prepared(
        work=lambda undertaking: Work(heading, undertaking, aws, s3, show_payload=show_payload),
        undertake=lambda agenda, progress, claimed: events_undertaking(
            request, recipient, agenda, progress, places=places, claimed=claimed
        ),
        request=request,
        aws=aws,
        s3=s3,
        lanes=terms.lanes,
        executes=not heading.dry_run,
        moved=_moved(run, target),
        reported=_reported(ledger, run, target, aws) if heading.fates else None,
    )


def _reported(ledger: Ledger, run: Run, target: Target, aws: Aws) -> Reported:
    """The run's events as a resubmit of its report remembers them. Raises CncbopsError."""
    identity = whoami(aws)
    bare_name = bare_name_of(target.function, target.arn, aws.region, identity.account if identity else None)
    return Reported(run.run_id, lasting_name(here(aws), bare_name), ledger.memory(run.id), ledger.began_ms)


def _prepared_resubmit(
    ledger: Ledger, run: Run, request: ResubmitRequest, aws: Aws, heading: Heading, places: Places, held: ExitStack
) -> Prepared:
    means = held.enter_context(means_of(request, aws, places, Room.kept(run.terms), executes=not heading.dry_run))
    memory, terms = ledger.memory(run.id), terms_of(request, means.room)
    return Prepared(
        work=lambda undertaking: Work(
            heading,
            undertaking,
            aws,
            means.s3,
            describe=plan_of_resubmit(means),
            afterwards=lambda _sending, _stop: facts_at_end(means),
        ),
        undertake=lambda agenda, progress, _claimed: faults_undertaking(
            means, memory, run.id, agenda, progress, places=places
        ),
        request=request,
        aws=aws,
        s3=means.s3,
        lanes=terms["lanes"],
        executes=not heading.dry_run,
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


def _moved(run: Run, target: Target) -> list[str]:
    """A deploy in between is often why a run was stopped: said, and no reason to refuse."""
    moved = [name for name, value in freeze_target(target).items() if value and value != run.target.get(name)]
    return ["The function was deployed or changed since the run began."] if moved else []


def _taken_up(ledger: Ledger, run: Run, kind: str, work: Work, take_up: TakeUp, reported: Reported | None) -> InLedger:
    """The run with a session of its own. Raises CncbopsError if another machine works on it."""
    identity = whoami(work.aws)
    worker = this_worker(identity.arn if identity else None, address_of(work.undertaking.cluster))
    session = ledger.take_up(run, kind, worker)
    traces = reported.traces if reported else traces_of
    is_redrive = kind == "redrive"
    writer = ledger.redrive_writer(run, session, traces) if is_redrive else ledger.run_writer(run, session)
    return InLedger(ledger, run, session, writer, take_up.report)
