"""What `cncbops resubmit` does with its options: plan or execute something new."""

import shlex
import threading
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from msgspec import structs

from cncbops.aws import Aws
from cncbops.errors import BadInput, CncbopsError
from cncbops.faults.sources import stored
from cncbops.function_name import FunctionName, parse_function
from cncbops.inventory.listed import listed_from
from cncbops.lake.sources import printable
from cncbops.ledger.ledger import FIRST_SESSION, Ledger
from cncbops.ledger.lock import RunLock
from cncbops.ledger.place import at_ledger
from cncbops.ledger.rows import new_run_id
from cncbops.ledger.worker import this_worker
from cncbops.plans.resubmit_plan import plan_of_resubmit
from cncbops.reports.resubmit_facts import facts_at_end
from cncbops.request import ResubmitRequest
from cncbops.safety.limits import Safety, parse_duration
from cncbops.sending import Sending
from cncbops.session.agenda import Agenda, WholeLake
from cncbops.session.at_work import alarm_watch
from cncbops.session.means import Means, means_of
from cncbops.session.memory import NoMemory
from cncbops.session.queued import WithQueues
from cncbops.session.resubmitting import (
    faults_undertaking,
    new_resubmit,
)
from cncbops.session.watching import Watch
from cncbops.survey import Survey
from cncbops.undertaking import Places, address_of

from ._access import access_of
from ._ending import guarded
from ._faults_asked import Choice
from ._inventory import read_inventory
from ._options import General
from ._other_runs import BesideResubmit, require_alone
from ._requests import Delivery, SafetyStops, fault_sources_of
from ._screen import Screen, screen_for
from ._staged import Staged, told_names
from ._state import state_folder
from ._take_up import TakeUp
from ._words import span
from ._working import Heading, InLedger, Work, before_work, execute_work, late_line, plan_work, ready, refuse
from ._workplace import Workplace

if TYPE_CHECKING:
    from cncbops.stage import Names


@dataclass(frozen=True)
class Whereto:
    """To which functions, as typed."""

    function: str | None
    renamed: tuple[str, ...]
    qualifier: str | None


@dataclass(frozen=True)
class Resubmitting:
    """One command line of `resubmit`: something new, or a run to go on with. `watch` is how long to watch."""

    choice: Choice
    limit: int | None
    again: bool
    whereto: Whereto
    one_by_one: bool
    delivery: Delivery
    safety: SafetyStops
    watch: str | None
    resume: str | None
    report: Path | None
    at: Workplace
    stage: Staged | None

    def named(self, names: "Names") -> Self:
        """The same with what was not typed as the stage has it. Raises CncbopsError."""
        function = names.function(self.whereto.function) if self.whereto.function else None
        return replace(self, choice=self.choice.named(names), whereto=replace(self.whereto, function=function))

    @property
    def says_what(self) -> bool:
        """Whether anything was typed that says what to send, whereto, or how."""
        as_usual = Delivery(None, None, None, False, True, None, True, "retry")
        choice = any(value for value in vars(self.choice).values())
        whereto = any(value for value in vars(self.whereto).values())
        return bool(choice or whereto or self.limit or self.again or self.one_by_one or self.delivery != as_usual)


def carry_out(typed: Resubmitting, general: General) -> int:
    """Do what was typed, and show it; the exit code."""
    screen = screen_for(general, {"command": "resubmit"})
    return guarded(screen, lambda: _chosen(typed, general, screen))


def _chosen(typed: Resubmitting, general: General, screen: Screen) -> int:
    if typed.resume is None:
        return _begin(typed, general, screen)
    if typed.says_what or typed.watch:
        raise BadInput(
            "--resume beside other options", "Everything was said before: give --resume alone, and --execute"
        )
    from ._resuming import carry_out_resume  # here: it takes up replays too, and imports all of theirs

    return carry_out_resume(_take_up(typed, typed.resume), general)


