"""What the system says of a process and its descendants."""

import os
import re
from pathlib import Path

_TICKS_S = os.sysconf("SC_CLK_TCK")
_PSS = re.compile(rb"^Pss:\s+(\d+) kB", re.MULTILINE)
_PEAK = re.compile(rb"^VmHWM:\s+(\d+) kB", re.MULTILINE)
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


def family_of(pid: int) -> list[int]:
    """The process and all that it started, directly or not."""
    children: dict[int, list[int]] = {}
    for entry in os.listdir("/proc"):  # noqa: PTH208  as fast as it gets: this is read while others are timed
        if entry.isdecimal() and (fields := _stat(int(entry))):
            children.setdefault(int(fields[1]), []).append(int(entry))
    family = [pid]
    for member in family:
        family += children.get(member, ())
    return family


def cpu_of(pid: int) -> float:
    """User and system time of a process, in seconds; 0 when it is gone."""
    fields = _stat(pid)
    return (int(fields[11]) + int(fields[12])) / _TICKS_S if fields else 0.0


def rss_of(pid: int) -> int:
    """Bytes of memory that a process holds; 0 when it is gone."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_bytes().split()[1]) * _PAGE_BYTES
    except (OSError, IndexError):
        return 0


def peak_of(pid: int) -> int:
    """The most of it that a process held, since its program began; 0 when it is gone."""
    return _kilobytes(_PEAK, Path(f"/proc/{pid}/status"))


def pss_of(pid: int) -> int:
    """What it holds, where each page that processes share counts in part for each of them."""
    return _kilobytes(_PSS, Path(f"/proc/{pid}/smaps_rollup"))


def _kilobytes(line: "re.Pattern[bytes]", facts: Path) -> int:
    """What a file of facts says, in bytes."""
    try:
        found = line.search(facts.read_bytes())
    except OSError:
        return 0
    return int(found[1]) * 1024 if found else 0


def _stat(pid: int) -> list[bytes]:
    """The fields after the program's name, which may hold anything: state, parent…"""
    try:
        return Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    except OSError:
        return []
