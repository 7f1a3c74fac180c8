"""The file of a plan: what a dry-run found, so that a later run does exactly that or says what differs.

JSON lines, so that a lake of a million objects never has to fit into memory:

    {"cncbops_plan":1,"version":"0.1.0","made":"2026-07-13T14:00:00Z","request":{...},"terms":{...},...}
    {"source":0,"bucket":"lake","key":"s1/2018/04/08/03/x","etag":"...","size":4711,...}      one an object
    {"objects":1,"counts":{...},"sha256":"..."}

The hash is over every byte of the file before the hash itself, and after it come `"}` and the line's
end: no byte can change unnoticed. It tells damage, not forgery. No event's payload is in the file.
"""

import errno
import hashlib
import os
import tempfile
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

import msgspec
from msgspec import Struct

from cncbops import __version__
from cncbops.delivery.outcome import Settled
from cncbops.errors import CannotRun
from cncbops.frozen import freeze_request, from_plain, thaw_request, to_plain
from cncbops.lake.objects import LakeObject
from cncbops.lake.sources import printable
from cncbops.request import ReplayRequest
from cncbops.session.entry import Entry
from cncbops.tally import Failure

FORMAT = 1
_LONGEST_LINE = 64 * 1024 * 1024  # a header with half a million sources; what is no plan shall not fill memory
_BEGINNING = b'{"cncbops_plan":'
_BEFORE_HASH, _AFTER_HASH = b'"sha256":"', b'"}\n'
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


class PlanFile(Struct, frozen=True):
    """A plan that was read and found whole. `object_count` is how many objects it names."""

    path: Path
    header: PlanHeader
    counts: Mapping[str, Any]
    object_count: int
    sha256: str

    def objects(self) -> Iterator[tuple[int, LakeObject]]:
        """The objects with the index of their source, in order, read as they are asked for.

        Raises CannotRun, at the latest at the end, if the file is no longer the one that was checked.
        """
        lines = _Lines(self.path)
        for number, line in enumerate(lines):
            if number:
                with _thawing(self.path):
                    found = _thaw_object(line)
                yield found
        if lines.sha256 != self.sha256:
            raise _not_whole(self.path)


class _Form(msgspec.Struct):
    cncbops_plan: int


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


class _Trailer(msgspec.Struct, forbid_unknown_fields=True):
    objects: int
    counts: dict[str, Any]
    sha256: str


class PlanWriter:
    """Writes a plan as the dry-run goes; a Keeper, and a context manager.

    The file appears at the end, whole and with mode 0600, or not at all: until `finish` it is a
    temporary file beside its place. Raises CannotRun, also at once, where it cannot be written.
    """

    def __init__(self, path: Path, header: PlanHeader) -> None:
        self._path = path
        self._hash = hashlib.sha256()
        self._waiting: dict[int, Entry] = {}  # reported, and not yet written
        self._next_number = 0
        self._objects = 0
        with _writing(path):
            if path.is_dir():
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
            descriptor, name = tempfile.mkstemp(prefix=".cncbops-plan-", dir=path.parent)
        self._temporary = Path(name)
        self._file = os.fdopen(descriptor, "wb")
        try:
            self._put(_line(_freeze_header(header)))
        except CannotRun:
            self.__exit__()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Remove what was not finished."""
        with suppress(OSError):  # nothing is left to lose: what could not be written was told
            self._file.close()
        with suppress(FileNotFoundError):  # it is in its place
            self._temporary.unlink()

    def write(
        self,
        entries: Collection[Entry],
        failures: Sequence[tuple[int, Failure]],  # noqa: ARG002  its entries count them
        settled: Sequence[Settled],  # noqa: ARG002  a plan sends nothing
        claimed: Sequence[bytes] = (),  # noqa: ARG002  nor goes on with what was planned
    ) -> None:
        """Write the objects that have come to their end, in the order of their numbers."""
        self._waiting.update({entry.number: entry for entry in entries if entry.number >= self._next_number})
        while (entry := self._waiting.get(self._next_number)) and (entry.ended or entry.error is not None):
            self._put_object(self._waiting.pop(self._next_number))
            self._next_number += 1

    def pick(
        self,
        picked: Iterable[tuple[Entry, bytes]],
        failures: Iterable[tuple[int, Failure]],  # noqa: ARG002  its entries count them
    ) -> None:
        """Write all objects: what is sent of them is found out anew by the run."""
        for entry, picks in picked:
            self._put_object(replace(entry, matched=int.from_bytes(picks).bit_count()))
            self._next_number = entry.number + 1

    def finish(self, counts: Mapping[str, Any]) -> None:
        """Write the rest and the counts, which JSON can hold, and put the file into its place.

        The rest is an object that a limit on events left half read.
        """
        for number in sorted(self._waiting):
            self._put_object(self._waiting.pop(number))
        trailer = msgspec.json.encode(_Trailer(self._objects, to_plain(counts), ""))
        self._put(trailer[: -len(b'"}')])
        self._put(self._hash.hexdigest().encode() + _AFTER_HASH)
        with _writing(self._path):
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            self._temporary.replace(self._path)

    def _put_object(self, entry: Entry) -> None:
        self._put(_line(_freeze_object(entry)))
        self._objects += 1

    def _put(self, data: bytes) -> None:
        self._hash.update(data)
        with _writing(self._path):
            self._file.write(data)


def read_plan(path: Path) -> PlanFile:
    """A plan, found whole in one pass that keeps nothing. Raises CannotRun for any other file."""
    _require_form(path)
    lines = _Lines(path)
    count, header = -1, b""  # the header is no object
    for count, line in enumerate(lines):
        if not count:
            header = line
    with _thawing(path):
        trailer = msgspec.json.decode(lines.trailer, type=_Trailer)
        if trailer.objects != count:
            raise ValueError(f"{count} objects, not {trailer.objects}")
        return PlanFile(path, _thaw_header(header), from_plain(trailer.counts), count, lines.sha256)


class _Lines:
    """The lines of a plan before its trailer, as they are read; then the trailer, and the file's hash.

    Raises CannotRun at the end if the hash does not fit.
    """

    trailer: bytes
    sha256: str

    def __init__(self, path: Path) -> None:
        self._path = path

    def __iter__(self) -> Iterator[bytes]:
        digest, last = hashlib.sha256(), b""
        for line in _raw_lines(self._path):
            if last:
                digest.update(last)
                yield last
            last = line
        before, mark, after = last.rpartition(_BEFORE_HASH)
        digest.update(before + mark)
        self.trailer, self.sha256 = last, digest.hexdigest()
        if after != self.sha256.encode() + _AFTER_HASH:
            raise _not_whole(self._path)


def key_bytes(key: str) -> bytes:
    """A key as the listing orders it. Raises ValueError for what is neither UTF-8 nor a path's bytes."""
    return key.encode(errors="surrogateescape")


