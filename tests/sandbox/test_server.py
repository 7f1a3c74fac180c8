import os
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from cncbops.errors import CannotRun
from cncbops.sandbox import server as sandbox
from cncbops.sandbox.clients import connect
from cncbops.sandbox.functions import deploy
from cncbops.sandbox.state_file import record

needs_proc = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads /proc")

STUBBORN = """
import os, pathlib, signal, time
def handler(event, context):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    pathlib.Path(os.environ["STARTED"]).touch()
    time.sleep(600)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "state"
    sandbox.stop(tmp_path / "state")


def eventually(condition: Callable[[], bool], timeout_s: float = 10.0) -> bool:
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def living_group(leader: int) -> list[int]:
    """Return the processes of a group that have not ended (those unreaped have)."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _parent, group, *_ = path.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(group) == leader and state not in "ZX":
            found.append(int(path.parent.name))
    return found


def listening_addresses(pid: int) -> set[str]:
    links = []
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # it was closed meanwhile
            links.append(str(entry.readlink()))
    inodes = {link[len("socket:[") : -1] for link in links if link.startswith("socket:[")}
    rows = [
        line.split() for table in ("tcp", "tcp6") for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]
    ]
    return {row[1] for row in rows if row[3] == "0A" and row[9] in inodes}


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_started_sandbox_answers_and_is_found_again(folder: Path) -> None:
    server = sandbox.start(folder)
    assert sandbox.is_healthy(server)
    assert sandbox.status(folder) == server
    assert {mode(folder / name) for name in ("sandbox.json", "sandbox.log")} == {0o600}


@needs_proc
def test_only_the_loopback_address_and_the_one_port_are_opened(folder: Path) -> None:
    server = sandbox.start(folder)
    assert listening_addresses(server.pid) == {f"0100007F:{server.port:04X}"}


