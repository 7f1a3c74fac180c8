"""Start, find and stop the embedded AWS of the sandbox: one ministack process per folder.

The folder holds `sandbox.json` (which process, which port), `sandbox.log` and, while it runs,
`tmp/` (the unpacked functions). The server listens on 127.0.0.1 only, keeps everything in
memory, and knows nothing of the user's AWS settings. It runs in a session of its own, so that
Ctrl-C in the terminal ends the command and not the sandbox; its function workers are in its
process group and end with it.
"""

import contextlib
import http.client
import importlib.util
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from cncbops.errors import CannotRun
from cncbops.ledger.place import at_ledger
from cncbops.sandbox.process import birth, end_group
from cncbops.sandbox.state_file import Server, forget, locked, private, record, recorded

__all__ = ["REGION", "UNSET", "Server", "environment", "is_healthy", "running", "start", "status", "stop"]

HOST = "127.0.0.1"
REGION = "us-east-1"
_POLL_S = 0.05

_CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_REGION": REGION,
    "AWS_DEFAULT_REGION": REGION,
    # No file: neither the user's keys nor an endpoint or a role from a profile get in.
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
}
_NO_FILES = {"CNCBOPS_CONFIG": os.devnull}
"""No cncbops.toml either: what it says of real systems does not hold here."""

# What a shell must not have set when it talks to the sandbox: each of these would win over, or
# contradict, what `environment` says. An empty AWS_PROFILE is still a profile, hence unset.
UNSET = (
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_SESSION_TOKEN",
    "AWS_SECURITY_TOKEN",
    "AWS_ROLE_ARN",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
    "CNCBOPS_USE",
    "CNCBOPS_PROFILE",
    "CNCBOPS_ROLE_ARN",
    "CNCBOPS_REGION",
    "CNCBOPS_ENDPOINT_URL",
)


def start(folder: Path, *, port: int | None = None, timeout_s: float = 30.0, search_path: str = os.defpath) -> Server:
    """Start the sandbox of this folder and return when it answers.

    `search_path` is where functions of other languages find their interpreter (`node`).
    Raises CannotRun when one is running already, when the port is taken, when ministack is not
    installed, and when it does not get healthy in time; it has then been ended.
    """
    if importlib.util.find_spec("ministack") is None:
        raise CannotRun("the sandbox needs ministack", "Install it: pip install 'cncbops[sandbox]'")
    folder = folder.resolve()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise CannotRun(f"{folder} cannot be made: {error.strerror}", "Choose another --state-dir") from error
    with locked(folder):
        running_already = status(folder)
        if running_already:
            there = at_ledger(folder.parent)
            go_on, stop = f'eval "$(cncbops sandbox status{there})"', f"cncbops sandbox stop{there}"
            raise CannotRun(
                f"a sandbox is running already, at {running_already.endpoint_url}",
                f"Go on with it: {go_on}; or stop it first: {stop}",
            )
        return _launch(folder, _usable_port(port), timeout_s, search_path)


def stop(folder: Path) -> bool:
    """End the sandbox of this folder with its function workers; False if none was running."""
    folder = folder.resolve()
    if not folder.is_dir():
        return False
    with locked(folder):
        server = recorded(folder)
        ended = server is not None and end_group(server.pid, server.born)
        forget(folder)
        return ended


def status(folder: Path) -> Server | None:
    """Return the sandbox of this folder, or None when its process does not run."""
    server = recorded(folder.resolve())
    return server if server and birth(server.pid) == server.born else None


def environment(server: Server) -> dict[str, str]:
    """Return what a shell must export to reach the sandbox and nothing else.

    The names in `UNSET` must be unset as well: a profile set by the user would otherwise be
    looked up in the empty configuration and not be found.
    """
    return {"AWS_ENDPOINT_URL": server.endpoint_url, **_CREDENTIALS, **_NO_FILES}


@contextlib.contextmanager
def running(folder: Path, *, search_path: str = os.defpath) -> Iterator[Server]:
    """Run a sandbox for the length of a block, and end it however the block is left.

    SIGTERM leaves the block where it is an interrupt, as the command line makes it.
    """
    server = start(folder, search_path=search_path)
    try:
        yield server
    finally:
        stop(folder)


def is_healthy(server: Server) -> bool:
    """Ask the server itself."""
    # Not urllib: a proxy in the user's environment is no way to 127.0.0.1.
    connection = http.client.HTTPConnection(HOST, server.port, timeout=2.0)
    try:
        connection.request("GET", "/_ministack/health")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _usable_port(wanted: int | None) -> int:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, wanted or 0))
        except OSError as error:
            raise CannotRun(
                f"port {wanted} of {HOST} cannot be used: {error.strerror}",
                "Name another one, or none to get a free one",
            ) from error
        return int(probe.getsockname()[1])


def _launch(folder: Path, port: int, timeout_s: float, search_path: str) -> Server:
    forget(folder)
    (folder / "tmp").mkdir(mode=0o700, exist_ok=True)
    process = _spawn(folder, port, search_path)
    # Nobody else waits for it; unreaped, it would look alive to whoever only sends signal 0.
    threading.Thread(target=process.wait, name="sandbox-reaper", daemon=True).start()
    born = birth(process.pid) or "never"
    server = Server(process.pid, port, f"http://{HOST}:{port}", datetime.now(UTC), born)
    try:
        record(folder, server)
        _await_health(server, folder, timeout_s)
    except BaseException:
        end_group(server.pid, server.born)
        forget(folder)
        raise
    return server


def _spawn(folder: Path, port: int, search_path: str) -> subprocess.Popen[bytes]:
    # -P: a folder called ministack where the command happens to be run is not what is meant.
    command = [sys.executable, "-P", "-m", "ministack"]
    with os.fdopen(private(folder / "sandbox.log"), "wb") as log:
        return subprocess.Popen(
            command,
            cwd=folder,
            env=_server_environment(folder, port, search_path),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def _server_environment(folder: Path, port: int, search_path: str) -> dict[str, str]:
    return {
        **_CREDENTIALS,
        "GATEWAY_PORT": str(port),
        "BIND_HOST": HOST,
        "PATH": search_path,
        "HOME": str(folder),
        "TMPDIR": str(folder / "tmp"),
        "PYTHONUTF8": "1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "LAMBDA_EXECUTOR": "local",
        "LAMBDA_STATE_TRANSITION_SECONDS": "0.1",
        # Both listen on every interface and on fixed ports, and nobody here speaks to them.
        "SFTP_ENABLED": "0",
        "IOT_MTLS_ENABLED": "0",
        # At start and stop ministack removes every container labelled as its own, also those of
        # another ministack. It must not find Docker.
        "DOCKER_HOST": f"unix://{folder / 'tmp' / 'no-docker'}",
    }


def _await_health(server: Server, folder: Path, timeout_s: float) -> None:
    deadline = time.monotonic() + timeout_s
    while not is_healthy(server):
        if birth(server.pid) != server.born:
            raise CannotRun("the sandbox ended while starting", f"Read why in {folder / 'sandbox.log'}")
        if time.monotonic() > deadline:
            raise CannotRun(
                f"the sandbox did not answer within {timeout_s:g} s", f"Read why in {folder / 'sandbox.log'}"
            )
        time.sleep(_POLL_S)
