"""A comparison of a lake with its copy as data, for JSON and for screens."""

from datetime import datetime
from typing import Any

from cncbops.inspection.judging import DIFFERENCES, Kind, Verdict
from cncbops.inspection.verifying import Count, Counts
from cncbops.lake.objects import LakeObject
from cncbops.lake.sources import printable
from cncbops.reports.summary import iso


def verification_facts(counts: Counts, now: datetime) -> dict[str, Any]:
    """What was counted: `same`, and each kind of difference with its reasons."""
    waiting = {"late": counts.late, "oldest_s": _age_s(counts.oldest, now)}
    same = counts.of[Kind.same]
    return {
        "status": "same" if counts.is_same else "different",
        "listed": {"lake": counts.listed.lake, "recovery": counts.listed.recovery},
        "same": {"objects": same.objects, "bytes": same.bytes},
        **{kind.value: _count_facts(counts.of[kind]) for kind in DIFFERENCES if kind is not Kind.not_yet_replicated},
        "not_yet_replicated": {**_count_facts(counts.of[Kind.not_yet_replicated]), **waiting},
    }


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
