"""What it was measured on, and when: without that a number says nothing."""

import os
import platform
import re
from datetime import UTC, datetime
from pathlib import Path

from cncbops import __version__


def machine_line() -> str:
    """Cores, processor, memory, system, Python, version and date on one line."""
    cores = len(os.sched_getaffinity(0))
    gigabytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    return (
        f"{cores} cores, {_processor()}, {gigabytes:.0f} GB; {platform.system()} {platform.release()}, "
        f"Python {platform.python_version()}, cncbops {__version__}; {datetime.now(UTC):%Y-%m-%d}"
    )


def _processor() -> str:
    try:
        found = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    except OSError:
        found = None
    return " ".join(found[1].split()) if found else platform.machine()
