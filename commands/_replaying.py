"""What `cncbops replay` does with its options: plan or execute something new, or what a file planned."""

import shlex
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from msgspec import Struct, field, structs

from cncbops.aws import Aws
from cncbops.cluster.address import at_cluster
from cncbops.errors import BadInput, CncbopsError
from cncbops.frozen import freeze_target, freeze_terms
from cncbops.identity import whoami
from cncbops.lake.sources import printable
from cncbops.ledger.ledger import FIRST_SESSION, Ledger
from cncbops.ledger.lock import RunLock
from cncbops.ledger.place import at_ledger
from cncbops.ledger.rows import Run, new_run_id
from cncbops.ledger.worker import this_worker
from cncbops.likeness import Likeness
from cncbops.plans.following import Planned, require_unmoved
from cncbops.plans.plan import plan as plan_of_replay
from cncbops.plans.plan_format import PlanHeader
from cncbops.plans.plan_reading import PlanFile, read_plan
from cncbops.plans.plan_writing import PlanWriter
from cncbops.recipients import Recipient
from cncbops.reports.run_facts import state_of
from cncbops.request import ReplayRequest
from cncbops.sending import Sending
from cncbops.session.agenda import Agenda, lake_client
from cncbops.session.at_work import alarm_watch
from cncbops.session.beginning import (
    likeness_of,
    new_run,
    require_first,
    sent_before,
    warnings_of,
)
from cncbops.session.picking import PicksNewest
from cncbops.session.resuming import Rest
from cncbops.session.since import lake_of
from cncbops.session.undertakings import events_undertaking
from cncbops.survey import Survey
from cncbops.target import inspect
from cncbops.terms import Room, settle
from cncbops.undertaking import Places, Undertaking, address_of

from ._access import access_of
from ._ending import guarded
from ._inventory import read_inventory
from ._ledger import ledger_with
from ._options import General
from ._requests import Asked, request_of
from ._screen import Screen, screen_for
from ._since import followed_by, told_since
from ._staged import told_names
from ._state import state_folder
from ._working import Heading, InLedger, SavedPlan, Work, before_work, execute_work, plan_work, ready, refuse
from ._workplace import Workplace


class Replaying(Struct, frozen=True):
    """One command line of `replay`: something new, what a file plans, or a run to go on with."""

    asked: Asked
    plan_file: Path | None
    resume: str | None
    save_plan: Path | None
    again: bool
    show_payload: bool
    report: Path | None
    at: Workplace


def carry_out(typed: Replaying, general: General) -> int:
    """Do what was typed, and show it; the exit code."""
    screen = screen_for(general, {"command": "replay"})
    return guarded(screen, lambda: _chosen(typed, general, screen))


def _chosen(typed: Replaying, general: General, screen: Screen) -> int:
    """Do one of the three things. Raises BadInput if more than one was typed."""
    if typed.resume is None and typed.plan_file is None:
        return _begin(typed, general, screen)
    if typed.asked.says_what or typed.save_plan or (typed.resume and typed.plan_file):
        name, given = ("--resume", "") if typed.resume else ("--plan", ", with --again if what was sent is meant")
        hint = f"Everything else was said before: give {name} alone, and --execute{given}"
        raise BadInput(f"{name} beside other options", hint)
    if typed.plan_file:
        plan = read_plan(typed.plan_file)
        request = plan.header.request
        request = replace(request, safety=typed.asked.safety.on(request.safety))
        return _run(request, _Before(plan, vars(plan.header)), typed, general, screen)
    return _resume(typed, general)


def _begin(typed: Replaying, general: General, screen: Screen) -> int:
    """Do something new. Raises CncbopsError if it is not all said, and neither stage nor run before tells the rest."""
    asked, stage = typed.asked, None
    if asked.stage:
        names = asked.stage.names(general)
        asked = asked.named(names)
        stage = told_names(names, screen, plans=not general.execute)
    followed = followed_by(asked, general)
    before = _Before(access=followed.access if followed else {}, stage=stage)
    return _run(request_of(asked, screen, followed), before, typed, general, screen)


