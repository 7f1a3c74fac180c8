"""Who works, where and when, as the ledger keeps it."""

import os
import platform
import time
from dataclasses import dataclass
from pathlib import Path

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_ENDED = "ZX"
"""States of a process that is a zombie, or about to be none any more: proc(5)."""


@dataclass(frozen=True)
class Worker:
    """Who works on a run: the AWS identity's ARN, None where AWS does not say, machine and process.

    `cluster` is the address of the Dask cluster at which that process has it done, if at one.
    """

    who: str | None
    host: str
    process: int
    cluster: str | None = None


def this_worker(who: str | None, cluster: str | None = None) -> Worker:
    """This process, under an AWS identity."""
    return Worker(who, host(), os.getpid(), cluster)


def host() -> str:
    """This machine's name, and which of its starts this is, where the system says so."""
    return f"{platform.node()}/{_BOOT_ID.read_text().strip()}" if _BOOT_ID.exists() else platform.node()


def is_alive(process: int) -> bool:
    """Whether another process of this machine has this id and has not ended."""
    if process == os.getpid():
        return False
    try:
        os.kill(process, 0)
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except (ProcessLookupError, FileNotFoundError):
        return False
    except OSError:  # another user's, or a system that tells no more
        return True
    return state not in _ENDED


def now_ms() -> int:
    """The time, as the ledger keeps it."""
    return int(time.time() * 1000)
