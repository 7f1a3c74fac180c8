"""Runs of the command that skip its imports: each in a process of its own, forked from one that has them already.

Half a second of each of some seven hundred runs would go into importing boto3 and rich. A forked process has its
own session, environment, folder and streams, and then runs the command's entry point as the console script does.
Runs that a test interrupts, and those that change how Python itself starts, are started anew (see `servers`).

    Warm().run(arguments, env, folder, stdin, timeout_s) -> exit code, standard output, standard error
"""

import array
import atexit
import functools
import gc
import importlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any, NoReturn

_MODULES = (
    *("_group", "_replaying", "_resubmitting", "_invalidating", "_invalidations", "_health", "_failover"),
    *("_failover_status", "_faults", "_runs", "_resuming"),
    *("replay", "resubmit", "invalidate", "health", "failover", "faults", "runs"),
)
_IMPORTED_LATE = ("smart_open.s3", "typer.rich_utils", "_strptime")
_LONGEST_REQUEST = 1024 * 1024


class Warm:
    """The process that is forked from; it ends when this one does, or at `close`."""

    def __init__(self, folder: Path) -> None:
        self._address = str(folder / "warm")
        environment = {"PATH": os.environ["PATH"], "HOME": str(folder)}
        command = [sys.executable, "-P", __file__, self._address]
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
            request = json.dumps({"arguments": list(arguments), "env": dict(env), "folder": str(folder)}).encode()
            code = self._wait(request, [given, out, err], timeout_s)
            out.seek(0)
            err.seek(0)
            return code, out.read(), err.read()

    def close(self) -> None:
        """End it."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()

    def _wait(self, request: bytes, streams: Sequence[IO[bytes]], timeout_s: float) -> int:
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as connection:
            connection.connect(self._address)
            socket.send_fds(connection, [request], [stream.fileno() for stream in streams])
            process = int(connection.recv(64))
            connection.settimeout(timeout_s)
            try:
                return int(connection.recv(64))
            except TimeoutError:
                os.killpg(process, signal.SIGKILL)
                raise


def _serve(address: str) -> dict[str, Any]:
    """Fork a process for each request; returns in that process, with what was asked."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listening:
        listening.bind(address)
        listening.listen(64)
        os.write(1, b"ready\n")
        while True:
            ready, _, _ = select.select([listening, 0], [], [])
            if 0 in ready:  # closed: the tests are over
                os._exit(0)
            connection, _ = listening.accept()
            if not os.fork():
                break
            connection.close()
    return _begin(connection)


def _begin(connection: socket.socket) -> dict[str, Any]:
    """Fork once more: the one waits and tells the exit code, the other becomes the command."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    request, streams, _, _ = socket.recv_fds(connection, _LONGEST_REQUEST, array.array("i").itemsize * 3)
    process = os.fork()
    if process:
        connection.send(str(process).encode())
        _, status = os.waitpid(process, 0)
        connection.send(str(os.waitstatus_to_exitcode(status)).encode())
        os._exit(0)
    connection.close()
    os.setsid()
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    asked: dict[str, Any] = json.loads(request)
    return asked


def _become(asked: dict[str, Any]) -> None:
    os.chdir(asked["folder"])
    os.environ.clear()
    os.environ.update(asked["env"])
    sys.argv = ["cncbops", *asked["arguments"]]


def _warm_up(folder: str) -> None:
    """Have the modules, also those that are only imported by a command that runs, or by the making of a client."""
    for module in _MODULES:
        importlib.import_module(f"cncbops.commands.{module}")
    for module in _IMPORTED_LATE:
        importlib.import_module(module)
    sys.argv = ["cncbops", "runs", "ls", "--quiet", "--state-dir", folder]
    importlib.import_module("cncbops.commands._group").run()
    # Read once, not in each process: clients merge into a description nothing but what it holds already.
    reader = importlib.import_module("cncbops.descriptions").FileReader
    read = functools.cache(reader().load_file)
    reader.load_file = lambda _, path: read(path)
    aws = importlib.import_module("cncbops.aws")
    clients = aws.Aws(aws.AwsAccess(region="us-east-1", endpoint_url="http://127.0.0.1:9"))
    for make in (clients.s3, clients.lambda_, clients.sts, clients.cloudwatch, clients.cloudfront):
        make()
    gc.freeze()  # no search for garbage shall touch, and so copy, what the forked processes share


def _code_of_command() -> int:
    from cncbops.cli import main

    try:
        main()
    except SystemExit as end:
        return int(end.code or 0)
    except BaseException:  # noqa: BLE001 - told as the interpreter would
        traceback.print_exc()
        return 1
    return 0


def _end(code: int) -> NoReturn:
    """End as the interpreter does, but leave its modules as they are: to take them apart is to copy all of them."""
    threading._shutdown()  # type: ignore[attr-defined]  # waits for threads
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    address = sys.argv[1]
    _warm_up(str(Path(address).parent))
    _become(_serve(address))
    _end(_code_of_command())
