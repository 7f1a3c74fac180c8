"""Whether anybody works on a run: a lock that the system lets go when the process ends, however it ends."""

import fcntl
import os
import time
from pathlib import Path
from typing import Self

from cncbops.errors import CannotRun
from cncbops.ledger.database import guarded
from cncbops.ledger.place import on_run

PATIENCE_S = 0.5
"""A look at whether the lock is held holds it for a moment itself."""


class RunLock:
    """The lock on one run, held while in its block. Raises CannotRun if another process holds it."""

    def __init__(self, folder: Path, run_id: str) -> None:
        self._path = folder / f"{run_id}.lock"
        self._run_id = run_id

    def __enter__(self) -> Self:
        with guarded(self._path):
            self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        deadline = time.monotonic() + PATIENCE_S
        while not self._taken():
            if time.monotonic() > deadline:
                os.close(self._descriptor)
                raise active(self._run_id, self._path.parent)
            time.sleep(0.02)
        return self

    def __exit__(self, *_: object) -> None:
        self._path.unlink(missing_ok=True)
        os.close(self._descriptor)

    def _taken(self) -> bool:
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return self._is_in_place()

    def _is_in_place(self) -> bool:
        """Whether the file locked is the one others will find: its last holder removes it."""
        try:
            found = os.stat(self._path)  # noqa: PTH116  beside fstat
        except FileNotFoundError:
            return self._again()
        mine = os.fstat(self._descriptor)
        return (found.st_dev, found.st_ino) == (mine.st_dev, mine.st_ino) or self._again()

    def _again(self) -> bool:
        os.close(self._descriptor)
        self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        return False


def is_held(folder: Path, run_id: str) -> bool:
    """Whether some process of this machine works on the run."""
    try:
        descriptor = os.open(folder / f"{run_id}.lock", os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def active(run_id: str, folder: Path, host: str | None = None) -> CannotRun:
    """The error for a run of a folder's ledger that somebody works on, on the machine given if that is known."""
    where = f" on {host.partition('/')[0]}" if host else ""
    look = f"See `{on_run('show', run_id, folder)}`; if that process is gone, try again in ten seconds"
    return CannotRun(f"run {run_id} is under way in another process{where}", look)
