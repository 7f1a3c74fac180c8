"""A Dask cluster for tests: a scheduler and workers, each a process of its own, ended by its id."""

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Self

from tests.e2e.servers import BIN, CREDENTIALS, base_environment, free_port, guarded

_PATIENCE_S = 60.0
_REGISTERED = b"Registered to:"
"""What a worker writes once the scheduler knows it."""


class DaskCluster:
    """Its workers call AWS as themselves, at the endpoint that they are told: give `--endpoint-url`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._running = ExitStack()
        self.address = f"tcp://127.0.0.1:{free_port()}"
        self.workers: list[int] = []

    def __enter__(self) -> Self:
        host, port = self.address.removeprefix("tcp://").split(":")
        self._start("scheduler", "--host", host, "--port", port)
        return self

    def __exit__(self, *_: object) -> None:
        self._running.close()

    def at(self, endpoint: str) -> Sequence[str]:
        """The options of a command that works here, and calls AWS there."""
        return "--cluster", self.address, "--endpoint-url", endpoint

    def join(self, count: int, env: Mapping[str, str] | None = None) -> None:
        """Let so many workers join, and wait until the scheduler knows them."""
        settings = ("--nthreads", "1", "--no-nanny", "--memory-limit", "0", "--host", "127.0.0.1")
        place = ("--local-directory", str(self._folder))
        begun = [self._start("worker", self.address, *settings, *place, env=env) for _ in range(count)]
        for process, log in begun:
            _await_line(process, log, _REGISTERED)
            self.workers.append(process.pid)

    def end(self, worker: int, how: signal.Signals = signal.SIGKILL) -> None:
        """End a worker: without a word, or in good order."""
        self.workers.remove(worker)
        os.kill(worker, how)

    def _start(
        self, what: str, *arguments: str, env: Mapping[str, str] | None = None
    ) -> tuple["subprocess.Popen[bytes]", Path]:
        log = self._folder / f"{what}-{time.monotonic_ns()}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [str(BIN / "dask"), what, "--no-dashboard", *arguments],
                env=base_environment(self._folder) | _AWS | dict(env or {}),
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        self._running.enter_context(guarded(process))
        return process, log


KEY = "of-a-worker"
_AWS = {
    **CREDENTIALS,
    "AWS_ACCESS_KEY_ID": KEY,
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
}


def _await_line(process: "subprocess.Popen[bytes]", log: Path, line: bytes) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while line not in log.read_bytes():
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        with suppress(subprocess.TimeoutExpired):
            process.wait(0.02)