def _resume(typed: Replaying, general: General) -> int:
    from ._resuming import carry_out_resume  # here: it takes up resubmits too, and imports all of theirs
    from ._take_up import TakeUp

    safety = typed.asked.safety
    take_up = TakeUp(
        run=typed.resume or "",
        on_changed="fail",
        unknown=False,
        report=typed.report,
        show_payload=typed.show_payload,
        at=typed.at,
        **structs.asdict(safety),
    )
    return carry_out_resume(take_up, general)


class _Before(Struct, frozen=True):
    """What a new run follows: a plan, or how AWS was reached by the run before it; and what its stage stood for."""

    plan: PlanFile | None = None
    access: Mapping[str, Any] = field(default_factory=dict)
    stage: Mapping[str, Any] | None = None


class _New(Struct, frozen=True):
    """A run that may begin: its work, whom it is like, and the plan that it follows, if one.

    `undertake` makes the undertaking of another agenda.
    """

    request: ReplayRequest
    work: Work
    undertake: Callable[[Agenda], Undertaking]
    alike: Likeness
    plan: PlanFile | None


def _run(request: ReplayRequest, before: _Before, typed: Replaying, general: General, screen: Screen) -> int:
    if typed.report and not general.execute:
        screen.note("a dry-run has nothing to report: no report is written")
    if general.execute and typed.save_plan:
        raise BadInput("--save-plan with --execute", "A plan is what a dry-run writes; execute it with --plan")
    heading = Heading(
        "replay",
        run_id=new_run_id(),
        dry_run=not general.execute,
        function=str(request.function),
        asynchronous=request.asynchronous,
        sources=[source.uri for source in request.sources],
        stage=before.stage,
    )
    screen = replace(screen, unfinished=heading.unfinished)
    with ExitStack() as held:
        try:
            with before_work(screen):
                new = _prepared(request, before, typed, general, heading, screen, held)
                if general.execute:
                    alarms = ready(request, new.work.undertaking.recipients, new.work.aws, typed.report)
            if general.execute:
                kept = _begun(new, typed, general, held)
        except CncbopsError as error:
            return refuse(heading, error, screen)
        if general.execute:
            return execute_work(_planned(new, kept), kept, alarms, screen)
        return _plan(new, typed, general, screen)


def _prepared(
    request: ReplayRequest,
    before: _Before,
    typed: Replaying,
    general: General,
    heading: Heading,
    screen: Screen,
    held: ExitStack,
) -> _New:
    """The run as it would begin, as long as `held` is. Raises CncbopsError if it may not."""
    aws, plan = Aws(access_of(general, before.access)), before.plan
    places = typed.at.taken(request, aws, screen, held)
    target = inspect(aws, request.function)
    room = Room.kept(plan.header.terms) if plan else places.room
    terms = settle(request, target, aws.in_region(request.function.region).region, room=room)
    s3 = places.listing(lake_client(request, aws))
    told = read_inventory(request.sources, s3, request.window, screen, plans=not general.execute)
    ledger = held.enter_context(ledger_with(request.since_run, general.state_dir)) if request.since_run else None
    lake = lake_of(request, s3, ledger)
    recipient = Recipient(request.function, target, terms)
    if plan:
        require_unmoved(plan, recipient, lake)
    alike = likeness_of(request, target, aws)
    undertake = partial(_undertaking, request, recipient, places=places)
    since = told_since(request, ledger, screen, plans=not general.execute)
    work = Work(
        structs.replace(heading, inventory=told.facts, since_run=since),
        undertake(Planned(plan) if plan else lake),
        aws,
        s3,
        None if request.since_run else Survey(request, s3),
        warnings=[] if general.execute else [*told.warnings, *_warnings(request, since, aws)],
        show_payload=typed.show_payload,
        describe=partial(plan_of_replay, sent_before=_of_earlier(alike, request, typed, general)),
    )
    return _New(request, work, undertake, alike, plan)


def _undertaking(request: ReplayRequest, recipient: Recipient, objects: Agenda, *, places: Places) -> Undertaking:
    agenda = PicksNewest(objects, request.limit) if request.latest_per_key else objects
    return events_undertaking(request, recipient, agenda, places=places)


def _warnings(request: ReplayRequest, since: Mapping[str, Any] | None, aws: Aws) -> list[str]:
    """What a plan says of the runs that it follows, and of alarms."""
    return [*(since["warnings"] if since else []), *_ringing(request, aws)]


