"""The far side of every measurement: nginx as S3 and Lambda, and the listings behind it, for as long as a `with`."""

import socket
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Self

from benchmarks.errors import CannotMeasure
from benchmarks.nginx_config import Setting, nginx_config
from benchmarks.nginx_install import nginx_program
from benchmarks.processes import cpu_of, family_of

_READY_S = 30.0
_END_S = 5.0


@dataclass(frozen=True, slots=True)
class Latency:
    """How long the far side waits, in each invocation and in each list call."""

    invoke_s: float = 0.0
    list_s: float = 0.0


class FarSide:
    """Serves the folders under `buckets` as buckets, and takes every invocation."""

    def __init__(self, buckets: Path, latency: Latency = Latency(), log: Path | None = None) -> None:
        """`log` is where it writes down what arrives, see `benchmarks.arrivals`."""
        self._buckets, self._log = buckets, log
        self._latency = latency
        self._stack = ExitStack()
        self.port = 0

    @property
    def endpoint(self) -> str:
        """Its URL."""
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        program = nginx_program()
        with ExitStack() as stack:
            self._home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="cncbops-far-side-")))
            self.port = free_port()
            config = self._home / "nginx.conf"
            config.write_text(
                nginx_config(Setting(self._home, self._buckets, self.port, self._latency.invoke_s, self._log))
            )
            self._start(stack, [sys.executable, "-m", "benchmarks.listing_server", *self._listing_arguments()])
            self._nginx = self._start(stack, [program, "-c", str(config), "-e", str(self._home / "error.log")])
            self._await_ready()
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def cpu_s(self) -> float:
        """What nginx has used so far; the listings are not in it."""
        return sum(map(cpu_of, family_of(self._nginx.pid)))

    def _listing_arguments(self) -> list[str]:
        return [str(self._buckets), str(self._home / "listings.sock"), str(self._calls), str(self._latency.list_s)]

    @property
    def _calls(self) -> Path:
        return self._home / "list-calls"

    def first_listed(self, since: float) -> float:
        """When it had its first list call since a time, in seconds since 1970."""
        return min(moment for moment in map(float, self._calls.read_text().split()) if moment >= since)

    def _start(self, stack: ExitStack, command: list[str]) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)
        stack.callback(_end, process)
        return process

    def _await_ready(self) -> None:
        bucket = next(self._buckets.iterdir()).name
        until = time.monotonic() + _READY_S
        while not self._answers(bucket):
            if time.monotonic() > until or self._nginx.poll() is not None:
                raise CannotMeasure(f"nginx does not serve: {(self._home / 'error.log').read_text()[-500:]}")
            time.sleep(0.05)

    def _answers(self, bucket: str) -> bool:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", f"/{bucket}?list-type=2&max-keys=1")
            return connection.getresponse().status == 200
        except (OSError, HTTPException):
            return False
        finally:
            connection.close()


def free_port() -> int:
    """A port that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_END_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
