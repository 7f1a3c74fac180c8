"""What an invalidation reports in JSON: a contract. Keys may be added, none is renamed."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from cncbops.cdn.batches import Load
from cncbops.cdn.collapsing import Reduced
from cncbops.cdn.distribution import Distribution
from cncbops.cdn.edge import COMPLETED, IN_PROGRESS, Invalidation
from cncbops.cdn.gathering import Gathering
from cncbops.cdn.paths import is_tag, is_wildcard
from cncbops.cdn.session import Calls, Requests
from cncbops.cdn.watch import Watch
from cncbops.errors import CncbopsError, described
from cncbops.lake.sources import printable
from cncbops.reports.summary import EXIT_CODES, iso

USD_A_PATH, FREE_A_MONTH = 0.005, 1_000
"""A wildcard or a tag is one. What an account has used of the free ones is unknown: a cost is the most that it can be.
Source: Amazon CloudFront pricing, "Invalidation requests"."""

FIRST_PATHS = 20


@dataclass(frozen=True)
class InvalidationReport:
    """What a summary is made of.

    `given` is what is known of the paths from before they were cut to requests (see `counts_of`). `waits`: it was
    asked to wait until all is completed. `halted` is why an order or the timeout ended it. `stage` is what a stage
    stood for (see `cncbops.stage.Names`).
    """

    command: str
    run_id: str
    dry_run: bool
    distribution: Mapping[str, Any]
    sources: Sequence[str]
    given: Mapping[str, Any]
    requests: Requests
    calls: Calls
    waits: bool
    duration_s: float
    failures: Sequence[Mapping[str, Any]] = ()
    foreign_buckets: Sequence[str] = ()
    error: CncbopsError | None = None
    halted: str | None = None
    interrupted: bool = False
    ledger: Path | None = None
    stage: Mapping[str, Any] | None = None

    @property
    def status(self) -> str:
        """The session's end in one word."""
        if self.error:
            return "failed"
        if self.halted:
            return "stopped"
        if self.interrupted:
            return "interrupted"
        if self.given["not_nameable"] and not self.dry_run:
            return "partial"
        if not self.requests.all and not self.given["not_nameable"]:
            return "nothing"
        return "planned" if self.dry_run else "succeeded"

    @property
    def exit_code(self) -> int:
        """The command's exit code. A plan that met flaws says so as its run would: 3."""
        if self.error:
            return self.error.exit_code
        flawed = self.status == "planned" and self.given["not_nameable"]
        return EXIT_CODES["partial" if flawed else self.status]


def summary(report: InvalidationReport) -> dict[str, Any]:
    """The JSON summary of an invalidation, planned or executed; of a run that was taken up again, of all of it."""
    document = {
        "command": report.command,
        "run_id": report.run_id,
        "dry_run": report.dry_run,
        "status": report.status,
        "reason": str(report.error) if report.error else report.halted,
        "distribution": dict(report.distribution),
        "source": list(report.sources),
        "stage": report.stage,
        "paths": {**report.given, **_progress(report.requests)},
        "requests": _requests(report),
        "cost": _cost(report),
        "invalidations": list(_invalidations(report.requests)),
        "wait": report.waits,
        "duration_s": round(report.duration_s, 3),
        "failures": list(report.failures),
        "foreign_buckets": list(report.foreign_buckets),
        "ledger": printable(str(report.ledger)) if report.ledger else None,
    }
    return {**document, "error": described(report.error)} if report.error else document


def counts_of(gathered: Gathering, reduced: Reduced) -> dict[str, Any]:
    """What became of the paths: given = duplicates + covered + to_send + collapsed - collapsed_into."""
    return {
        "given": len(gathered.items),
        "duplicates": reduced.duplicates,
        "covered": sum(reduced.covered.values()),
        "collapsed": sum(reduced.collapsed.values()),
        "collapsed_into": len(reduced.collapsed),
        "not_nameable": gathered.failed,
        "not_served": gathered.not_served,
        "other_notifications": gathered.others,
        "before_collapse": reduced.before,
        "to_send": len(reduced.items),
        "wildcards": sum(map(is_wildcard, reduced.items)),
        "tags": sum(map(is_tag, reduced.items)),
    }


def failures_of(gathered: Gathering) -> list[dict[str, Any]]:
    """The first objects that no path names."""
    return [asdict(each) for each in gathered.failures]