def _freeze_header(header: PlanHeader) -> _Header:
    facts = {each.name: getattr(header, each.name) for each in fields(header)}
    return _Header(cncbops_plan=FORMAT, **{**facts, "request": freeze_request(header.request)})


def _thaw_header(line: bytes) -> PlanHeader:
    header = msgspec.convert(from_plain(msgspec.json.decode(line)), _Header)
    facts = {each.name: getattr(header, each.name) for each in fields(PlanHeader)}
    return PlanHeader(**{**facts, "request": thaw_request(header.request)})


def _freeze_object(entry: Entry) -> _Object:
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


def _thaw_object(line: bytes) -> tuple[int, LakeObject]:
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


def _line(frozen: msgspec.Struct) -> bytes:
    return msgspec.json.encode(to_plain(frozen)) + b"\n"


def _require_form(path: Path) -> None:
    """Raise CannotRun if the file does not begin as a plan that this version reads."""
    first = next(_raw_lines(path), b"")
    if not first.startswith(_BEGINNING):
        raise CannotRun(f"{printable(str(path))} is no plan of cncbops", "Give a file that --save-plan wrote")
    try:
        form = msgspec.json.decode(first, type=_Form).cncbops_plan
    except msgspec.DecodeError:  # damaged: the hash will tell
        return
    if form > FORMAT:
        what = f"{printable(str(path))} is a plan of form {form}; this version reads up to {FORMAT}"
        raise CannotRun(what, "Use the version of cncbops that made it, or make it again with --save-plan")


def _raw_lines(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            while line := file.readline(_LONGEST_LINE):
                yield line
    except OSError as error:
        raise CannotRun(f"cannot read the plan {printable(str(path))}: {error.strerror}", "Check the path") from error


@contextmanager
def _thawing(path: Path) -> Iterator[None]:
    """Raises CannotRun for a plan whose content is not what this version writes."""
    try:
        yield
    except (msgspec.DecodeError, ValueError, OverflowError, RecursionError) as error:
        what = f"{printable(str(path))} is no plan that this version reads: {error}"
        raise CannotRun(what, "Use the version of cncbops that made it, or make it again with --save-plan") from error


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        what = f"cannot write the plan {printable(str(path))}: {error.strerror}"
        raise CannotRun(what, "Give --save-plan another file, or make room; nothing was kept of this plan") from error


def _not_whole(path: Path) -> CannotRun:
    what = f"{printable(str(path))} was changed or cut: its hash does not fit"
    return CannotRun(what, "Make the plan again with --save-plan")
