"""`cncbops health --watch`: off a terminal a line for each change, on one a view that is kept, until a signal."""

import json
import os
import pty
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import IO, Any

import pytest

from tests.e2e.far_side_health import HANG, HealthSide, checked
from tests.e2e.servers import BIN, CREDENTIALS, Cncbops, Process

ILL = checked(503, timestamp=1700611200123, region="us-west-2")


class Lines:
    """What a process writes, line by line, as it comes."""

    def __init__(self, stream: IO[bytes]) -> None:
        self.all: list[str] = []
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._read, args=(stream,))
        self._thread.start()

    def until(self, wanted: Callable[[str], bool]) -> str:
        """The first line that is wanted; waits for it."""
        with self._changed:
            assert self._changed.wait_for(lambda: any(map(wanted, self.all)), 30), self.all
            return next(filter(wanted, self.all))

    def ended(self) -> list[str]:
        """All lines, when the stream is closed."""
        self._thread.join(30)
        return self.all

    def _read(self, stream: IO[bytes]) -> None:
        for line in stream:
            with self._changed:
                self.all.append(line.decode().rstrip("\n"))
                self._changed.notify_all()


@pytest.fixture
def watching(
    cncbops: Cncbops, health_side: HealthSide, tmp_path: Path
) -> Iterator[Callable[..., tuple[Process, Lines]]]:
    """`watching("-o", "json")` watches a check endpoint in each of two regions, every second."""
    text = "".join(
        f'[health.{region}]\nchecks = ["{health_side.check(region)}"]\n' for region in ("us-east-1", "us-west-2")
    )
    (tmp_path / "cncbops.toml").write_text(text)
    started: list[tuple[Process, Lines]] = []

    def watch(*arguments: str) -> tuple[Process, Lines]:
        process = cncbops.start("health", "--watch", "1", *arguments, endpoint=health_side.url)
        assert process.stdout is not None
        started.append((process, Lines(process.stdout)))
        return started[-1]

    yield watch
    for process, lines in started:
        process.kill()
        process.wait()
        lines.ended()


def end(process: Process, number: int = signal.SIGTERM) -> int:
    process.send_signal(number)
    return process.wait(30)


def without_times(lines: list[str]) -> list[str]:
    return [line.partition(" ")[2] for line in lines]


def test_off_a_terminal_changes_are_lines(watching: Any, health_side: HealthSide) -> None:
    east, west = map(health_side.check, ("us-east-1", "us-west-2"))
    process, lines = watching()
    lines.until(lambda line: "must be healthy" in line)
    health_side.on("check", ILL, "us-west-2")
    lines.until(lambda line: "healthy -> unhealthy" in line and "must" in line)
    asked = health_side.count("check.GET", "us-west-2")
    health_side.wait_until(lambda: health_side.count("check.GET", "us-west-2") >= asked + 2)
    assert end(process) == 130
    told = without_times(lines.ended())
    assert [line.partition(" in ")[0] for line in told[:5]] == [
        f"us-east-1 check {east}: ok: 200",
        f"us-west-2 check {west}: ok: 200",
        "us-east-1: healthy",
        "us-west-2: healthy",
        "all must be healthy: healthy",
    ]
    assert told[5:] == [
        f"us-west-2 check {west}: ok -> fail: 503: it says that it is not healthy",
        "us-west-2: healthy -> unhealthy",
        "all must be healthy: healthy -> unhealthy",
    ]


def test_in_json_changes_are_documents_in_lines(watching: Any, health_side: HealthSide) -> None:
    process, lines = watching("-o", "json")
    lines.until(lambda line: json.loads(line)["change"] == "all")
    health_side.on("check", ILL, "us-west-2")
    lines.until(lambda line: json.loads(line).get("before") == "ok")
    assert end(process, signal.SIGINT) == 130
    told = list(map(json.loads, lines.ended()))
    assert [each["change"] for each in told[:5]] == ["row", "row", "region", "region", "all"]
    assert told[0].keys() == {
        *("change", "before", "region", "probe", "subject", "status", "why", "checked", "age_s", "duration_ms", "facts")
    }
    assert (told[5]["region"], told[5]["before"], told[5]["status"]) == ("us-west-2", "ok", "fail")


def test_a_probe_that_hangs_is_asked_no_second_time_meanwhile(watching: Any, health_side: HealthSide) -> None:
    health_side.on("check", HANG, "us-west-2")
    process, lines = watching("--timeout", "1s")
    lines.until(lambda line: "no answer within 1 s" in line)
    asked = health_side.count("check.GET", "us-east-1")
    health_side.wait_until(lambda: health_side.count("check.GET", "us-east-1") >= asked + 1)
    assert health_side.count("check.GET", "us-west-2") <= 3
    assert end(process) == 130


def test_an_error_ends_it_at_once(watching: Any) -> None:
    process, lines = watching("--require", "3")
    assert process.wait(30) == 2
    assert lines.ended() == []


def test_on_a_terminal_a_view_is_kept_until_it_is_interrupted(health_side: HealthSide, tmp_path: Path) -> None:
    arguments = ["health", "--watch", "1", "--check", health_side.check("us-east-1")]
    with closing(Screen(arguments, health_side, tmp_path)) as screen:
        screen.until("200 in")
        health_side.on("check", ILL)
        screen.until("NOT healthy")
        assert screen.interrupt() == 130
    assert screen.text.rindex("\x1b[?25h") > screen.text.rindex("\x1b[?25l")


class Screen:
    """A command on a terminal, and what is written there."""

    def __init__(self, arguments: list[str], side: HealthSide, home: Path) -> None:
        self.text = ""
        self._changed = threading.Condition()
        self._master, slave = pty.openpty()
        self._process = subprocess.Popen(
            [str(BIN / "cncbops"), *arguments],
            env={**CREDENTIALS, "PATH": os.environ["PATH"], "TERM": "xterm", "AWS_ENDPOINT_URL": side.url},
            cwd=home,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
        )
        os.close(slave)
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def until(self, wanted: str) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: wanted in self.text, 30), self.text

    def interrupt(self) -> int:
        self._process.send_signal(signal.SIGINT)
        return self._process.wait(30)

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        self._thread.join(30)

    def _read(self) -> None:
        with suppress(OSError):
            while piece := os.read(self._master, 65536):
                with self._changed:
                    self.text += piece.decode(errors="replace")
                    self._changed.notify_all()
        os.close(self._master)


def test_it_ends_when_nobody_reads_on(cncbops: Cncbops, health_side: HealthSide) -> None:
    asked = ("health", "--watch", "1", "--check", health_side.check("us-east-1"))
    process = cncbops.start(*asked, endpoint=health_side.url)
    assert process.stdout
    assert process.stdout.readline()
    process.stdout.close()
    health_side.on("check", ILL)
    assert process.wait(timeout=60) == 0