def _begin(typed: Resubmitting, general: General, screen: Screen) -> int:
    """Do something new. Raises CncbopsError if it is not all said, and its stage does not tell the rest."""
    stage = None
    if typed.stage:
        names = typed.stage.names(general)
        typed = typed.named(names)
        stage = told_names(names, screen, plans=not general.execute)
    _require_no_report_alone(typed, general)
    return _run(_request(typed, screen), typed, general, screen, stage)


def _require_no_report_alone(typed: Resubmitting, general: General) -> None:
    """Raise BadInput where all that is named is a report that is there: it is to be read, and not to be written."""
    choice, report = typed.choice, typed.report
    if choice.sources or choice.bucket or not (report and report.suffix.lower() == ".jsonl" and report.is_file()):
        return
    name = printable(str(report))
    again = f"cncbops resubmit {shlex.quote(name)}{at_ledger(state_folder(general.state_dir))}"
    what = f"no source is given, and --report would write {name}, which is there already"
    raise BadInput(what, f"To send again what failed in it, name it as the source: `{again}`")


def _take_up(typed: Resubmitting, run: str) -> TakeUp:
    return TakeUp(
        run=run,
        on_changed="fail",
        unknown=False,
        report=typed.report,
        show_payload=False,
        at=typed.at,
        **structs.asdict(typed.safety),
    )


def _request(typed: Resubmitting, screen: Screen) -> ResubmitRequest:
    """The request that was typed. Raises BadInput if something in it cannot be meant."""
    choice, whereto = typed.choice, typed.whereto
    if whereto.function and whereto.renamed:
        raise BadInput("--function with --map", "--function sends all faults to one function; give one of them")
    return ResubmitRequest(
        sources=listed_from(
            fault_sources_of(choice.sources or (), choice.bucket, choice.prefix, screen), choice.inventory
        ),
        choice=choice.selection(),
        function=parse_function(whereto.function) if whereto.function else None,
        renames=tuple(map(_renamed, whereto.renamed)),
        qualifier=_qualifier(whereto.qualifier),
        one_by_one=typed.one_by_one,
        again=typed.again,
        until_ms=int(time.time() * 1000),
        limit=typed.limit,
        safety=typed.safety.on(Safety()),
        **structs.asdict(typed.delivery),
    )


def _renamed(text: str) -> tuple[str, FunctionName]:
    old, equals, new = text.partition("=")
    if not (equals and old and new):
        raise BadInput(f"--map {text!r} says no new name", "Write --map OLD=NEW")
    return parse_function(old).name, parse_function(new)


def _qualifier(text: str | None) -> str | None:
    """A version or alias; raises BadInput for what can be none."""
    return parse_function(f"any:{text}").qualifier if text else None


def _run(
    request: ResubmitRequest,
    typed: Resubmitting,
    general: General,
    screen: Screen,
    stage: Mapping[str, Any] | None,
) -> int:
    if typed.watch and not stored(request.sources):
        raise BadInput("--watch-faults with queues alone", "New faults are looked for in objects: name where they lie")
    if not general.execute:
        _note_dry_run(typed, screen)
    watch_s = parse_duration(typed.watch) if typed.watch else None
    heading = Heading(
        "resubmit",
        run_id=new_run_id(),
        dry_run=not general.execute,
        function=None,
        asynchronous=request.asynchronous,
        sources=[source.uri for source in request.sources],
        stage=stage,
    )
    screen = replace(screen, unfinished=heading.unfinished)
    with ExitStack() as held:
        try:
            with before_work(screen):
                aws = Aws(access_of(general, {}))
                places = typed.at.taken(request, aws, screen, held)
                means = held.enter_context(means_of(request, aws, places, executes=general.execute))
                told = read_inventory(request.sources, means.s3, request.window, screen, plans=not general.execute)
                heading = structs.replace(heading, inventory=told.facts)
                if general.execute:
                    alarms = ready(request, means.recipients, aws, typed.report)
                    ledger = _opened(heading, general, held)
                else:
                    work = _planned(means, heading, general, places, held)
            if not general.execute:
                return plan_work(structs.replace(work, warnings=[*told.warnings, *work.warnings]), screen)
            work, kept = _begun(means, ledger, heading, typed, places, screen)
        except CncbopsError as error:
            return refuse(heading, error, screen)
        return execute_work(
            structs.replace(work, afterwards=partial(_afterwards, means, kept, watch_s, screen)), kept, alarms, screen
        )


