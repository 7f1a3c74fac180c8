"""Real clusters on loopback: a scheduler and workers, each a process, ended by its pid."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PATIENCE_S = 120.0
BENCH = "tests.cluster.bench_worker"
"""Makes the station of a worker a bench: see there."""

ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": "/dev/null",
    "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
    "PYTHONPATH": str(ROOT),
}


class Processes:
    """Child processes; all that are left are killed in the end."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._children: list[subprocess.Popen[bytes]] = []

    def start(self, module: str, *arguments: str, **environment: str) -> subprocess.Popen[bytes]:
        """A module as a program."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "DASK_"))}
        with self._log.open("ab") as log:
            child = subprocess.Popen(
                [sys.executable, "-m", module, *arguments],
                env={**inherited, **ENVIRONMENT, **environment},
                stdout=log,
                stderr=log,
                cwd=self._log.parent,
            )
        self._children.append(child)
        return child

    def close(self) -> None:
        for child in self._children:
            child.kill()
            child.wait()


class LoopbackCluster:
    """A scheduler, and workers as they are asked for."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self._processes = Processes(folder / "log")
        self._environment = environment
        file = folder / "scheduler.json"
        self.scheduler = self._processes.start(
            "distributed.cli.dask_scheduler",
            *("--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", str(file)),
            **environment,
        )
        self.address = _address_in(file, self.scheduler)

    def worker(self, *options: str, preload: str | None = BENCH, **environment: str) -> subprocess.Popen[bytes]:
        """Start a worker in one process of its own."""
        preloads = ("--preload", preload) if preload else ()
        return self._processes.start(
            "distributed.cli.dask_worker",
            *(self.address, "--no-nanny", "--no-dashboard", "--nthreads", "1", "--host", "127.0.0.1"),
            *("--death-timeout", "30", *preloads, *options),
            **{**self._environment, **environment},
        )

    def __enter__(self) -> "LoopbackCluster":
        return self

    def __exit__(self, *_: object) -> None:
        self._processes.close()


def _address_in(file: Path, scheduler: subprocess.Popen[bytes]) -> str:
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            told: Mapping[str, Any] = json.loads(file.read_text())
        except (FileNotFoundError, ValueError):
            assert scheduler.poll() is None, "the scheduler has ended"
            assert time.monotonic() < deadline, "no scheduler has come up"
            time.sleep(0.01)  # the pace of looking, not the condition
        else:
            return str(told["address"])


def end(child: subprocess.Popen[bytes], number: signal.Signals = signal.SIGKILL) -> None:
    """End a process, and wait for that."""
    child.send_signal(number)
    child.wait(PATIENCE_S)
