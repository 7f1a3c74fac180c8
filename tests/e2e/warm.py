"""Runs of the command that skip its imports: each in a process of its own, forked from one that has them already.

A third of a second of each of some thousand runs would go into importing botocore and rich. A forked process (see
`warm_server.py`) has its own session, environment, folder and streams, and then runs the command's entry point as the
console script does. Runs that change how Python itself starts are started anew (see `servers`).

    Warm().run(arguments, env, folder, stdin, timeout_s) -> exit code, standard output, standard error
    Warm().start(arguments, env, folder) -> the process, as far as tests use it like one of `subprocess`
    Warm().at_terminal(arguments, env, folder) -> what it writes where all its streams are a terminal
    Warm().program(folder) -> a folder for the PATH of a shell that is typed into
"""

import json
import os
import pty
import select
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import IO


class Started:
    """A process that was forked, with pipes to its streams: as much of `subprocess.Popen` as tests use."""

    def __init__(self, connection: socket.socket, pid: int, stdin: int, stdout: int, stderr: int) -> None:
        self._connection, self.pid = connection, pid
        self.stdin, self.stdout, self.stderr = os.fdopen(stdin, "wb"), os.fdopen(stdout, "rb"), os.fdopen(stderr, "rb")
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Its exit code, if it has ended."""
        with suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Its exit code. Raises TimeoutExpired if it goes on longer."""
        if self.returncode is None:
            if not select.select([self._connection], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired("cncbops", timeout or 0)
            self.returncode = int(self._connection.recv(64))
            self._connection.close()
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send it a signal, unless it is known to have ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)

    def communicate(self, given: bytes = b"", timeout: float | None = None) -> tuple[bytes, bytes]:
        """Give it its input, and read what it says until it ends. Raises TimeoutExpired, having killed it."""
        with suppress(BrokenPipeError):
            if not self.stdin.closed:
                self.stdin.write(given)
                self.stdin.close()
        with ThreadPoolExecutor(2) as readers:
            said = [readers.submit(_read, stream) for stream in (self.stdout, self.stderr)]
            try:
                self.wait(timeout)
            except subprocess.TimeoutExpired:
                self.kill()
                raise
        out, err = (each.result() for each in said)
        return out, err


def _read(stream: IO[bytes]) -> bytes:
    return b"" if stream.closed else stream.read()


class Warm:
    """The process that is forked from; it ends when this one does, or at `close`."""

    def __init__(self, folder: Path) -> None:
        self._address = str(folder / "warm")
        environment = {"PATH": os.environ["PATH"], "HOME": str(folder)}
        command = [sys.executable, "-P", str(Path(__file__).with_name("warm_server.py")), self._address]
        self._process = subprocess.Popen(
            command, env=environment, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == b"ready\n"

    def run(
        self, arguments: Sequence[str], env: Mapping[str, str], folder: Path, stdin: bytes, timeout_s: float
    ) -> tuple[int, bytes, bytes]:
        """Run the command to its end. Raises TimeoutError, and kills it, if that takes longer."""
        with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            given.write(stdin)
            given.seek(0)
            request = _request(arguments, env, folder)
            connection, process = self._fork(request, [stream.fileno() for stream in (given, out, err)])
            with connection:
                connection.settimeout(timeout_s)
                try:
                    code = int(connection.recv(64))
                except TimeoutError:
                    os.killpg(process, signal.SIGKILL)
                    raise
            out.seek(0)
            err.seek(0)
            return code, out.read(), err.read()

    def start(self, arguments: Sequence[str], env: Mapping[str, str], folder: Path) -> Started:
        """Start the command, and do not wait."""
        (given, to_given), (from_out, out), (from_err, err) = (os.pipe() for _ in range(3))
        connection, process = self._fork(_request(arguments, env, folder), [given, out, err])
        for end in (given, out, err):
            os.close(end)
        return Started(connection, process, to_given, from_out, from_err)

    def at_terminal(self, arguments: Sequence[str], env: Mapping[str, str], folder: Path) -> bytes:
        """Run the command to its end where its streams are a terminal, and give what it wrote there."""
        shown, terminal = pty.openpty()
        connection, _ = self._fork(_request(arguments, env, folder), [terminal] * 3)
        os.close(terminal)
        with connection:
            return all_written(shown)

    def program(self, folder: Path) -> Path:
        """A folder for a shell's PATH, in which `cncbops` runs here."""
        program = folder / "cncbops"
        arguments = shlex.join([sys.executable, "-IS", str(Path(__file__).with_name("warm_program.py")), self._address])
        program.write_text(f'#!/bin/sh\nexec {arguments} "$@"\n')
        program.chmod(0o700)
        return folder

    def close(self) -> None:
        """End it."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()

    def _fork(self, request: bytes, streams: Sequence[int]) -> tuple[socket.socket, int]:
        """A process with these streams: the connection by which its end is told, and its id."""
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        connection.connect(self._address)
        socket.send_fds(connection, [request], list(streams))
        return connection, int(connection.recv(64))


def all_written(terminal: int) -> bytes:
    """All that is written to a terminal until nobody has it open any more; it is closed then."""
    written = b""
    with os.fdopen(terminal, "rb", 0) as shown, suppress(OSError):  # Linux's way to say that the other end is closed
        while more := shown.read(65536):
            written += more
    return written


def _request(arguments: Sequence[str], env: Mapping[str, str], folder: Path) -> bytes:
    return json.dumps({"arguments": list(arguments), "env": dict(env), "folder": str(folder)}).encode()
