"""A Dask cluster on this machine: a scheduler and workers, each a process that can be ended in any way."""

import signal
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

from benchmarks.errors import CannotMeasure
from benchmarks.far_side import free_port
from benchmarks.measuring import ending
from benchmarks.ways import ENVIRONMENT

Process = subprocess.Popen[bytes]

_JOIN_S = 60.0
_LEAVE_S = 20.0


class DaskCluster:
    """It has no worker yet; all that is left ends with the `with`."""

    def __init__(self, threads: int = 1) -> None:
        """`threads` of each worker."""
        self._threads = threads
        self._stack = ExitStack()
        self.workers: list[Process] = []
        self.address = ""

    def __enter__(self) -> Self:
        self._home = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="cncbops-dask-")))
        self.address = f"tcp://127.0.0.1:{free_port()}"
        host, port = self.address.removeprefix("tcp://").split(":")
        self.scheduler = self._start("scheduler", "--host", host, "--port", port, "--no-dashboard")
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def join(self, count: int) -> None:
        """Let so many workers join, and wait until the scheduler knows them."""
        threads = ["--nthreads", str(self._threads), "--nworkers", "1", "--no-nanny", "--no-dashboard"]
        place = ["--host", "127.0.0.1", "--local-directory", str(self._home), "--memory-limit", "0"]
        self.workers += [self._start("worker", self.address, *threads, *place) for _ in range(count)]
        self._await_joined()

    def kill(self) -> None:
        """Let the first worker end without a word, as a machine does."""
        process = self.workers.pop(0)
        process.kill()
        process.wait()

    def dismiss(self) -> None:
        """Let the first worker end in good order, as a cluster that is made smaller does."""
        process = self.workers.pop(0)
        process.send_signal(signal.SIGTERM)
        process.wait(_LEAVE_S)

    def _start(self, what: str, *arguments: str) -> Process:
        log = self._stack.enter_context((self._home / f"{what}.log").open("ab"))
        command = [sys.executable, "-m", "dask", what, *arguments]
        process = subprocess.Popen(
            command, env=ENVIRONMENT, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
        self._stack.enter_context(ending(process))
        return process

    def _await_joined(self) -> None:
        from distributed import Client  # here: only this benchmark needs the extra

        connect: Any = Client  # its class is typed, its making is not
        with connect(self.address, set_as_default=False, timeout=_JOIN_S) as client:
            client.wait_for_workers(len(self.workers), timeout=_JOIN_S)
        if any(process.poll() is not None for process in self.workers):
            log = (self._home / "worker.log").read_text()[-500:]
            raise CannotMeasure(f"a worker has ended: {log}")
