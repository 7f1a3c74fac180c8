"""The processes the tests stand on: ministack, microburst, and the installed command itself.

Each is started in its own process group and ended by that group's id. A guard beside each server holds a pipe
from the test run: when the run ends, however it ends, the pipe closes and the guard ends the server.
"""

import fcntl
import io
import json
import os
import pty
import signal
import socket
import subprocess
import sys
import termios
import time
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any, NoReturn

import boto3
from botocore.config import Config

from tests.e2e.warm import Started, Warm

Process = subprocess.Popen[bytes] | Started
"""A run under way, anew or forked."""

BIN = Path(sys.executable).parent
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": "us-east-1"}
# Killed outright: neither server keeps anything, and their own farewells take seconds.
GUARD = 'read -r _; kill -s KILL -- "-$1"'
START_TIMEOUT_S = 60


def client(service: str, endpoint: str, region: str = "us-east-1", **config: Any) -> Any:
    """A boto3 client of an endpoint of the tests, with its own credentials; it tries once."""
    make: Any = boto3.client  # its stubs want the service named literally
    return make(
        service,
        endpoint_url=endpoint,
        region_name=region,
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(**{"retries": {"total_max_attempts": 1}, "s3": {"addressing_style": "path"}, **config}),
    )


def zipped(name: str, source: str) -> bytes:
    """A function's code of one file, as Lambda takes it."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(name, source)
    return packed.getvalue()


@contextmanager
def ministack(folder: Path) -> Iterator[str]:
    """An embedded AWS that runs Python and Node.js functions; yields its endpoint."""
    port = free_port()
    env = {
        **CREDENTIALS,
        "GATEWAY_PORT": str(port),
        "BIND_HOST": "127.0.0.1",
        "TMPDIR": str(folder),
        # These two would listen on every interface, at a fixed port.
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
    }
    with _server([str(BIN / "ministack")], env, folder, port, "/_ministack/health"):
        yield f"http://127.0.0.1:{port}"


@dataclass(frozen=True)
class Microburst:
    """A running fault injector; `url` is the endpoint to use in place of its upstream."""

    url: str
    port: int

    def fired(self) -> list[dict[str, Any]]:
        """The faults injected so far, oldest first: service, operation, action and more."""
        status, body = _ask(self.port, "/_microburst/fired")
        assert status == 200, body
        return list(json.loads(body))


@contextmanager
def microburst(upstream: str, rules: Sequence[Mapping[str, Any]], folder: Path) -> Iterator[Microburst]:
    """A proxy in front of `upstream` that injects `rules`, as its README's section "Rules" writes them.

    Its first request reads every service model and takes seconds; it is spent here, on a fault of our own
    that is not forwarded, before the rules are put in place.
    """
    port = free_port()
    config = folder / f"microburst-{port}.yaml"
    config.write_text(json.dumps({"rules": [{"service": "*", "error": {"code": "WarmUp"}}]}))  # JSON is YAML
    command = ["--upstream", upstream, "--port", str(port), "--host", "127.0.0.1", "--config", str(config)]
    with _server([str(BIN / "microburst"), *command], {}, folder, port, "/_microburst/health"):
        _ask(port, "/", timeout_s=START_TIMEOUT_S)
        for method, path, body in (("POST", "rules", json.dumps(list(rules))), ("DELETE", "fired", None)):
            status, answer = _ask(port, f"/_microburst/{path}", method, body)
            assert status < 300, answer
        yield Microburst(f"http://127.0.0.1:{port}", port)


@dataclass(frozen=True)
class Result:
    """What one run of the command left: exit code, standard output, standard error."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output as exactly one JSON document; NaN and Infinity are not JSON."""
        try:
            return json.loads(self.out, parse_constant=_not_json)
        except ValueError as problem:
            raise AssertionError(f"not one JSON document ({problem}); {self}") from problem


