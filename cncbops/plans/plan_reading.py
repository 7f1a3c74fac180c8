"""Reads the file of a plan, if not a byte of it has changed: `plan_format.py` says what stands in it."""

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from cncbops.errors import CannotRun
from cncbops.frozen import from_plain
from cncbops.lake.objects import LakeObject
from cncbops.lake.sources import printable
from cncbops.plans.plan_format import AFTER_HASH, BEFORE_HASH, FORMAT, PlanHeader, Trailer, thaw_header, thaw_object

_LONGEST_LINE = 64 * 1024 * 1024  # a header with half a million sources; what is no plan shall not fill memory
_BEGINNING = b'{"cncbops_plan":'


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
                    found = thaw_object(line)
                yield found
        if lines.sha256 != self.sha256:
            raise _not_whole(self.path)


class _Form(msgspec.Struct):
    cncbops_plan: int


def read_plan(path: Path) -> PlanFile:
    """A plan, found whole in one pass that keeps nothing. Raises CannotRun for any other file."""
    _require_form(path)
    lines = _Lines(path)
    count, header = -1, b""  # the header is no object
    for count, line in enumerate(lines):
        if not count:
            header = line
    with _thawing(path):
        trailer = msgspec.json.decode(lines.trailer, type=Trailer)
        if trailer.objects != count:
            raise ValueError(f"{count} objects, not {trailer.objects}")
        return PlanFile(path, thaw_header(header), from_plain(trailer.counts), count, lines.sha256)


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
        before, mark, after = last.rpartition(BEFORE_HASH)
        digest.update(before + mark)
        self.trailer, self.sha256 = last, digest.hexdigest()
        if after != self.sha256.encode() + AFTER_HASH:
            raise _not_whole(self._path)


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


def _not_whole(path: Path) -> CannotRun:
    what = f"{printable(str(path))} was changed or cut: its hash does not fit"
    return CannotRun(what, "Make the plan again with --save-plan")
