"""Whoever reads standard output or standard error may go, as `head` does: what a command does and comes to stays."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

import pytest

from tests.e2e import lakes
from tests.e2e.far_side import FarSide, function_error
from tests.e2e.held import Held
from tests.e2e.runs import Runs
from tests.e2e.servers import BIN, Cncbops, Process

EVENTS = lakes.make_events(600, 50, seed=61)
ASKED = ("replay", "s3://lake/", "-f", "fn", "--execute", "--batch-size", "10")


@pytest.fixture
def lake(far_side: FarSide) -> FarSide:
    far_side.add_bucket("lake", lakes.lake_of(EVENTS, 100))
    far_side.add_function("fn")
    return far_side


@pytest.fixture
def held(lake: FarSide) -> Iterator[Held]:
    function = Held()
    lake.add_function("fn", function)
    yield function
    function.go.set()


@pytest.fixture
def runs(cncbops: Cncbops, lake: FarSide) -> Runs:
    return Runs(cncbops, lake)


def read_no_more(stream: IO[bytes] | None) -> None:
    assert stream
    stream.close()


def code_and_errors(process: Process) -> tuple[int | None, bytes]:
    assert process.stderr
    err = process.stderr.read()
    return process.wait(timeout=60), err


def test_a_run_whose_document_nobody_reads_is_done_and_reported_as_any_other(
    lake: FarSide, cncbops: Cncbops, runs: Runs, tmp_path: Path
) -> None:
    report = tmp_path / "run.csv"
    process = cncbops.start(*ASKED, "-o", "json", "--report", report, endpoint=lake.url)
    read_no_more(process.stdout)
    assert code_and_errors(process) == (0, b"")
    assert (runs.newest.status, len(lake.delivered()), report.exists()) == ("succeeded", len(EVENTS), True)


def test_its_exit_code_tells_of_the_run_still(lake: FarSide, cncbops: Cncbops, runs: Runs) -> None:
    lake.add_function("fn", lambda _payload, _context: function_error("E", "no"))
    process = cncbops.start(*ASKED, "-o", "json", "--max-attempts", "1", "--max-failures", "1", endpoint=lake.url)
    read_no_more(process.stdout)
    assert code_and_errors(process) == (5, b"")
    assert runs.newest.status == "stopped"


@pytest.mark.parametrize("mode", [[], ["-v"], ["-o", "json"]], ids=["text", "verbose", "json"])
def test_a_run_of_whose_words_nobody_hears_goes_on_to_its_end(
    mode: list[str], held: Held, lake: FarSide, cncbops: Cncbops, runs: Runs
) -> None:
    process = cncbops.start(*ASKED, *mode, "--workers", "1", endpoint=lake.url)
    lake.wait_until(lambda: lake.in_flight > 0)
    read_no_more(process.stderr)
    read_no_more(process.stdout)
    held.go.set()
    assert process.wait(timeout=60) == 0
    assert (runs.newest.status, len(lake.delivered())) == ("succeeded", len(EVENTS))


def test_ctrl_c_that_ends_what_reads_along_too_stops_a_run_as_ever(
    held: Held, lake: FarSide, cncbops: Cncbops, runs: Runs
) -> None:
    """Of `cncbops … 2>&1 | tee log` both get it."""
    process = cncbops.start(*ASKED, endpoint=lake.url)
    lake.wait_until(lambda: lake.in_flight > 0)
    read_no_more(process.stderr)
    read_no_more(process.stdout)
    process.send_signal(signal.SIGINT)
    held.go.set()
    assert process.wait(timeout=60) == 130
    assert runs.newest.status == "interrupted"
    assert runs.counts.delivered == len(lake.delivered()) < len(EVENTS)


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_terminal_that_hangs_up_stops_a_run_as_ctrl_c_does(
    workers: str, held: Held, lake: FarSide, cncbops: Cncbops, runs: Runs
) -> None:
    process, shown = cncbops.start_at_terminal(*ASKED, "--workers", workers, endpoint=lake.url)
    lake.wait_until(lambda: lake.in_flight > 0)
    os.close(shown)
    held.go.set()
    assert process.wait(timeout=60) == 130
    assert runs.newest.status == "interrupted"
    assert runs.counts.delivered == len(lake.delivered()) < len(EVENTS)


def test_a_run_that_was_begun_with_nohup_goes_on(held: Held, lake: FarSide, cncbops: Cncbops, runs: Runs) -> None:
    process = Cncbops(cncbops.home, ("nohup", str(BIN / "cncbops"))).start(*ASKED, endpoint=lake.url)
    lake.wait_until(lambda: lake.in_flight > 0)
    process.send_signal(signal.SIGHUP)
    held.go.set()
    assert process.wait(timeout=60) == 0
    assert (runs.newest.status, len(lake.delivered())) == ("succeeded", len(EVENTS))


@pytest.mark.parametrize(("arguments", "code"), [(ASKED, 0), (("replay", "s3://none/", "-f", "fn"), 1), (("what",), 2)])
def test_words_for_which_there_is_no_room_change_no_exit_code(
    arguments: Sequence[str], code: int, lake: FarSide, cncbops: Cncbops
) -> None:
    full = Cncbops(cncbops.home, ("sh", "-c", 'exec "$0" "$@" 2> /dev/full', str(BIN / "cncbops")))
    assert full(*arguments, endpoint=lake.url).code == code


@pytest.mark.parametrize(("option", "code"), [("-v", 1), ("--bad", 2)])
def test_an_error_that_nobody_hears_changes_no_exit_code(
    option: str, code: int, lake: FarSide, cncbops: Cncbops
) -> None:
    process = cncbops.start("replay", "s3://none/", "-f", "fn", option, endpoint=lake.url)
    read_no_more(process.stderr)
    assert process.wait(timeout=60) == code


@pytest.mark.parametrize("form", ["text", "json"])
def test_looks_end_in_silence(form: str, lake: FarSide, cncbops: Cncbops, runs: Runs) -> None:
    runs.execute()
    for asked in (["runs", "ls"], ["runs", "show", runs.newest.run_id], ["lake", "stats", "s3://lake/"]):
        process = cncbops.start(*asked, "-o", form, endpoint=lake.url)
        read_no_more(process.stdout)
        assert code_and_errors(process) == (0, b"")


def test_what_writes_lines_ends_where_nobody_reads_them(lake: FarSide, cncbops: Cncbops) -> None:
    lake.add_bucket("copy", {})
    for asked, code in ((["verify", "s3://lake/", "s3://copy/", "--all"], 3), (["find", "s3://lake/"], 0)):
        process = cncbops.start("lake", *asked, "-o", "json", endpoint=lake.url)
        read_no_more(process.stdout)
        assert code_and_errors(process) == (code, b"")


PRINTED = ["--help", "--version", "replay --help", "runs --help", "runs ls --help", "completion zsh"]


@pytest.mark.parametrize("what", PRINTED)
def test_who_reads_no_help_is_told_of_no_error(cncbops: Cncbops, what: str) -> None:
    process = cncbops.start(*what.split())
    read_no_more(process.stdout)
    assert code_and_errors(process) == (0, b"")


@pytest.mark.parametrize("what", [*PRINTED, "policy resubmit", "config show"])
def test_where_there_is_no_room_for_what_is_printed_a_line_says_so(cncbops: Cncbops, what: str) -> None:
    full = Cncbops(cncbops.home, ("sh", "-c", 'exec "$0" "$@" > /dev/full', str(BIN / "cncbops")))
    result = full(*what.split())
    said = "error: standard output cannot be written: No space left on device. Send it where there is room"
    assert (result.code, result.err.removesuffix(", and run it again\n").strip()) == (1, said)


@pytest.mark.parametrize("closed", [">&-", "2>&-"])
def test_a_stream_that_the_caller_has_closed_is_none_to_fail_for(tmp_path: Path, closed: str) -> None:
    line = f'exec "$0" -P -m cncbops runs ls --state-dir "$1" {closed}'
    ended = subprocess.run(["sh", "-c", line, sys.executable, tmp_path], capture_output=True, timeout=60, check=False)
    assert (ended.returncode, b"Traceback" in ended.stderr) == (0, False)