class Cncbops:
    """Runs the installed command in an environment that holds nothing but what is given here."""

    def __init__(self, home: Path, program: Sequence[str] = (str(BIN / "cncbops"),), warm: Warm | None = None) -> None:
        """With `warm`, runs begin there, unless they change how Python starts."""
        self.home = home
        self._warm = warm
        self.state_dir = home / "state"
        self._program = program
        self._started: list[Process] = []

    def __call__(
        self,
        *arguments: str | Path,
        endpoint: str | None = None,
        env: Mapping[str, str | None] | None = None,
        stdin: bytes = b"",
        timeout_s: float = 60,
    ) -> Result:
        """Run to the end; `endpoint` becomes AWS_ENDPOINT_URL, `env` is added last, None takes out."""
        variables = self._variables(endpoint, env)
        if self._warm is None or _concerns_python(variables):
            return self.finish(self.start(*arguments, endpoint=endpoint, env=env), stdin=stdin, timeout_s=timeout_s)
        code, out, err = self._warm.run(list(map(str, arguments)), variables, self.home, stdin, timeout_s)
        return Result(code, out.decode(), err.decode())

    def start(
        self, *arguments: str | Path, endpoint: str | None = None, env: Mapping[str, str | None] | None = None
    ) -> Process:
        """Start without waiting, for a test that interrupts the run; hand the process to `finish`."""
        variables = self._variables(endpoint, env)
        process: Process
        if self._warm is None or _concerns_python(variables):
            process = subprocess.Popen(
                [*self._program, *map(str, arguments)],
                env=variables,
                cwd=self.home,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        else:
            process = self._warm.start(list(map(str, arguments)), variables, self.home)
        self._started.append(process)
        return process

    def start_at_terminal(self, *arguments: str, endpoint: str) -> "tuple[subprocess.Popen[bytes], int]":
        """The same at a terminal of its own, which hangs up when what it is written to is closed."""
        shown, terminal = pty.openpty()
        process = subprocess.Popen(
            [*self._program, *arguments],
            env=self._variables(endpoint, None),
            cwd=self.home,
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # else it is no terminal of the session
        )
        os.close(terminal)
        self._started.append(process)
        return process, shown

    def finish(self, process: Process, *, stdin: bytes = b"", timeout_s: float = 60) -> Result:
        """Wait for the end of a started run; one that takes longer is killed, and the test fails."""
        try:
            out, err = process.communicate(stdin, timeout=timeout_s)
        except subprocess.TimeoutExpired:
            with suppress(ProcessLookupError):  # it has ended just now
                os.killpg(process.pid, signal.SIGKILL)
            out, err = process.communicate()
            raise AssertionError(f"still running after {timeout_s} s; {out!r} {err!r}") from None
        assert process.returncode is not None
        return Result(process.returncode, out.decode(), err.decode())

    def close(self) -> None:
        """End what a failed test left running."""
        for process in self._started:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.communicate()

    def _variables(self, endpoint: str | None, env: Mapping[str, str | None] | None) -> dict[str, str]:
        variables = self._environment(endpoint) | dict(env or {})
        return {name: value for name, value in variables.items() if value is not None}

    def _environment(self, endpoint: str | None) -> dict[str, str | None]:
        return {
            **base_environment(self.home),
            **CREDENTIALS,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "CNCBOPS_STATE_DIR": str(self.state_dir),
            **({"AWS_ENDPOINT_URL": endpoint} if endpoint else {}),
        }


def _concerns_python(variables: Mapping[str, str]) -> bool:
    """Whether Python itself would start in another way with some of these."""
    return any(name.startswith(("PYTHON", "LC_", "LANG")) for name in variables)


def base_environment(home: Path) -> dict[str, str]:
    """What every process of the tests has."""
    return {"PATH": os.environ["PATH"], "HOME": str(home)}


def _not_json(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def free_port() -> int:
    """A port that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def _server(command: list[str], env: Mapping[str, str], folder: Path, port: int, health: str) -> Iterator[None]:
    log = folder / f"{Path(command[0]).name}-{port}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            env=base_environment(folder) | dict(env),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    with guarded(process):
        _await_health(process, port, health, log)
        yield


@contextmanager
def guarded(process: "subprocess.Popen[bytes]") -> Iterator[None]:
    """Let a process that leads a group of its own end with what follows, or with the test run."""
    guard = subprocess.Popen(
        ["/bin/sh", "-c", GUARD, "guard", str(process.pid)], stdin=subprocess.PIPE, start_new_session=True
    )
    try:
        yield
    finally:
        guard.communicate()
        process.wait()


def _await_health(process: "subprocess.Popen[bytes]", port: int, path: str, log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while process.poll() is None and time.monotonic() < deadline:
        try:
            if _ask(port, path)[0] == 200:
                return
        except (OSError, HTTPException):
            time.sleep(0.05)  # the pace of asking again, not the condition
    raise RuntimeError(f"{log.stem} did not start: {log.read_text()[-2000:]}")


def _ask(
    port: int, path: str, method: str = "GET", body: str | None = None, *, timeout_s: float = 10
) -> tuple[int, bytes]:
    connection = HTTPConnection("127.0.0.1", port, timeout=timeout_s)
    try:
        connection.request(method, path, body, {"Content-Type": "application/json"} if body else {})
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()
