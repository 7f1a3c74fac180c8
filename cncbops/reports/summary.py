"""What a replay reports in JSON: a contract. Keys may be added, none is renamed.

Of each failure, `line` 0 means the object as a whole.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from msgspec import Struct, structs

from cncbops.errors import CncbopsError, described
from cncbops.lake.sources import printable
from cncbops.ledger.rows import Counts
from cncbops.reports.going_on import NextStep
from cncbops.session.journal import Journal
from cncbops.tally import HOUR_MS, OTHER_HOURS

EXIT_CODES = {
    "planned": 0,
    "nothing": 0,
    "succeeded": 0,
    "failed": 1,
    "partial": 3,
    "stopped": 5,
    "interrupted": 130,
}


class Report(Struct, frozen=True):
    """What a summary is made of: what was asked, what happened, and how long it took.

    Without a `function` each fault goes to its own, and the summary tells of all of them.

    `totals` are the run's over all its sessions, as the ledger has them, None where it is in none.
    `stage` is what a stage stood for (see `cncbops.stage.Names`), `inventory` tells from which the sources were
    listed, if from one; `since_run` is the run that is followed, what is asked, and what it left undone. `fates` are
    those that a redrive takes, `on_changed` is what becomes of objects that changed; None where no run is taken up.
    `halted` is why a safety stop or an order ended it. `workers` is where it was done (see `Sending.workers`), None
    where nothing was. `next_step` is what goes on from here, None where nothing would.
    """

    command: str
    run_id: str
    dry_run: bool
    function: str | None
    asynchronous: bool
    sources: Sequence[str]
    journal: Journal
    duration_s: float
    error: CncbopsError | None = None
    halted: str | None = None
    interrupted: bool = False
    totals: Counts | None = None
    ledger: Path | None = None
    stage: Mapping[str, Any] | None = None
    inventory: Mapping[str, Any] | None = None
    since_run: Mapping[str, Any] | None = None
    fates: Sequence[str] | None = None
    on_changed: str | None = None
    workers: Mapping[str, Any] | None = None
    next_step: NextStep | None = None

    @property
    def status(self) -> str:
        """The session's end in one word."""
        if self.error:
            return "failed"
        if self.halted:
            return "stopped"
        if self.interrupted:
            return "interrupted"
        if self.journal.tally.events.matched == 0 and (self.dry_run or not self._flawed):
            return "nothing"
        if self.dry_run:
            return "planned"
        return "partial" if self._flawed else "succeeded"

    @property
    def reason(self) -> str | None:
        """Why it ended as it did, where its status does not say."""
        return str(self.error) if self.error else self.halted

    @property
    def came_to_nothing(self) -> bool:
        """Whether an error ended it before anything was found: the error says it all."""
        return self.error is not None and not (self.journal.tally.events.matched or self.journal.tally.flawed)

    @property
    def exit_code(self) -> int:
        """The command's exit code. A dry-run that met flaws says so as its run would: 3."""
        if self.error:
            return self.error.exit_code
        if self.status in ("planned", "nothing") and self._flawed:
            return EXIT_CODES["partial"]
        return EXIT_CODES[self.status]

    @property
    def _flawed(self) -> bool:
        """Whether something went wrong; of a run that is resumed, also in its earlier sessions."""
        if self.journal.tally.flawed:
            return True
        totals = self.totals if self.command == "runs resume" else None
        if totals is None:
            return False
        if self.dry_run:  # what could not be read was tried again, but for what is left out
            return bool(totals.lost_events or totals.objects_left_out)
        return totals.flawed or totals.not_sent > 0


def summary(report: Report) -> dict[str, Any]:
    """The JSON summary of a replay, planned or executed; of a run taken up again, of what was left of it."""
    document = {
        **_asked(report),
        **_counted(report),
        "failures": [structs.asdict(failure) for failure in report.journal.first_failures],
        "run": totals_of(report.totals) if report.totals else None,
        "ledger": printable(str(report.ledger)) if report.ledger else None,
        "next_step": report.next_step and report.next_step.command,
        "next_step_when": report.next_step and report.next_step.when,
    }
    if report.error:
        document["error"] = described(report.error)
    return document


def _asked(report: Report) -> dict[str, Any]:
    """What was to be done, where, and how it ended."""
    return {
        "command": report.command,
        "run_id": report.run_id,
        "dry_run": report.dry_run,
        "status": report.status,
        "reason": report.reason,
        **_functions(report),
        "invocation": "async" if report.asynchronous else "sync",
        "source": list(report.sources),
        "stage": report.stage,
        "inventory": report.inventory,
        "since_run": report.since_run,
        "fates": None if report.fates is None else list(report.fates),
        "on_changed": report.on_changed,
        "workers": report.workers,
    }


def _counted(report: Report) -> dict[str, Any]:
    """What came of it, and in what time."""
    tally = report.journal.tally
    sent = tally.events.matched if report.dry_run else tally.events.delivered
    return {
        "objects": structs.asdict(tally.objects),
        "events": {**structs.asdict(tally.events), "by_type": ranked(tally.by_type)},
        "invocations": structs.asdict(tally.calls),
        "by_hour": by_hour(tally.by_hour),
        "first_event": iso(tally.first_ms),
        "last_event": iso(tally.last_ms),
        "duration_s": round(report.duration_s, 3),
        "events_per_s": round(sent / report.duration_s, 1) if report.duration_s else 0.0,
    }


def _functions(report: Report) -> dict[str, Any]:
    """Whom the run was to: one function, or each fault's own."""
    if report.function is not None:
        return {"function": report.function}
    tally = report.journal.tally
    shares = {name: structs.asdict(share) for name, share in tally.functions.items()}
    functions = {name: {"newest_fault": iso(share.pop("newest_ms")), **share} for name, share in shares.items()}
    return {"functions": functions, "faults": structs.asdict(tally.faults)}


def totals_of(counts: Counts) -> dict[str, int]:
    """A run's counts over all its sessions."""
    return {**structs.asdict(counts), "not_sent": counts.not_sent}


def ranked(names: Mapping[str, int]) -> dict[str, int]:
    """Counts by name, the highest first; equal ones by name, in whatever order they were met."""
    return dict(sorted(names.items(), key=lambda each: (-each[1], each[0])))


def by_hour(hours: Mapping[int, int]) -> dict[str, int]:
    """Events by hour of their own time, UTC, in order."""
    known = sorted(hour for hour in hours if hour != OTHER_HOURS)
    return {f"{datetime.fromtimestamp(hour * HOUR_MS // 1000, UTC):%Y-%m-%dT%H:00}Z": hours[hour] for hour in known}


def iso(moment_ms: float | None) -> str | None:
    """A time in ms as ISO 8601 in UTC with milliseconds."""
    if moment_ms is None:
        return None
    moment = datetime.fromtimestamp(moment_ms / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
