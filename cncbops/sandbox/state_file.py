"""What a sandbox's folder says about the server that was started there.

`sandbox.json` is written whole or not at all, as soon as the process exists, so that a server
is never without a record; the record may outlive the process, never the other way round.
"""

import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from cncbops.errors import CannotRun


@dataclass(frozen=True, slots=True)
class Server:
    """A running sandbox. `born` tells its process from a later one with the same id."""

    pid: int
    port: int
    endpoint_url: str
    started_at: datetime
    born: str


def record(folder: Path, server: Server) -> None:
    """Write down the server of this folder."""
    draft = folder / "sandbox.json.new"
    with os.fdopen(private(draft), "w", encoding="utf-8") as file:
        json.dump(asdict(server) | {"started_at": server.started_at.isoformat()}, file)
    draft.replace(folder / "sandbox.json")


def recorded(folder: Path) -> Server | None:
    """Return the server that was written down last, running or not.

    Raises CannotRun when the record cannot be read.
    """
    path = folder / "sandbox.json"
    try:
        fields = json.loads(path.read_bytes())
        return Server(**fields | {"started_at": datetime.fromisoformat(fields["started_at"])})
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, KeyError) as error:
        raise CannotRun(
            f"{path} does not describe a sandbox", "Remove the file, and end the server if one runs"
        ) from error


def forget(folder: Path) -> None:
    """Remove the record, and the functions the server had unpacked."""
    (folder / "sandbox.json").unlink(missing_ok=True)
    shutil.rmtree(folder / "tmp", ignore_errors=True)


def private(path: Path) -> int:
    """Open a file of ours for writing, empty and readable by its owner only."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.fchmod(descriptor, 0o600)
    return descriptor


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Let one command at a time start or stop the sandbox of a folder."""
    with os.fdopen(private(folder / "sandbox.lock"), "wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
