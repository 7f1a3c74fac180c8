"""What `cncbops invalidate` does with its options, and `runs resume` with such a run: plan it, or do it and tell."""

import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from cncbops.aws import Aws
from cncbops.cdn.batches import cut
from cncbops.cdn.collapsing import reduced
from cncbops.cdn.edge import Denied, Edge
from cncbops.cdn.session import Calls, Pauses, Requests, Session
from cncbops.cdn.tags import require_tags
from cncbops.cdn.watch import Watch
from cncbops.errors import CannotRun, CncbopsError
from cncbops.identity import whoami
from cncbops.ledger.ledger import Ledger
from cncbops.ledger.lock import active
from cncbops.ledger.rows import NewRun, Run, new_run_id
from cncbops.ledger.worker import this_worker
from cncbops.reports.invalidation import (
    InvalidationReport,
    counts_of,
    distribution_facts,
    failures_of,
    plan_of,
    result_of,
    summary,
)
from cncbops.session.acting import Act, new_act, resumed_act

from ._access import access_of
from ._ending import guarded
from ._invalidate_view import no_origins, progress_line, show_invalidation, show_invalidation_plan
from ._options import General
from ._output import LOOK_THERE, RUN_AGAIN
from ._paths_asked import Asked, checked, distribution_named, gathered
from ._screen import Screen, screen_for
from ._signals import stop_on_signal
from ._staged import told_names
from ._state import state_folder
from ._words import visible

_NOT_REDUCED: Mapping[str, Any] = {"sources": {}, "reduced": None}
"""What a plan tells of paths that were cut to requests by an earlier session."""


@dataclass(frozen=True)
class _Job:
    """An invalidation, new or taken up again, as its ledger and its summary tell of it."""

    command: str
    run_id: str
    distribution: Mapping[str, Any]
    sources: Sequence[str]
    given: Mapping[str, Any]
    waits: bool
    timeout_s: float
    failures: Sequence[Mapping[str, Any]] = ()
    foreign_buckets: Sequence[str] = ()
    stage: Mapping[str, Any] | None = None
    started: float = field(default_factory=time.monotonic)

    def report(self, requests: Requests, *, dry_run: bool, **more: Any) -> InvalidationReport:
        """The report on what has come of it by now."""
        told = {name: value for name, value in vars(self).items() if name not in ("timeout_s", "started")}
        duration_s = time.monotonic() - self.started
        calls = more.pop("calls", Calls())
        return InvalidationReport(
            **told, requests=requests, calls=calls, dry_run=dry_run, duration_s=duration_s, **more
        )


def carry_out(asked: Asked, general: General) -> int:
    """Plan or execute what was typed, and show it; the exit code."""
    run_id = new_run_id()
    document = {"command": "invalidate", "run_id": run_id, "dry_run": not general.execute}
    screen = screen_for(general, document)
    return guarded(screen, lambda: _run(asked, run_id, general, screen))


def carry_out_resume(run: Run, folder: Path, general: General, screen: Screen) -> int:
    """Go on with a run's requests; the exit code. Raises CncbopsError if it cannot be taken up."""
    aws = Aws(access_of(general, run.access))
    job = _job_of(run)
    if not general.execute:
        requests = _left_of(run, folder)
        return _plan(job, requests, aws, screen)
    stop = threading.Event()
    with stop_on_signal(stop, screen), resumed_act(folder, run, this_worker(_caller(aws)[1]), stop) as act:
        return _execute(job, act, aws, screen)


def _run(asked: Asked, run_id: str, general: General, screen: Screen) -> int:
    started = time.monotonic()
    typed = checked(asked)
    aws = Aws(access_of(general, {}))
    names = asked.stage.names(general) if asked.stage else None
    distribution = distribution_named(typed.named, names, aws)
    found = gathered(typed, distribution, aws)
    require_tags(found.items, distribution, aws.cloudfront())
    what = reduced(found.items, asked.collapse)
    requests = Requests(cut(what.items, distribution.id, run_id))
    job = _Job(
        command="invalidate",
        run_id=run_id,
        distribution=distribution_facts(distribution),
        sources=list(found.sources),
        given=counts_of(found, what),
        waits=asked.wait,
        timeout_s=typed.timeout_s,
        failures=failures_of(found),
        foreign_buckets=found.foreign_buckets,
        stage=told_names(names, screen, plans=not general.execute) if names else None,
        started=started,
    )
    if not general.execute:
        return _plan(job, requests, aws, screen, {"sources": found.sources, "reduced": what})
    if not requests.all:
        report = job.report(requests, dry_run=False)
        return _tell(summary(report), report, screen)
    if foreign := no_origins(job.foreign_buckets, distribution.id):
        screen.note(foreign)
    return _begin(job, requests, asked, aws, general, screen)