def _note_dry_run(typed: Resubmitting, screen: Screen) -> None:
    if typed.report:
        screen.note("a dry-run has nothing to report: no report is written")
    if typed.watch:
        screen.note("a dry-run sends nothing: there is nothing to watch for")


def _planned(means: Means, heading: Heading, general: General, places: Places, held: ExitStack) -> Work:
    """What a dry-run does, with what the ledger remembers if there is one."""
    ledger = Ledger.look(state_folder(general.state_dir))
    memory = held.enter_context(ledger).memory() if ledger else NoMemory()
    others = BesideResubmit.of(ledger, means).warnings() if ledger else ()
    undertaking = faults_undertaking(means, memory, None, _agenda(means), places=places)
    alarms = alarm_watch(means.request.safety, means.aws, means.request.region)
    ringing = alarms.check() if alarms else None
    warnings = [*others, *([f"A run would be stopped at once: {ringing}."] if ringing else [])]
    survey = Survey(means.request, means.s3)
    return Work(heading, undertaking, means.aws, means.s3, survey, warnings=warnings, describe=plan_of_resubmit(means))


def _opened(heading: Heading, general: General, held: ExitStack) -> Ledger:
    """The ledger, with all sorted in that is remembered, and the run's lock; as long as `held` is."""
    ledger = held.enter_context(Ledger.open(state_folder(general.state_dir)))
    held.enter_context(RunLock(ledger.folder, heading.run_id))
    ledger.sort_resubmitted()
    return ledger


def _begun(
    means: Means, ledger: Ledger, heading: Heading, typed: Resubmitting, places: Places, screen: Screen
) -> tuple[Work, InLedger]:
    """The run in the ledger. Raises CncbopsError, with nothing sent."""
    request, aws, identity = means.request, means.aws, means.identity
    others = BesideResubmit.of(ledger, means)
    for warning in others.warnings():
        screen.note(warning)
    run = ledger.begin(
        new_resubmit(heading.run_id, means),
        this_worker(identity.arn if identity else None, address_of(places.cluster)),
        unless=lambda: require_alone(ledger, means),
    )
    undertaking = faults_undertaking(means, ledger.resubmitted(run.id), run.id, _agenda(means), places=places)
    work = Work(heading, undertaking, aws, means.s3, Survey(request, means.s3), in_flight=others.in_flight)
    return work, InLedger(ledger, run, FIRST_SESSION, ledger.run_writer(run, FIRST_SESSION), typed.report)


def _agenda(means: Means) -> Agenda:
    return WithQueues(WholeLake(means.request, means.s3), means.queues)


def _afterwards(
    means: Means, kept: InLedger, watch_s: float | None, screen: Screen, sending: Sending, stop: threading.Event
) -> dict[str, Any]:
    """What became of the queues, what keeps coming back; and, where that was asked for, what came back just now."""
    more = facts_at_end(means)
    if watch_s is not None and not sending.has_ended_early:
        watch = Watch(means, kept.ledger.resubmitted(kept.run.id), kept.run.id, kept.run.started_ms)
        with late_line(f"all is sent; watching for what comes back, {span(watch_s)} at most", screen):
            found = watch.look(watch_s, stop)
        sending.journal.tally.faults.still_broken = sum(each.came_back for each in found)
        more["still_broken"] = [asdict(each) for each in found]
    return more