@needs_proc
def test_the_server_knows_nothing_of_the_users_aws(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SESSION_TOKEN"):
        monkeypatch.setenv(name, "of-the-user")
    server = sandbox.start(folder)
    assert b"of-the-user" not in Path(f"/proc/{server.pid}/environ").read_bytes()


def test_a_second_start_is_refused_and_leaves_the_first_alone(folder: Path) -> None:
    server = sandbox.start(folder)
    with pytest.raises(CannotRun, match=rf"running already, at {server.endpoint_url}\. Go on with it"):
        sandbox.start(folder)
    assert sandbox.status(folder) == server
    assert sandbox.is_healthy(server)


def test_stop_ends_the_sandbox_of_its_folder_and_no_other(folder: Path, tmp_path: Path) -> None:
    server = sandbox.start(folder)
    with sandbox.running(tmp_path / "other") as other:
        assert sandbox.stop(folder)
        assert sandbox.status(folder) is None
        assert not sandbox.is_healthy(server)
        assert not sandbox.stop(folder)
        assert sandbox.is_healthy(other)
    assert not sandbox.is_healthy(other)


@needs_proc
def test_stop_leaves_no_function_worker_behind(folder: Path, tmp_path: Path) -> None:
    server = sandbox.start(folder)
    clients = connect(server.endpoint_url)
    source = tmp_path / "stubborn.py"
    source.write_text(STUBBORN)
    started = tmp_path / "started"
    deploy(clients, "stubborn", source, environment={"STARTED": str(started)})
    clients.lambda_.invoke(FunctionName="stubborn", InvocationType="Event", Payload=b"{}")
    assert eventually(started.exists)
    assert len(living_group(server.pid)) == 2
    assert sandbox.stop(folder)
    assert eventually(lambda: not living_group(server.pid))
    assert sorted(path.name for path in folder.iterdir()) == ["sandbox.lock", "sandbox.log"]


def test_the_record_of_a_dead_server_is_no_running_sandbox(folder: Path) -> None:
    dead = sandbox.start(folder)
    os.kill(dead.pid, signal.SIGKILL)
    assert eventually(lambda: sandbox.status(folder) is None)
    assert sandbox.start(folder).pid != dead.pid


def test_a_stranger_with_the_recorded_process_id_is_not_harmed(folder: Path) -> None:
    server = sandbox.start(folder)
    sandbox.stop(folder)
    with subprocess.Popen(["sleep", "60"], start_new_session=True) as stranger:
        try:
            reused = sandbox.Server(stranger.pid, server.port, server.endpoint_url, server.started_at, server.born)
            record(folder, reused)
            assert sandbox.status(folder) is None
            assert not sandbox.stop(folder)
            assert stranger.poll() is None
        finally:
            stranger.kill()


def test_a_folder_never_used_has_no_sandbox(tmp_path: Path) -> None:
    assert sandbox.status(tmp_path / "never") is None
    assert not sandbox.stop(tmp_path / "never")
    assert not (tmp_path / "never").exists()


def test_an_unreadable_record_is_named(folder: Path) -> None:
    folder.mkdir()
    (folder / "sandbox.json").write_text("{}")
    with pytest.raises(CannotRun, match=r"sandbox\.json does not describe a sandbox"):
        sandbox.status(folder)
    (folder / "sandbox.json").unlink()


def test_a_taken_port_is_refused_by_number(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(CannotRun, match=f"port {port} of 127.0.0.1 cannot be used"):
            sandbox.start(folder, port=port)
    assert sandbox.status(folder) is None


def test_a_named_port_is_the_one_used(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    assert sandbox.start(folder, port=port).endpoint_url == f"http://127.0.0.1:{port}"


def test_without_ministack_the_error_says_what_to_install(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ministack", None)
    with pytest.raises(CannotRun, match=r"pip install 'cncbops\[sandbox\]'"):
        sandbox.start(folder)


def test_a_server_that_ends_while_starting_is_reported_with_its_log(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(CannotRun, match=r"ended while starting\. Read why in .*/sandbox\.log"):
        sandbox.start(folder)
    assert sandbox.status(folder) is None


def test_a_server_that_does_not_answer_in_time_is_ended(
    folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    silent = tmp_path / "silent"
    silent.write_text(f"#!/bin/sh\necho $$ > {tmp_path / 'pid'}\nsleep 60 & wait\n")
    silent.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(silent))
    with pytest.raises(CannotRun, match=r"did not answer within 3 s"):
        sandbox.start(folder, timeout_s=3)
    assert eventually(lambda: not living_group(int((tmp_path / "pid").read_text())))


def test_running_ends_the_sandbox_when_the_block_fails(folder: Path) -> None:
    with pytest.raises(ZeroDivisionError), sandbox.running(folder) as server:
        raise ZeroDivisionError
    assert not sandbox.is_healthy(server)
    assert sandbox.status(folder) is None


def test_running_ends_the_sandbox_on_sigterm(folder: Path) -> None:
    script = (
        "import signal, sys; from pathlib import Path; from cncbops.sandbox.server import running\n"
        "signal.signal(signal.SIGTERM, signal.default_int_handler)\n"
        "with running(Path(sys.argv[1])): print('up', flush=True); signal.pause()"
    )
    command = [sys.executable, "-c", script, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as user:
        assert user.stdout is not None
        assert user.stdout.readline() == "up\n"
        server = sandbox.status(folder)
        assert server is not None
        user.terminate()
        _, errors = user.communicate(timeout=20)
    assert "KeyboardInterrupt" in errors
    assert not sandbox.is_healthy(server)
    assert sandbox.status(folder) is None


def test_the_environment_leads_to_the_sandbox_whatever_profile_was_set(folder: Path, tmp_path: Path) -> None:
    server = sandbox.start(folder)
    (tmp_path / "config").write_text("[profile work]\nregion = eu-west-1\nendpoint_url = http://127.0.0.1:9\n")
    users = os.environ | {"AWS_PROFILE": "work", "AWS_CONFIG_FILE": str(tmp_path / "config")}
    shell = {name: value for name, value in users.items() if name not in sandbox.UNSET}
    asked = subprocess.run(
        [sys.executable, "-c", "import boto3; print(boto3.client('sts').get_caller_identity()['Account'])"],
        env=shell | sandbox.environment(server),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (asked.stdout, asked.stderr) == ("000000000000\n", "")


def test_starting_and_stopping_needs_no_aws_library() -> None:
    script = "import sys, cncbops.sandbox.server; print(sorted({'boto3', 'botocore'} & set(sys.modules)))"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert loaded.stdout == "[]\n"
