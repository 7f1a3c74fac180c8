"""Runs of the command that skip its imports: each in a process of its own, forked from one that has them already.

A third of a second of each of some thousand runs would go into importing botocore and rich. A forked process has
its own session, environment, folder and streams, and then runs the command's entry point as the console script does.
Runs that change how Python itself starts are started anew (see `servers`).

    Warm().run(arguments, env, folder, stdin, timeout_s) -> exit code, standard output, standard error
    Warm().start(arguments, env, folder) -> the process, as far as tests use it like one of `subprocess`
    Warm().program(folder) -> a folder for the PATH of a shell that is typed into
"""

import array
import atexit
import functools
import gc
import importlib
import json
import os
import select
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable, Hashable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, NoReturn

_MODULES = (
    *("_group", "_replaying", "_resubmitting", "_invalidating", "_invalidations", "_health", "_failover"),
    *("_failover_status", "_faults", "_lake_cat", "_lake_find", "_lake_ls", "_policy", "_runs", "_resuming"),
    *("_config_show", "replay", "resubmit", "invalidate", "health", "failover", "faults", "lake", "runs", "config"),
    *("policy", "sandbox", "_sandboxing"),
)
_COMPLETING = ("_shells", "_suggesting", "completion")
_IMPORTED_LATE = ("smart_open.s3", "typer.rich_utils", "_strptime")
_LONGEST_REQUEST = 1024 * 1024


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


def _request(arguments: Sequence[str], env: Mapping[str, str], folder: Path) -> bytes:
    return json.dumps({"arguments": list(arguments), "env": dict(env), "folder": str(folder)}).encode()


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
        for stream in streams:
            os.close(stream)
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
    # Anew, for what they are made of now: a pipe, where there was a file.
    sys.stdin = os.fdopen(0, encoding=sys.stdin.encoding, closefd=False)
    sys.stdout = os.fdopen(1, "w", encoding=sys.stdout.encoding, closefd=False)
    sys.stderr = os.fdopen(2, "w", 1, encoding=sys.stderr.encoding, errors="backslashreplace", closefd=False)


def _warm_up(folder: str) -> None:
    """Have the modules, also those that are only imported by a command that runs, or by the making of a client."""
    for module in (*_MODULES, *_COMPLETING):
        importlib.import_module(f"cncbops.commands.{module}")
    for module in _IMPORTED_LATE:
        importlib.import_module(module)
    sys.argv = ["cncbops", "runs", "ls", "--quiet", "--state-dir", folder]
    importlib.import_module("cncbops.commands._group").run()
    _work_out_commands()
    _work_out_clients()
    gc.freeze()  # no search for garbage shall touch, and so copy, what the forked processes share


def _work_out_commands() -> None:
    """Have each command with what typer makes of its parameters, which it does when they are first read."""
    group = importlib.import_module("cncbops.commands._group")
    loaded = group._Loaded()
    group._Loaded = lambda: loaded
    waiting = [loaded[name] for name in loaded]
    while waiting:
        command = waiting.pop()
        waiting += getattr(command, "commands", {}).values()
        for param in command.params:
            getattr(param, "get_runtime_param", int)()


def _work_out_clients() -> None:
    """Have what botocore works out of descriptions of services and of names of events, for each client anew."""
    reader = importlib.import_module("cncbops.descriptions").FileReader
    read = functools.cache(reader().load_file)
    reader.load_file = lambda _, path: read(path)
    hooks = importlib.import_module("botocore.hooks")
    hooks.accepts_kwargs = functools.lru_cache(hooks.accepts_kwargs)
    _once(hooks.EventAliaser, "_alias_event_name", lambda name: name)
    making = importlib.import_module("botocore.client").ClientCreator
    _once(making, "_load_service_model", lambda name, version=None: (name, version))
    _once(making, "_create_client_class", lambda name, _: name)
    endpoints = importlib.import_module("botocore.endpoint_provider")
    _once(endpoints, "RuleSet", lambda **data: id(data["rules"]))  # which lives as long as `read` keeps it
    aws = importlib.import_module("cncbops.aws")
    clients = aws.Aws(aws.AwsAccess(region="us-east-1", endpoint_url="http://127.0.0.1:9"))
    for make in (clients.s3, clients.lambda_, clients.sts, clients.cloudwatch, clients.cloudfront):
        make().meta.service_model.shape_for_error_code("")


def _once(owner: Any, name: str, key: Callable[..., Hashable]) -> None:
    """Let what a method or function gives be worked out once for each key of its arguments, but `self`."""
    work_out, known = getattr(owner, name), dict[Hashable, Any]()

    def once(*arguments: Any, **named: Any) -> Any:
        asked = key(*arguments[isinstance(owner, type) :], **named)
        if asked not in known:
            known[asked] = work_out(*arguments, **named)
        return known[asked]

    setattr(owner, name, once)


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
