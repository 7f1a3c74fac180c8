"""What a run leaves behind: every failure it met, on disk.

No event's payload is in it; a function's own error message is, as far as it is shown.
"""

import os
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import IO, Protocol

import orjson

from cncbops.errors import CannotRun
from cncbops.tally import Failure


class Ledger(Protocol):
    """Takes down what went wrong, as it happens. `kept` is where it can be read afterwards."""

    kept: Path | None

    def note(self, failure: Failure) -> None:
        """Keep one failure."""


class NoLedger:
    """A dry-run's: keeps nothing."""

    kept: Path | None = None

    def note(self, failure: Failure) -> None:
        """Do nothing."""


class RunLedger:
    """The failures file of one run: JSON lines, file mode 0600, one line a failure.

    A context manager; a file that stays empty is removed at the end. Raises CannotRun at once if
    the file cannot be made, so that nothing is sent unrecorded.
    """

    def __init__(self, state_dir: Path, run_id: str) -> None:
        self._path = state_dir / "runs" / f"{run_id}.failures.jsonl"
        self._file = self._create()
        self.kept: Path | None = None

    def _create(self) -> IO[bytes]:
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
            return os.fdopen(os.open(self._path, flags, 0o600), "wb")
        except OSError as error:
            what = f"cannot write to the state directory: {self._path.parent}: {error.strerror}"
            raise CannotRun(what, "Choose another with --state-dir; nothing was sent") from error

    def note(self, failure: Failure) -> None:
        """Append one failure; it is on its way to disk when this returns. Raises CannotRun if it is not."""
        try:
            self._file.write(orjson.dumps(asdict(failure)) + b"\n")
            self._file.flush()
        except OSError as error:
            what = f"cannot keep a failure in {self._path}: {error.strerror}"
            raise CannotRun(what, "Make room, then replay again what is not done") from error
        self.kept = self._path

    def __enter__(self) -> "RunLedger":
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):  # what could not be written was told when it was noted
            self._file.close()
        if not self.kept:
            self._path.unlink()
