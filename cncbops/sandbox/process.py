"""A process as something that can be recognised later, and ended with its children.

A process id alone is not enough: the system gives it away again. So a process is named by
its id and the moment it began, and nothing is signalled whose moment differs.
"""

import os
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_POLL_S = 0.02
_TERM_S = 5.0
_KILL_S = 5.0


def birth(pid: int) -> str | None:
    """Return what tells this process from any other that ever has the same id.

    None when there is no such process, or when it has ended and only waits to be reaped.
    """
    return _birth_from_proc(pid) if _BOOT_ID.exists() else _birth_from_ps(pid)


def _birth_from_proc(pid: int) -> str | None:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The second field is the command in parentheses and may itself hold spaces and parentheses
    # (proc_pid_stat(5)): after the last one come the state and, 19 fields on, the start time.
    state, *rest = stat.rpartition(")")[2].split()
    return None if state in "ZX" else f"{_BOOT_ID.read_text().strip()}/{rest[18]}"


def _birth_from_ps(pid: int) -> str | None:
    found = subprocess.run(
        ["/bin/ps", "-o", "stat=,lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    state, _, began = found.stdout.strip().partition(" ")
    return None if not began or state.startswith("Z") else began.strip()


def end_group(pid: int, born: str) -> bool:
    """End the process and everything in its process group; False if it was gone already.

    The process must lead its own group. SIGTERM first, SIGKILL for what does not heed it.
    """
    if birth(pid) != born:
        return False
    _signal_group(pid, signal.SIGTERM)
    if not _gone(pid, born, _TERM_S):
        _signal_group(pid, signal.SIGKILL)
        _gone(pid, born, _KILL_S)
    # A child that ignores SIGTERM outlives its leader, and keeps the group's id from being reused.
    _signal_group(pid, signal.SIGKILL)
    return True


def _signal_group(pid: int, number: signal.Signals) -> None:
    # PermissionError is what macOS answers for a group of which only unreaped processes remain.
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)


def _gone(pid: int, born: str, timeout_s: float) -> bool:
    deadline = time.monotonic() + timeout_s
    while birth(pid) == born:
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_S)
    return True