def _plan(job: _Job, requests: Requests, aws: Aws, screen: Screen, reduction: Mapping[str, Any] = _NOT_REDUCED) -> int:
    """Show what would be done, with a look at what is in progress; the exit code."""
    watch = Watch(Edge(aws, job.distribution["id"]), requests.open())
    if requests.to_create:
        with suppress(Denied):
            watch.look()
    report = job.report(requests, dry_run=True)
    return _tell({**summary(report), "plan": plan_of(watch, requests, **reduction)}, report, screen)


def _begin(job: _Job, requests: Requests, asked: Asked, aws: Aws, general: General, screen: Screen) -> int:
    """Write the run down with all of its requests, and do it; the exit code."""
    account, who = _caller(aws)
    access = aws.access
    new = NewRun(
        run_id=job.run_id,
        command="invalidate",
        function=job.distribution["id"],
        sources=job.sources,
        account=account,
        arguments={
            "stage": asked.stage.name if asked.stage else None,
            "since": asked.since,
            "collapse": asked.collapse,
            "wait": asked.wait,
            "timeout_s": job.timeout_s,
        },
        terms={"paths": job.given, "failures": job.failures, "foreign_buckets": job.foreign_buckets},
        target={name: value for name, value in job.distribution.items() if name != "id"},
        access=access.kept(),
        likeness="",
    )
    stop = threading.Event()
    folder = state_folder(general.state_dir)
    with stop_on_signal(stop, screen), new_act(folder, new, this_worker(who), stop) as act:
        act.ledger.invalidations(act.run).plan(requests.all)
        return _execute(job, act, aws, screen)


def _caller(aws: Aws) -> tuple[str | None, str | None]:
    """Account and ARN of who asks, None where AWS does not say."""
    identity = whoami(aws)
    return (identity.account, identity.arn) if identity else (None, None)


def _execute(job: _Job, act: Act, aws: Aws, screen: Screen) -> int:
    """Do it, write it down and tell; the exit code."""
    kept = act.ledger.invalidations(act.run)
    requests = _written_down(kept.requests(), act.run)
    session = Session(Edge(aws, job.distribution["id"]), requests, kept, Pauses(act.stop, job.timeout_s))
    with progress_line(screen, session):
        error = _work(session, waits=job.waits)
    is_open = session.is_open(waits=job.waits)
    report = job.report(
        requests,
        dry_run=False,
        calls=session.calls,
        error=act.failed or error,
        halted=(act.ordered or session.halted) if is_open else None,
        interrupted=act.stop.is_set() and is_open,
        ledger=act.ledger.path,
    )
    report = _ended(act, report)
    return _tell(summary(report), report, screen)


def _work(session: Session, *, waits: bool) -> CncbopsError | None:
    """Create, and follow where that was asked; what ended it, if anything did."""
    try:
        session.create()
        if waits and not session.requests.to_create:
            session.follow()
    except CncbopsError as error:
        return error
    return None


def _ended(act: Act, report: InvalidationReport) -> InvalidationReport:
    """The report once the ledger has it, or with why it has not."""
    document = summary(report)
    told = {name: value for name, value in document.items() if name != "failures"}
    try:
        act.end(report.status, document["reason"], {**told, "result": result_of(document)})
    except CncbopsError as error:
        return replace(report, error=report.error or error)
    return report


def _job_of(run: Run) -> _Job:
    return _Job(
        command="runs resume",
        run_id=run.run_id,
        distribution={"id": run.function, **run.target},
        sources=run.sources,
        given=run.terms["paths"],
        waits=run.arguments["wait"],
        timeout_s=run.arguments["timeout_s"],
        failures=run.terms["failures"],
        foreign_buckets=run.terms.get("foreign_buckets", ()),
    )


def _left_of(run: Run, folder: Path) -> Requests:
    """A run's requests. Raises CannotRun if somebody works on it."""
    looked = Ledger.look(folder)
    assert looked is not None, "it has the run"
    with looked as ledger:
        if ledger.is_active(run):
            raise active(run.run_id, run.folder)
        return _written_down(ledger.invalidations(run).requests(), run)


def _written_down(requests: Requests, run: Run) -> Requests:
    if not requests.all:
        what = f"run {run.run_id} was ended before its paths were written down, and sent none"
        raise CannotRun(what, "Say it again as a new run")
    return requests


def _tell(document: Mapping[str, Any], report: InvalidationReport, screen: Screen) -> int:
    """Show how it went, in the voice that was asked for; the exit code."""
    if report.error:
        screen.show_error(report.error)
    if screen.json:
        screen.show_json(document, RUN_AGAIN if "plan" in document else LOOK_THERE)
    elif "plan" in document and not screen.quiet:
        with screen.printing() as out:
            show_invalidation_plan(out, visible(document))
    elif screen.shows_text:
        show_invalidation(screen.err, visible(document))
    return report.exit_code
