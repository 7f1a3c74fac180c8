"""Fault objects of the last hour: the book's alert is on any.

Only the date folders of that time are listed. An object is of the hour in which it was written.
"""

from datetime import timedelta

from cncbops.errors import BadInput
from cncbops.health.access import RegionAccess
from cncbops.health.finding import Finding, Status
from cncbops.lake.layout import TimeWindow, skip_reason
from cncbops.lake.listing import list_objects
from cncbops.lake.sources import S3Source, parse_source

LOOKS_BACK = timedelta(hours=1)
MOST = 10_000
"""Counted; more are as bad."""
MOST_LISTED = 100_000
"""Where no date folders part the new from the old, a look would not end."""


def require_place(text: str) -> None:
    """Raises BadInput if this is no place in S3."""
    _place(text)


def faults(access: RegionAccess, subject: str) -> list[Finding]:
    """How many fault objects were written at a place in the last hour. botocore's errors pass."""
    since = access.all.now() - LOOKS_BACK
    window = TimeWindow(round(since.timestamp() * 1000), None)
    listed = count = 0
    for found in list_objects(_place(subject), access.client("s3"), window):
        listed += 1
        count += found.last_modified >= since and skip_reason(found) is None
        if count > MOST or listed == MOST_LISTED:
            break
    return [judge(subject, count, whole=listed < MOST_LISTED)]


def judge(subject: str, count: int, *, whole: bool) -> Finding:
    """By the number of objects, and whether all that may be of that hour were listed."""
    facts = {"objects": count, "whole": whole and count <= MOST}
    if count:
        told = f"over {MOST:,}" if count > MOST else f"{count:,}" if whole else f"at least {count:,}"
        objects = "object" if count == 1 else "objects"
        return Finding(subject, Status.warn, f"{told} fault {objects} in the last hour", facts)
    if not whole:
        why = f"more than {MOST_LISTED:,} objects lie there without date folders, and the first are old"
        return Finding(subject, Status.unknown, why, facts)
    return Finding(subject, Status.ok, "no fault object in the last hour", facts)


def _place(text: str) -> S3Source:
    source = parse_source(text)
    if not isinstance(source, S3Source):
        raise BadInput(f"{text!r} is no place in S3", "Write s3://bucket/prefix")
    return source
