"""A comparison of a lake with its copy as data, for JSON and for screens."""

from datetime import datetime
from typing import Any

from cncbops.inspection.judging import DIFFERENCES, Asked, Kind, Verdict
from cncbops.inspection.verifying import Count, Counts
from cncbops.lake.objects import LakeObject
from cncbops.lake.sources import printable
from cncbops.reports.summary import iso


def verification_facts(counts: Counts, asked: Asked, now: datetime) -> dict[str, Any]:
    """What was counted: objects that are the same, and each kind of difference with its reasons.

    `status` is `same`, `different`, or `nothing` where neither has an object.
    """
    same = counts.of[Kind.same]
    facts: dict[str, Any] = {
        "status": _status(counts),
        "lag_s": asked.lag.total_seconds(),
        "listed": {"lake": counts.listed.lake, "recovery": counts.listed.recovery},
        "same": {"objects": same.objects, "bytes": same.bytes},
        **{kind.value: _count_facts(counts.of[kind]) for kind in DIFFERENCES},
    }
    facts[Kind.not_yet_replicated.value] |= {"late": counts.late, "oldest_s": _age_s(counts.oldest, now)}
    return facts


def _status(counts: Counts) -> str:
    if not counts.listed.lake and not counts.listed.recovery:
        return "nothing"
    return "same" if counts.is_same else "different"


def _count_facts(count: Count) -> dict[str, Any]:
    return {"objects": count.objects, "bytes": count.bytes, "why": {why.value: n for why, n in count.why.items()}}


def _age_s(since: datetime | None, now: datetime) -> float | None:
    return round(max((now - since).total_seconds(), 0.0), 3) if since else None


def difference_facts(verdict: Verdict) -> dict[str, Any]:
    """One difference: its kind and reason, the key on both sides, and the object of each, null where there is none."""
    pair = verdict.pair
    return {
        "kind": verdict.kind.value,
        "why": verdict.why.value if verdict.why else None,
        "late": verdict.is_late,
        "key": printable(pair.key),
        "lake": _object_facts(pair.lake),
        "recovery": _object_facts(pair.recovery),
    }


def _object_facts(found: LakeObject | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {
        "object": found.uri,
        "size": found.size,
        "etag": found.etag,
        "last_modified": iso(found.last_modified.timestamp() * 1000),
        "storage_class": found.storage_class,
    }
