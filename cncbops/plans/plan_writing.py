"""Writes the file of a plan as the dry-run goes: `plan_format.py` says what stands in it."""

import errno
import hashlib
import os
import tempfile
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Self

import msgspec

from cncbops.delivery.outcome import Settled
from cncbops.errors import CannotRun
from cncbops.frozen import to_plain
from cncbops.lake.sources import printable
from cncbops.plans.plan_format import AFTER_HASH, PlanHeader, Trailer, freeze_header, freeze_object, line_of
from cncbops.session.entry import Entry
from cncbops.tally import Failure


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
            self._put(line_of(freeze_header(header)))
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

    def mend(self, failures: Sequence[tuple[int, int, int]]) -> None:
        """Nothing: a plan is of something new."""

    def pick(
        self,
        picked: Iterable[tuple[Entry, bytes]],
        failures: Iterable[tuple[int, Failure]],  # noqa: ARG002  its entries count them
    ) -> None:
        """Write all objects: what is sent of them is found out anew by the run."""
        for entry, picks in picked:
            self._put_object(msgspec.structs.replace(entry, matched=int.from_bytes(picks).bit_count()))
            self._next_number = entry.number + 1

    def finish(self, counts: Mapping[str, Any]) -> None:
        """Write the rest and the counts, which JSON can hold, and put the file into its place.

        The rest is an object that a limit on events left half read.
        """
        for number in sorted(self._waiting):
            self._put_object(self._waiting.pop(number))
        trailer = msgspec.json.encode(Trailer(self._objects, to_plain(counts), ""))
        self._put(trailer[: -len(b'"}')])
        self._put(self._hash.hexdigest().encode() + AFTER_HASH)
        with _writing(self._path):
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            self._temporary.replace(self._path)

    def _put_object(self, entry: Entry) -> None:
        self._put(line_of(freeze_object(entry)))
        self._objects += 1

    def _put(self, data: bytes) -> None:
        self._hash.update(data)
        with _writing(self._path):
            self._file.write(data)


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        what = f"cannot write the plan {printable(str(path))}: {error.strerror}"
        raise CannotRun(what, "Give --save-plan another file, or make room; nothing was kept of this plan") from error
