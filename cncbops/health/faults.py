"""Fault objects of the last hour: the book's alert is on any.

Only the date folders of that time are listed. An object is of the hour in which it was written.
"""

from datetime import timedelta
from itertools import islice
from typing import TYPE_CHECKING, cast

from cncbops.errors import BadInput
from cncbops.health.access import RegionAccess
from cncbops.health.finding import Finding, Status
from cncbops.health.hours_ahead import HoursAhead
from cncbops.lake.layout import skip_reason
from cncbops.lake.listing import list_objects
from cncbops.lake.sources import S3Source, parse_source

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

LOOKS_BACK = timedelta(hours=1)
MOST_LISTED = 5_000
"""More are as bad, and where no date folders part the new from the old a look would not end. Five pages, and as many
for the search for folders, take two seconds where a page takes 200 ms: less than a look has."""


def require_place(text: str) -> None:
    """Raises BadInput if this is no place in S3."""
    _place(text)


def faults(access: RegionAccess, subject: str) -> list[Finding]:
    """How many fault objects were written at a place in the last hour. botocore's errors pass."""
    since = access.all.now() - LOOKS_BACK
    ahead = HoursAhead(access.client("s3"), since, access.all.now())
    objects = list_objects(_place(subject), cast("S3Client", ahead), ahead.window, at_once=1)
    listed = count = 0
    for found in islice(objects, MOST_LISTED):
        listed += 1
        count += found.last_modified >= since and skip_reason(found) is None
    is_whole = listed < MOST_LISTED or next(objects, None) is None
    return [judge(subject, count, whole=is_whole)]


def judge(subject: str, count: int, *, whole: bool) -> Finding:
    """By the number of objects, and whether all that may be of that hour were listed."""
    facts = {"objects": count, "whole": whole}
    if count:
        told = f"{count:,}" if whole else f"at least {count:,}"
        objects = "object" if count == 1 else "objects"
        return Finding(subject, Status.warn, f"{told} fault {objects} in the last hour", facts)
    if not whole:
        why = f"more than {MOST_LISTED:,} objects there may be of that hour, and the first are older"
        return Finding(subject, Status.unknown, why, facts)
    return Finding(subject, Status.ok, "no fault object in the last hour", facts)


def _place(text: str) -> S3Source:
    source = parse_source(text)
    if not isinstance(source, S3Source):
        raise BadInput(f"{text!r} is no place in S3", "Write s3://bucket/prefix")
    return source
