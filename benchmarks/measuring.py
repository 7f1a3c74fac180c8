"""One command, run to its end, with what it took."""

import os
import signal
import subprocess
import tempfile
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from time import perf_counter
from typing import IO

from benchmarks.errors import CannotMeasure
from benchmarks.processes import family_of, peak_of, pss_of, rss_of

_SAMPLE_S = 0.1
_END_S = 5.0


@dataclass(frozen=True, slots=True)
class Usage:
    """What a command took: `cpu_s` of it and all that it waited for, user and system.

    `rss_bytes` is the highest sum over all its processes at one moment, where a page that they share counts for
    each; `pss_bytes` the same, where it counts once; `largest_bytes` the peak of the largest one.
    """

    stdout: bytes
    stderr: bytes
    wall_s: float
    cpu_s: float
    rss_bytes: int
    pss_bytes: int
    largest_bytes: int


def measure(command: Sequence[str], environment: Mapping[str, str]) -> Usage:
    """Run a command that must succeed. Raises CannotMeasure with the end of its standard error."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        start = perf_counter()
        process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=err)
        with ending(process), _Watch(process.pid) as watch:
            _, status, used = os.wait4(process.pid, 0)
            wall_s = perf_counter() - start
            process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise CannotMeasure(f"{' '.join(command)} ended with {process.returncode}: {_read(err)[-1000:].decode()}")
        cpu_s = used.ru_utime + used.ru_stime  # its ru_maxrss is no less than this process had when it began that one
        return Usage(_read(out), _read(err), wall_s, cpu_s, max(watch.rss, watch.largest), watch.pss, watch.largest)


class ending:  # noqa: N801  used like a function, as contextlib's are
    """Ends a process that is still running when the `with` is left: an interrupt, an error."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process

    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None:
        for how in (signal.SIGTERM, signal.SIGKILL):
            if self._process.returncode is None:
                _end(self._process, how)


def _end(process: subprocess.Popen[bytes], how: signal.Signals) -> None:
    """Also what it has started: a worker whose parent is gone may wait for ever."""
    for pid in family_of(process.pid):
        with suppress(ProcessLookupError):
            os.kill(pid, how)
    with suppress(subprocess.TimeoutExpired):
        process.wait(_END_S)


class _Watch:
    """Samples the memory of a process and its descendants."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.rss = self.pss = self.largest = 0

    def __enter__(self) -> "_Watch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._over.wait(_SAMPLE_S):
            family = family_of(self._pid)
            self.rss = max(self.rss, sum(map(rss_of, family)))
            self.pss = max(self.pss, sum(map(pss_of, family)))
            self.largest = max(self.largest, *map(peak_of, family))


def _read(file: IO[bytes]) -> bytes:
    file.seek(0)
    return file.read()
