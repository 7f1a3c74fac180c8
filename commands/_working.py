"""One session of work, planned or executed, and told: what replay, resubmit, resume and redrive share."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from msgspec import Struct, field, structs

from cncbops.aws import Aws
from cncbops.errors import BadInput, CncbopsError
from cncbops.lake.sources import LocalSource, extent_of, printable
from cncbops.ledger.ledger import Ledger
from cncbops.ledger.pulse import leave
from cncbops.ledger.rows import Counts, Run
from cncbops.ledger.writing import RedriveWriter, RunWriter
from cncbops.plans.plan import plan
from cncbops.recipients import Recipients
from cncbops.reports.going_on import NextStep, taken_up_again
from cncbops.reports.next_step import GO_ON, next_of_run
from cncbops.reports.run_report import require_writable
from cncbops.reports.summary import Report, summary, totals_of
from cncbops.request import Request
from cncbops.safety.alarms import AlarmWatch
from cncbops.sending import Sending, objection_of
from cncbops.session.at_work import alarm_watch, at_work
from cncbops.session.journal import Journal
from cncbops.session.keeper import NoKeeper, RunKeeper
from cncbops.session.resuming import Changes
from cncbops.survey import Survey
from cncbops.terms import require_able
from cncbops.undertaking import Undertaking

from ._output import LOOK_THERE, RUN_AGAIN
from ._reporting import report_to
from ._screen import Screen
from ._signals import leaving_on_signal, stop_on_signal
from ._words import number, visible

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class Heading(Struct, frozen=True):
    """What a summary says of a command before anything is known of its work."""

    command: str
    run_id: str
    dry_run: bool
    function: str | None
    asynchronous: bool
    sources: Sequence[str]
    stage: Mapping[str, Any] | None = None
    inventory: Mapping[str, Any] | None = None
    since_run: Mapping[str, Any] | None = None
    fates: Sequence[str] | None = None
    on_changed: str | None = None
    started: float = field(default_factory=time.monotonic)

    def report(self, journal: Journal, **more: Any) -> Report:
        """The report on what has come of it by now."""
        facts = {name: value for name, value in structs.asdict(self).items() if name != "started"}
        return Report(**facts, journal=journal, duration_s=time.monotonic() - self.started, **more)

    def unfinished(self, journal: Journal | None = None) -> dict[str, Any]:
        """The summary of a command that is left in the midst, or before its work begins and there is a journal."""
        journal = journal or Journal(NoKeeper())
        journal.tally.events.leave_rest()
        return summary(self.report(journal, interrupted=True))


class Work(Struct, frozen=True):
    """One session's work, and what its plan says beside.

    `in_flight` is how many records a killed session may have sent without writing it down. `describe` makes
    the plan's own part of the summary, `afterwards` does what is to be done once all is sent, and makes more of it.
    """

    heading: Heading
    undertaking: Undertaking
    aws: Aws
    s3: "S3Client | None"
    survey: Survey | None = None
    changes: Changes = Changes()
    in_flight: int = 0
    warnings: Sequence[str] = ()
    show_payload: bool = False
    describe: Callable[..., dict[str, Any]] = plan
    afterwards: Callable[[Sending, threading.Event], dict[str, Any]] = lambda _sending, _stop: {}


class SavedPlan(NamedTuple):
    """Where a plan is saved, and the command that executes it; None where it is not."""

    file: str | None = None
    next_step: str | None = None


def plan_work(
    work: Work,
    screen: Screen,
    keeper: RunKeeper | None = None,
    totals: Counts | None = None,
    finish: Callable[[Sending], SavedPlan] = lambda _: SavedPlan(),
) -> int:
    """Plan and show the plan; the exit code. `finish` is called when all went well, and tells where the plan is."""
    stop = threading.Event()
    sending = _sending(work, keeper or NoKeeper(), stop, screen, plans=True)
    screen = replace(screen, unfinished=partial(work.heading.unfinished, sending.journal))
    with stop_on_signal(stop, screen, stopping="\nstopping: again to leave at once\n"):
        with sending, _line(work, sending, screen):
            sending.plan()
        return _tell_plan(work, sending, screen, totals, finish)


def _tell_plan(
    work: Work, sending: Sending, screen: Screen, totals: Counts | None, finish: Callable[[Sending], SavedPlan]
) -> int:
    """Show what was planned; the exit code."""
    report = work.heading.report(
        sending.journal,
        error=sending.error or objection_of(sending),
        interrupted=sending.interrupted,
        totals=totals,
        workers=sending.workers,
    )
    document = summary(report)
    if not sending.error:
        warnings = [*work.warnings, *_in_doubt(work, sending)]
        told = work.describe(sending, warnings, show_payload=work.show_payload)
        saved = SavedPlan() if sending.interrupted else finish(sending)
        document["plan"] = {**told, **saved._asdict()}
    return _tell(report, document, screen)


def _in_doubt(work: Work, sending: Sending) -> list[str]:
    """That a killed session may have sent some of what is left: no more than that is, once all of it is known."""
    tally = sending.journal.tally
    records = max(tally.events.matched, sum(share.records for share in tally.functions.values()))
    left = work.in_flight if sending.interrupted else records
    most = min(work.in_flight, left)
    if not most:
        return []
    under_way = f"of what was under way, up to {number(most, 'record')} may arrive twice"
    return [f"A session was killed, or left at once: {under_way}."]


class InLedger(Struct, frozen=True):
    """Where a session is written down; `report_file` is where the run is told for auditors at the end."""

    ledger: Ledger
    run: Run
    session: int
    writer: RunWriter | RedriveWriter
    report_file: Path | None


def execute_work(work: Work, kept: InLedger, alarms: AlarmWatch | None, screen: Screen) -> int:
    """Do it, write it down and tell; the exit code."""
    stop = threading.Event()
    sending = _sending(work, kept.writer, stop, screen)
    screen = replace(screen, unfinished=partial(work.heading.unfinished, sending.journal))
    leaving = partial(leave, kept.ledger.folder, kept.run.id, kept.session)
    try:
        with (
            stop_on_signal(stop, screen, _farewell(kept.run, sending, work.heading), leaving=leaving),
            sending,
            at_work(sending, kept.ledger, kept.run, kept.session, alarms),
            _line(work, sending, screen),
        ):
            sending.execute()
    except CncbopsError as error:
        sending.end(error)
    # Nothing is left to be sent: what ends this ends no more than this.
    with stop_on_signal(over := threading.Event(), screen, leaving=leaving):
        return _end(work, kept, sending, over, screen)


def _end(work: Work, kept: InLedger, sending: Sending, over: threading.Event, screen: Screen) -> int:
    """Do what comes afterwards, write the end down and tell; the exit code."""
    more: dict[str, Any] = {}
    try:
        more = work.afterwards(sending, over)
    except CncbopsError as error:
        sending.end(error)
    report = _write_down(work, kept, sending, screen)
    code = _tell(report, {**summary(report), **more}, screen)
    if kept.report_file:
        report_to(kept.report_file, kept.ledger, kept.ledger.find(kept.run.run_id), screen)
    return code


def before_work(screen: Screen) -> AbstractContextManager[None]:
    """Let a signal end the command at once: until its work begins nothing is under way that had to be finished."""
    farewell = "interrupted: nothing was sent\n" if screen.shows_text else ""
    return leaving_on_signal(farewell, screen.broken_off)


def refuse(heading: Heading, error: CncbopsError, screen: Screen) -> int:
    """Tell that the work could not begin; the exit code."""
    report = heading.report(Journal(NoKeeper()), error=error)
    return _tell(report, summary(report), screen)


def ready(request: Request, recipients: Recipients, aws: Aws, report_file: Path | None) -> AlarmWatch | None:
    """Raise CncbopsError if the work could not begin as things are; the watch over the alarms it named."""
    if report_file:
        _require_no_source(report_file, request)
        require_writable(report_file)
    for recipient in recipients.known.values():
        require_able(recipient.target, asynchronous=request.asynchronous)
    return alarm_watch(request.safety, aws, request.region)


def _require_no_source(report_file: Path, request: Request) -> None:
    """Raise BadInput where the report would be written over what is read, which may be all that knows what failed."""
    here = extent_of(LocalSource(report_file))
    local = (source for source in request.sources if isinstance(source, LocalSource))
    if report_file.exists() and any(here.startswith(extent_of(source)) for source in local):
        what = f"the report would be written over {printable(str(report_file))}, from which events are read"
        raise BadInput(what, "Name another file with --report")


def _sending(work: Work, keeper: RunKeeper, stop: threading.Event, screen: Screen, *, plans: bool = False) -> Sending:
    sending = Sending(work.undertaking, work.aws, keeper, stop, plans=plans, note=screen.note)
    sending.journal.doubt(work.in_flight)
    for entry in work.changes.returned:
        sending.journal.give_back(entry)
    for change in work.changes.found:
        if change.anew:
            sending.journal.restart(change.entry, change.anew)
        else:
            sending.journal.leave_out(change.entry, change.failure)
    return sending


def _line(work: Work, sending: Sending, screen: Screen) -> AbstractContextManager[None]:
    """How far it is, where people read along."""
    if not screen.shows_text:
        return nullcontext()
    from ._progress import progress

    heading = work.heading
    return progress(screen.err, sending, work.survey, heading.run_id, executes=not heading.dry_run)


def late_line(text: str, screen: Screen) -> AbstractContextManager[None]:
    """A text that is told while the body runs, if that takes a moment and people read along."""
    if not screen.shows_text:
        return nullcontext()
    from . import _progress

    return _progress.late_line(screen.err, text)


def _farewell(run: Run, sending: Sending, heading: Heading) -> str:
    """What is said where a second signal leaves what is under way."""
    verb = "redrive" if heading.fates else "resume"
    what = f"left at once: what was under way may have arrived, and is sent again by the {verb}"
    return f"\nerror: {what}. Go on with `{_said_again(run, sending, heading)}`\n"


def _said_again(run: Run, sending: Sending, heading: Heading) -> str:
    """What goes on with it as it was asked for, whatever has come of it."""
    there = structs.replace(run, cluster=sending.workers["cluster"])
    return taken_up_again(there, heading.fates, heading.on_changed)


def _write_down(work: Work, kept: InLedger, sending: Sending, screen: Screen) -> Report:
    """Write the end of a session into the ledger; the report, also where that fails."""
    report = partial(work.heading.report, sending.journal, ledger=kept.ledger.path, workers=sending.workers)
    done = partial(report, halted=sending.halted, interrupted=sending.interrupted)
    try:
        # What could not be written down is no total of the run, also where its end can be.
        totals = None if sending.journal.is_torn else kept.ledger.known(kept.run).counts()
        ended = done(error=sending.error, totals=totals)
        # Of millions of faults it takes a while.
        with late_line(f"{sending.journal.tally.events.delivered:,} delivered; writing that down", screen):
            kept.writer.finish(
                ended.status,
                ended.reason,
                _to_keep(ended),
                listed=sending.intake.is_exhausted,
                is_torn=sending.is_torn,
            )
    except CncbopsError as error:
        step = NextStep(GO_ON, _said_again(kept.run, sending, work.heading))
        return report(error=sending.error or error, next_step=step)
    with suppress(CncbopsError):  # how it ended is written down, whatever may be read after it
        ended = structs.replace(ended, next_step=_next_step(kept, sending, totals))
    return ended


def _next_step(kept: InLedger, sending: Sending, totals: Counts | None) -> NextStep | None:
    """What is to be typed next, once the end is written down."""
    ledger, run = kept.ledger, kept.ledger.find(kept.run.run_id)
    state = "crashed" if sending.is_torn else run.status
    return next_of_run(ledger, run, state, totals_of(totals or ledger.known(run).counts()))


def _to_keep(report: Report) -> dict[str, Any]:
    """What the ledger keeps of a summary: it has the failures elsewhere, and tells what is next as things are then."""
    return {name: value for name, value in summary(report).items() if name not in _TOLD_ANEW}


_TOLD_ANEW = ("failures", "next_step", "next_step_when")


def _tell(report: Report, document: dict[str, Any], screen: Screen) -> int:
    """Show how it went, in the voice that was asked for; the exit code."""
    if report.error:
        screen.show_error(report.error)
    if screen.json:
        screen.show_json(document, RUN_AGAIN if "plan" in document else LOOK_THERE)
    elif "plan" in document and not screen.quiet:
        _show_plan(document, screen)
    elif screen.shows_text and not report.came_to_nothing:
        from ._summary_view import show_summary

        show_summary(screen.err, visible(document))
    return report.exit_code


def _show_plan(document: dict[str, Any], screen: Screen) -> None:
    from ._plan_view import show_plan
    from ._resubmit_view import show_resubmit_plan

    with screen.printing() as out:
        show = show_resubmit_plan if "functions" in document else show_plan
        show(out, visible(document))
