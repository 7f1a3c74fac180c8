"""What there is of processes."""

import time
from collections.abc import Iterable
from pathlib import Path

PATIENCE_S = 60.0


def is_alive(pid: int) -> bool:
    """Whether any thread of a process runs; of one that nobody has waited for yet none does.

    As long as one does it has the process's files, and their locks, though the first may have ended before it.
    """
    try:
        return any(map(_runs, Path(f"/proc/{pid}/task").iterdir()))
    except (FileNotFoundError, ProcessLookupError):
        return False


def _runs(thread: Path) -> bool:
    try:
        status = (thread / "stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return status.rpartition(")")[2].split()[0] not in ("Z", "X")


def await_gone(pids: Iterable[int]) -> None:
    """Wait until none of these processes runs."""
    left, deadline = list(pids), time.monotonic() + PATIENCE_S
    while left := [pid for pid in left if is_alive(pid)]:
        assert time.monotonic() < deadline, f"still alive: {left}"
        time.sleep(0.005)  # the pace of looking, not the condition


def children_of(pid: int) -> list[int]:
    """The processes that a process has begun."""
    threads = Path(f"/proc/{pid}/task").glob("*/children")  # each has those that it has begun
    return [int(child) for thread in threads for child in thread.read_text().split()]


def sockets_of(pid: int) -> int:
    """How many connections a process has: one for each invocation under way, and a few."""
    return sum("socket" in str(each.readlink()) for each in Path(f"/proc/{pid}/fd").iterdir())
