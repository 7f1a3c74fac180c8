"""What a replay reports in JSON: a contract. Keys may be added, none is renamed.

Of each failure, `line` 0 means the object as a whole.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cncbops.errors import CncbopsError
from cncbops.journal import Journal
from cncbops.tally import HOUR_MS, OTHER_HOURS

EXIT_CODES = {
    "planned": 0,
    "nothing": 0,
    "succeeded": 0,
    "failed": 1,
    "partial": 3,
    "interrupted": 130,
}


@dataclass(frozen=True)
class Report:
    """What a summary is made of: what was asked, what happened, and how long it took."""

    run_id: str
    dry_run: bool
    function: str
    asynchronous: bool
    sources: Sequence[str]
    journal: Journal
    duration_s: float
    error: CncbopsError | None = None
    stopped: bool = False
    failures_file: Path | None = None

    @property
    def status(self) -> str:
        """The run's end in one word."""
        tally = self.journal.tally
        if self.error:
            return "failed"
        if self.stopped:
            return "interrupted"
        if tally.events.matched == 0 and not tally.flawed:
            return "nothing"
        if self.dry_run:
            return "planned"
        return "partial" if tally.flawed else "succeeded"

    @property
    def came_to_nothing(self) -> bool:
        """Whether an error ended it before anything was found: the error says it all."""
        return self.error is not None and not (self.journal.tally.events.matched or self.journal.tally.flawed)

    @property
    def exit_code(self) -> int:
        """The command's exit code. A plan that met flaws says so as its run would: 3."""
        if self.error:
            return self.error.exit_code
        if self.status == "planned" and self.journal.tally.flawed:
            return EXIT_CODES["partial"]
        return EXIT_CODES[self.status]


def summary(report: Report) -> dict[str, Any]:
    """The JSON summary of a replay, planned or executed."""
    tally = report.journal.tally
    sent = tally.events.matched if report.dry_run else tally.events.delivered
    document = {
        "command": "replay",
        "run_id": report.run_id,
        "dry_run": report.dry_run,
        "status": report.status,
        "function": report.function,
        "invocation": "async" if report.asynchronous else "sync",
        "source": list(report.sources),
        "objects": asdict(tally.objects),
        "events": {**asdict(tally.events), "by_type": dict(tally.by_type.most_common())},
        "invocations": asdict(tally.calls),
        "by_hour": by_hour(tally.by_hour),
        "first_event": iso(tally.first_ms),
        "last_event": iso(tally.last_ms),
        "duration_s": round(report.duration_s, 3),
        "events_per_s": round(sent / report.duration_s, 1) if report.duration_s else 0.0,
        "failures": [asdict(failure) for failure in report.journal.first_failures],
        "failures_file": str(report.failures_file) if report.failures_file else None,
    }
    if report.error:
        document["error"] = described(report.error)
    return document


def described(error: CncbopsError) -> dict[str, str]:
    """What ended a run, as data."""
    return {"what": error.what, "next_step": error.next_step}


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
