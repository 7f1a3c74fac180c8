"""`startup`: how soon help is there, and how soon the first request of a replay."""

import argparse
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable
from statistics import median
from time import perf_counter

from benchmarks.errors import CannotMeasure
from benchmarks.installed import COMMAND
from benchmarks.machine import machine_line
from benchmarks.measuring import ending
from benchmarks.report import Table, show
from benchmarks.shape import FUNCTION
from benchmarks.ways import ENVIRONMENT

_COLUMNS = ("what", "median ms", "best ms", "to the first")
_CNCBOPS = [COMMAND]
_FIRST_REQUEST_S = 30.0


def add_options(parser: argparse.ArgumentParser) -> None:
    """The command line."""
    parser.add_argument("--repeat", type=int, default=11, help="runs of each")
    parser.add_argument("--markdown", action="store_true", help="the table as Markdown")


def run(options: argparse.Namespace) -> None:
    """In turns, so that what disturbs one disturbs all."""
    subjects: dict[str, Callable[[], float]] = {
        "python -c pass": lambda: _run_to_end([sys.executable, "-c", "pass"]),
        "cncbops --help": lambda: _run_to_end([*_CNCBOPS, "--help"]),
        "cncbops replay --help": lambda: _run_to_end([*_CNCBOPS, "replay", "--help"]),
        "first request of a dry-run": lambda: _until_first_request([]),
        "first request of replay --execute": lambda: _until_first_request(["--execute"]),
    }
    times: dict[str, list[float]] = {name: [] for name in subjects}
    for _ in range(options.repeat + 1):
        for name, subject in subjects.items():
            times[name].append(subject())
    warm = {name: seconds[1:] for name, seconds in times.items()}  # the first fills the caches
    python = median(warm["python -c pass"])
    rows = [_row(name, seconds, python) for name, seconds in warm.items()]
    show(Table("Start", _COLUMNS, rows, [machine_line()]), markdown=options.markdown)


def _row(name: str, seconds: list[float], python: float) -> list[str]:
    return [name, f"{median(seconds) * 1e3:.0f}", f"{min(seconds) * 1e3:.0f}", f"{median(seconds) / python:.1f}"]


def _run_to_end(command: list[str]) -> float:
    start = perf_counter()
    subprocess.run(command, env=ENVIRONMENT, stdout=subprocess.DEVNULL, check=True)
    return perf_counter() - start


def _until_first_request(options: list[str]) -> float:
    """From the start of a replay until its first bytes are here; it is ended then."""
    with socket.create_server(("127.0.0.1", 0)) as server, tempfile.TemporaryDirectory() as state:
        server.settimeout(_FIRST_REQUEST_S)
        endpoint = f"http://127.0.0.1:{server.getsockname()[1]}"
        words = ["replay", "s3://lake/", "-f", FUNCTION, "--endpoint-url", endpoint, "--state-dir", state, *options]
        start = perf_counter()
        process = subprocess.Popen(
            [*_CNCBOPS, *words], env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        with ending(process):
            return _first_bytes(server) - start


def _first_bytes(server: socket.socket) -> float:
    try:
        connection, _ = server.accept()
    except TimeoutError:
        raise CannotMeasure("cncbops replay asked nothing of its endpoint") from None
    with connection:
        connection.settimeout(_FIRST_REQUEST_S)
        connection.recv(1)
        return perf_counter()
