"""The process with the command's modules from which runs of it are forked: `warm_server.py SOCKET`, for `warm.py`.

It says `ready` once it has them, answers each request with the process id and, when that has ended, its exit code, and
ends when its standard input does.
"""

import array
import atexit
import gc
import importlib
import importlib.util
import json
import os
import select
import signal
import socket
import sys
import threading
import traceback
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

_MODULES = (
    *("_group", "_replaying", "_resubmitting", "_invalidating", "_invalidations", "_health", "_failover"),
    *("_failover_status", "_faults", "_lake_cat", "_lake_find", "_lake_ls", "_policy", "_runs", "_resuming"),
    *("_config_show", "replay", "resubmit", "invalidate", "health", "failover", "faults", "lake", "runs", "config"),
    *("policy", "sandbox", "_sandboxing", "_lasting", "_progress", "_resubmit_view"),
    *("_lake_verify", "_lake_verify_view"),
)
_COMPLETING = ("_shells", "_suggesting", "completion")
_IMPORTED_LATE = (
    *("smart_open.s3", "typer.rich_utils", "rich._emoji_codes", "_strptime", "tomllib", "multiprocessing.popen_fork"),
    "cncbops.ledger.invalidations",
)
_LONGEST_REQUEST = 1024 * 1024


def _serve(address: str) -> dict[str, Any]:
    """Fork a process for each request; returns in that process, with what was asked."""
    ended = _told_of_ends()
    under_way: dict[int, socket.socket] = {}
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listening:
        listening.bind(address)
        listening.listen(64)
        os.write(1, b"ready\n")
        while True:
            ready, _, _ = select.select([listening, ended, 0], [], [])
            if 0 in ready:  # closed: the tests are over
                os._exit(0)
            if ended in ready:
                ended.recv(4_096)
                _tell_codes(under_way)
            if listening in ready and (asked := _begin(listening.accept()[0], under_way)):
                ended.close()
                return asked


def _told_of_ends() -> socket.socket:
    """What can be read from once a child has ended."""
    ended, told = socket.socketpair()
    told.setblocking(False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(told.detach(), warn_on_full_buffer=False)
    return ended


def _tell_codes(under_way: dict[int, socket.socket]) -> None:
    """Tell the exit codes of those that have ended to whom they are of."""
    while under_way:
        process, status = os.waitpid(-1, os.WNOHANG)
        if not process:
            return
        with under_way.pop(process) as connection, suppress(OSError):  # who asked may be gone
            connection.send(str(os.waitstatus_to_exitcode(status)).encode())


def _begin(connection: socket.socket, under_way: dict[int, socket.socket]) -> dict[str, Any] | None:
    """Fork: the one takes note of the other, which gets what is asked, and becomes the command."""
    request, streams, _, _ = socket.recv_fds(connection, _LONGEST_REQUEST, array.array("i").itemsize * 3)
    process = os.fork()
    if process:
        for stream in streams:
            os.close(stream)
        connection.send(str(process).encode())
        under_way[process] = connection
        return None
    os.close(signal.set_wakeup_fd(-1))
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for each in (connection, *under_way.values()):
        each.close()
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
    kept = _beside("botocore_once")
    kept.keep()
    making = importlib.import_module("botocore.client").ClientCreator
    kept.once(making, "_create_client_class", lambda _, name, model: name)
    aws = importlib.import_module("cncbops.aws")
    clients = aws.Aws(aws.AwsAccess(region="us-east-1", endpoint_url="http://127.0.0.1:9"))
    for make in (clients.s3, clients.lambda_, clients.sts, clients.cloudwatch, clients.cloudfront):
        make().meta.service_model.shape_for_error_code("")


def _beside(name: str) -> Any:
    """A module of the tests: their folder is none of those that commands import from."""
    found = importlib.util.spec_from_file_location(name, Path(__file__).parents[1] / f"{name}.py")
    assert found
    assert found.loader
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


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
