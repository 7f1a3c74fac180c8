"""The file of a plan: what a dry-run found, so that a later run does exactly that or says what differs.

JSON lines, so that a lake of a million objects never has to fit into memory:

    {"cncbops_plan":1,"version":"0.1.0","made":"2026-07-13T14:00:00Z","request":{...},"terms":{...},...}
    {"source":0,"bucket":"lake","key":"s1/2018/04/08/03/x","etag":"...","size":4711,...}      one an object
    {"objects":1,"counts":{...},"sha256":"..."}

The hash is over every byte of the file before the hash itself, and after it come `"}` and the line's
end: no byte can change unnoticed. It tells damage, not forgery. No event's payload is in the file.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from cncbops import __version__
from cncbops.frozen import freeze_request, from_plain, thaw_request, to_plain
from cncbops.lake.objects import LakeObject
from cncbops.lake.sources import printable
from cncbops.request import ReplayRequest
from cncbops.session.entry import Entry

FORMAT = 1
BEFORE_HASH, AFTER_HASH = b'"sha256":"', b'"}\n'
_EPOCH = datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True)
class PlanHeader:
    """Under what the plan was made. `terms` and `function` are frozen; `by` is the caller's ARN."""

    request: ReplayRequest
    terms: Mapping[str, Any]
    function: Mapping[str, Any]
    region: str
    role_arn: str | None
    endpoint_url: str | None
    account: str | None
    by: str | None
    made: datetime
    version: str = __version__
    source_role_arn: str | None = None


class _Header(msgspec.Struct, forbid_unknown_fields=True):
    cncbops_plan: int
    version: str
    made: datetime
    request: dict[str, Any]
    terms: dict[str, Any]
    function: dict[str, Any]
    region: str
    role_arn: str | None
    endpoint_url: str | None
    account: str | None
    by: str | None
    source_role_arn: str | None = None


class _Object(msgspec.Struct, forbid_unknown_fields=True):
    source: int
    bucket: str
    key: Any
    etag: str
    size: int
    last_modified: int
    storage_class: str
    read: int
    matched: int
    malformed: int
    error: str | None


class Trailer(msgspec.Struct, forbid_unknown_fields=True):
    objects: int
    counts: dict[str, Any]
    sha256: str


def freeze_header(header: PlanHeader) -> _Header:
    facts = {each.name: getattr(header, each.name) for each in fields(header)}
    return _Header(cncbops_plan=FORMAT, **{**facts, "request": freeze_request(header.request)})


def thaw_header(line: bytes) -> PlanHeader:
    header = msgspec.convert(from_plain(msgspec.json.decode(line)), _Header)
    facts = {each.name: getattr(header, each.name) for each in fields(PlanHeader)}
    return PlanHeader(**{**facts, "request": thaw_request(header.request)})


def freeze_object(entry: Entry) -> _Object:
    found = entry.object
    return _Object(
        source=entry.source,
        bucket=found.bucket,
        key=found.key,
        etag=found.etag,
        size=found.size,
        last_modified=(found.last_modified - _EPOCH) // timedelta(milliseconds=1),
        storage_class=found.storage_class,
        read=entry.read,
        matched=entry.matched,
        malformed=entry.malformed,
        error=entry.error,
    )


def thaw_object(line: bytes) -> tuple[int, LakeObject]:
    frozen = msgspec.json.decode(line, type=_Object)
    key = msgspec.convert(from_plain(frozen.key), str)
    key_bytes(key)
    return frozen.source, LakeObject(
        uri=f"s3://{frozen.bucket}/{key}" if frozen.bucket else printable(key),
        bucket=frozen.bucket,
        key=key,
        size=frozen.size,
        etag=frozen.etag,
        last_modified=_EPOCH + timedelta(milliseconds=frozen.last_modified),
        storage_class=frozen.storage_class,
    )


def line_of(frozen: msgspec.Struct) -> bytes:
    return msgspec.json.encode(to_plain(frozen)) + b"\n"


def key_bytes(key: str) -> bytes:
    """A key as the listing orders it. Raises ValueError for what is neither UTF-8 nor a path's bytes."""
    return key.encode(errors="surrogateescape")