def distribution_facts(distribution: Distribution) -> dict[str, Any]:
    """A distribution, as it is shown and written down."""
    return {
        "id": distribution.id,
        "domain": distribution.domain,
        "aliases": list(distribution.aliases),
        "status": distribution.status,
        "enabled": distribution.enabled,
        "tag_header": distribution.tag_header,
    }


def plan_of(watch: Watch, requests: Requests, sources: Mapping[str, int], reduced: Reduced | None) -> dict[str, Any]:
    """What a plan says beside the summary: what is in progress now, and the first of the paths.

    `reduced` is None where a run is taken up again.
    """
    to_create = requests.to_create
    items = [item for batch in to_create for item in batch.items]
    return {
        "sources": dict(sources),
        "to_send": {"paths": len(items), "wildcards": sum(map(is_wildcard, items)), "tags": sum(map(is_tag, items))},
        "covered": dict(reduced.covered) if reduced else {},
        "collapsed": dict(reduced.collapsed) if reduced else {},
        "in_progress": _in_progress(watch),
        "in_progress_error": _in_progress_error(watch),
        "has_room": all(watch.has_room(Load.of(batch.items)) for batch in to_create[:1]),
        "first_paths": items[:FIRST_PATHS],
    }


def result_of(document: Mapping[str, Any]) -> dict[str, Any]:
    """What `runs show` tells of it."""
    names = {"total": "requests", "created": "created", "completed": "completed"}
    return {"paths": document["paths"]["to_send"], **{to: document["requests"][name] for name, to in names.items()}}


def invalidation_facts(invalidation: Invalidation) -> dict[str, Any]:
    """One invalidation, with its first paths where they are known."""
    items = invalidation.items
    load = Load.of(items or ())
    known = None if items is None else len(items)
    return {
        "id": invalidation.id,
        "status": invalidation.status,
        "created": iso(invalidation.created.timestamp() * 1000),
        "paths": known,
        "wildcards": None if items is None else load.wildcards,
        "first_paths": list((items or ())[:FIRST_PATHS]),
    }


def _invalidations(requests: Requests) -> Iterator[dict[str, Any]]:
    """What the run has created, as far as it is known."""
    for each in requests.all:
        if each.number in requests.invalidations:
            status = COMPLETED if each.number in requests.completed else IN_PROGRESS
            yield {"id": requests.invalidations[each.number], "status": status, "paths": len(each.items)}


def _cost(report: InvalidationReport) -> dict[str, Any]:
    """The most that it can cost, in USD, with and without collapsing: a plan what is left, a run what was sent.

    How much collapsing saved of a part that was sent is not known: such a part is told as if it saved nothing.
    """
    given, sent = report.given, _progress(report.requests)["sent"]
    saved = given["before_collapse"] - given["to_send"] if report.dry_run or sent == given["to_send"] else 0
    paths = given["to_send"] - sent if report.dry_run else sent
    before = paths + saved
    return {
        "paths": paths,
        "usd_at_most": _usd(paths),
        "paths_before_collapse": before,
        "usd_at_most_before_collapse": _usd(before),
    }


def _usd(paths: int) -> float:
    return round(paths * USD_A_PATH, 3)


def _progress(requests: Requests) -> dict[str, int]:
    return {
        "sent": sum(len(each.items) for each in requests.all if each.number in requests.invalidations),
        "completed": sum(len(each.items) for each in requests.all if each.number in requests.completed),
    }


def _requests(report: InvalidationReport) -> dict[str, int]:
    """Created, completed and in progress are of the whole run, the others of this session's calls."""
    created, completed = len(report.requests.invalidations), len(report.requests.completed)
    return {
        "total": len(report.requests.all),
        "created": created,
        "retried": report.calls.retried,
        "throttled": report.calls.throttled,
        "no_room": report.calls.no_room,
        "completed": completed,
        "in_progress": created - completed,
    }


def _in_progress(watch: Watch) -> dict[str, int] | None:
    """What takes room now, the run's own included; None where that is not known."""
    if watch.others is None:
        return None
    load = sum(watch.open.values(), watch.others.load)
    count = watch.others.invalidations + len(watch.open)
    return {"invalidations": count, "paths": load.singles, "wildcards": load.wildcards}


def _in_progress_error(watch: Watch) -> dict[str, str] | None:
    """Why that is not known, where it was asked for."""
    error = watch.denied or watch.unanswered
    return described(error) if error else None
