"""How regions are, as `-o json` prints it; the screen shows the same."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cncbops.health.finding import Row, Status, stamp
from cncbops.health.running import Region, Round
from cncbops.health.verdict import Required, Verdict, verdict_of


@dataclass(frozen=True)
class Judged:
    """A round, and what it means: a verdict for each region, and whether as many are healthy as required."""

    rows: Sequence[Row]
    verdicts: Mapping[str, Verdict]
    required: Required

    @property
    def is_healthy(self) -> bool:
        """Whether as many regions as required are known to be healthy."""
        return self.required.is_met(self.verdicts.values())

    @property
    def status(self) -> str:
        """The same in a word."""
        return Verdict.healthy if self.is_healthy else Verdict.unhealthy

    def of(self, region: str) -> list[Row]:
        """The rows of one region."""
        return [row for row in self.rows if row.region == region]

    def reasons(self, region: str) -> list[Row]:
        """The rows that keep a region from being known to be healthy; first those that decide by silence, too."""
        worst = Status.fail if self.verdicts[region] is Verdict.unhealthy else Status.unknown
        rows = [row for row in self.of(region) if row.finding.status is worst]
        deciding = [row for row in rows if row.decides]
        if worst is Status.fail:
            return [*deciding, *(row for row in rows if not row.decides)]
        return deciding or rows


def judged(found: Round, regions: Sequence[Region], required: Required) -> Judged:
    """What a round means for the regions that were looked at."""
    verdicts = {region.name: verdict_of(row for row in found.rows if row.region == region.name) for region in regions}
    return Judged(found.rows, verdicts, required)


def document(found: Judged, now: datetime, duration_s: float, *, executed: bool) -> dict[str, Any]:
    """The one document of a round."""
    return {
        "command": "health",
        "status": found.status,
        "required": str(found.required),
        "regions": {name: _region(found, name) for name in found.verdicts},
        "rows": [row_facts(row, now) for row in found.rows],
        "executed": executed,
        "duration_s": round(duration_s, 3),
    }


def _region(found: Judged, name: str) -> dict[str, Any]:
    counts = Counter(row.finding.status for row in found.of(name))
    return {"verdict": found.verdicts[name], "counts": {status.value: counts[status] for status in Status}}


def row_facts(row: Row, now: datetime) -> dict[str, Any]:
    """A row; its age is that of the answer."""
    return {
        "region": row.region,
        "probe": row.probe,
        "subject": row.finding.subject,
        "status": row.finding.status,
        "why": row.finding.why,
        "checked": stamp(row.checked),
        "age_s": round((now - row.checked).total_seconds(), 1),
        "duration_ms": round(row.took_s * 1000, 1),
        "facts": dict(row.finding.facts),
    }


def changes(before: Judged | None, after: Judged, now: datetime) -> Iterator[dict[str, Any]]:
    """What is new since a round: rows, verdicts of regions, and that of all; of the first round everything.

    Only another status is a change: how long an answer took, or how many messages wait, is told with the next one.
    """
    old_rows = {row.key: row for row in before.rows} if before else {}
    for row in after.rows:
        old = old_rows.pop(row.key, None)
        if old is None or old.finding.status is not row.finding.status:
            yield {"change": "row", "before": old and old.finding.status, **row_facts(row, now)}
    for row in old_rows.values():
        yield {
            "change": "row",
            **row_facts(row, now),
            "before": row.finding.status,
            "status": None,
            "why": "not found any more",
        }
    told = {"checked": stamp(now)}
    for name, verdict in after.verdicts.items():
        was = before and before.verdicts[name]
        if was is not verdict:
            yield {"change": "region", "before": was, "region": name, "verdict": verdict, **told}
    if before is None or before.status != after.status:
        was_all = before and before.status
        yield {"change": "all", "before": was_all, "status": after.status, "required": str(after.required), **told}