def _of_earlier(alike: Likeness, request: ReplayRequest, typed: Replaying, general: General) -> list[str]:
    """What a plan says of other runs in the ledger that sent some of the same."""
    return [] if general.execute or typed.again else warnings_of(_sent_before(alike, request.since_run, general))


def _ringing(request: ReplayRequest, aws: Aws) -> list[str]:
    """What a plan says of alarms that would stop its run at once. Raises CncbopsError for an unknown one."""
    watch = alarm_watch(request.safety, aws, request.function.region)
    reason = watch.check() if watch else None
    return [f"A run would be stopped at once: {reason}."] if reason else []


def _planned(new: _New, kept: InLedger) -> Work:
    """The work; of a run that follows a plan, as the ledger has it from now on."""
    if new.plan is None:
        return new.work
    rest = Rest(kept.ledger, kept.ledger.find(kept.run.run_id), new.request, new.work.s3)
    return structs.replace(new.work, undertaking=new.undertake(rest))


def _sent_before(alike: Likeness, since_run: str | None, general: General) -> list[Run]:
    """The runs in the ledger that sent some of the same."""
    ledger = Ledger.look(state_folder(general.state_dir))
    if ledger is None:
        return []
    with ledger:
        return _sent_in(ledger, alike, since_run)


def _sent_in(ledger: Ledger, alike: Likeness, since_run: str | None) -> list[Run]:
    """The same of one ledger; each run's status is the state that it is in."""
    runs = sent_before(ledger, alike, since_run)
    return [structs.replace(run, status=state_of(ledger, run)) for run in runs]


def _begun(new: _New, typed: Replaying, general: General, held: ExitStack) -> InLedger:
    """The run in the ledger, and locked, as long as `held` is. Raises CncbopsError, with nothing sent."""
    identity = whoami(new.work.aws)
    ledger = held.enter_context(Ledger.open(state_folder(general.state_dir)))
    held.enter_context(RunLock(ledger.folder, new.work.heading.run_id))
    run = ledger.begin(
        new_run(
            new.work.heading.run_id,
            new.request,
            new.work.undertaking.recipients.only,
            new.work.aws.access,
            new.alike,
            new.plan.sha256 if new.plan else None,
        ),
        this_worker(identity.arn if identity else None, address_of(new.work.undertaking.cluster)),
        Planned(new.plan).entries() if new.plan else None,
        unless=lambda: None if typed.again else require_first(_sent_in(ledger, new.alike, new.request.since_run)),
    )
    return InLedger(ledger, run, FIRST_SESSION, ledger.run_writer(run, FIRST_SESSION), typed.report)


def _plan(new: _New, typed: Replaying, general: General, screen: Screen) -> int:
    """Plan, and save the plan where that was asked for."""
    if not typed.save_plan:
        return plan_work(new.work, screen)
    if typed.again:
        screen.note("the plan does not keep --again: it is typed with --plan, too, where what was sent is meant")
    file = typed.save_plan
    with PlanWriter(file, _plan_header(new)) as writer:

        def finish(replay: Sending) -> SavedPlan:
            writer.finish(_counts(replay))
            return _saved(file, typed, general)

        return plan_work(new.work, screen, writer, finish=finish)


def _saved(file: Path, typed: Replaying, general: General) -> SavedPlan:
    """Where a plan is, and what executes it: where it was made, into the same ledger."""
    name = printable(str(file))
    there = f"{at_cluster(typed.at.cluster)}{at_ledger(state_folder(general.state_dir))}"
    again = " --again" if typed.again else ""
    return SavedPlan(name, f"cncbops replay --plan {shlex.quote(name)}{again} --execute{there}")


def _counts(replay: Sending) -> dict[str, Any]:
    return {**structs.asdict(replay.journal.tally.events), "invocations": replay.journal.tally.calls.total}


def _plan_header(new: _New) -> PlanHeader:
    request, recipient, aws = new.request, new.work.undertaking.recipients.only, new.work.aws
    identity = whoami(aws)
    return PlanHeader(
        request=request,
        terms=freeze_terms(recipient.terms),
        function=freeze_target(recipient.target),
        region=aws.region,
        role_arn=aws.access.role_arn,
        endpoint_url=aws.access.endpoint_url,
        source_role_arn=aws.access.source_role_arn,
        account=identity.account if identity else None,
        by=identity.arn if identity else None,
        made=datetime.now(UTC),
    )
