"""What a run writes, seen as bytes: colours, control codes, encodings, and streams that take no more."""

import json
import os
import pty
import re
import subprocess
from pathlib import Path

import pytest

from tests.e2e import lakes
from tests.e2e.far_side import FarSide, function_error
from tests.e2e.replays import Replays
from tests.e2e.servers import BIN, Cncbops
from tests.e2e.warm import Warm, all_written

CONTROLS = frozenset(map(chr, [*range(32), *range(127, 160)])) - {"\n"}


@pytest.fixture
def lake(far_side: FarSide) -> FarSide:
    far_side.add_bucket("lake", lakes.make_lake(30, 3, 10))
    far_side.add_function("fn")
    return far_side


STYLE = re.compile(rb"\x1b\[[\d;]*m")
"""What makes text coloured, bold or dim on a terminal."""
HIDDEN_CURSOR = b"\x1b[?25l"


@pytest.mark.parametrize("no_color", [{}, {"NO_COLOR": "1"}], ids=["as it is", "NO_COLOR"])
def test_colours_are_for_terminals_that_want_them_and_progress_for_all(
    no_color: dict[str, str], lake: FarSide, tmp_path: Path, warm: Warm
) -> None:
    env = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "TERM": "xterm-256color",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": lake.url,
        **no_color,
    }
    written = warm.at_terminal(["replay", "s3://lake/", "-f", "fn"], env, tmp_path)
    assert b"30 matched of 30 read" in written
    assert HIDDEN_CURSOR in written  # as long as a line of progress stands there
    assert bool(STYLE.search(written)) is not bool(no_color)


@pytest.mark.parametrize("no_color", [{}, {"NO_COLOR": "1"}], ids=["as it is", "NO_COLOR"])
def test_a_help_has_colours_where_they_are_wanted(no_color: dict[str, str], tmp_path: Path) -> None:
    """Begun anew, as this is settled when its modules are loaded."""
    child, terminal = pty.fork()
    if child == 0:
        variables = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "TERM": "xterm-256color", **no_color}
        os.execve(BIN / "cncbops", ["cncbops", "runs", "ls", "--help"], variables)
    written = all_written(terminal)
    assert os.waitpid(child, 0)[1] == 0
    assert b"List the runs" in written
    assert bool(STYLE.search(written)) is not bool(no_color)


@pytest.mark.parametrize("mode", [[], ["--execute"]], ids=["plan", "run"])
def test_what_is_piped_is_plain(mode: list[str], lake: FarSide, replays: Replays) -> None:
    result = replays.text(*mode)
    assert result.code == 0
    assert "30 matched" in result.out + result.err
    assert not CONTROLS & set(result.out + result.err)


EVIL = "\x1b]0;owned\x07\x1b[31m\r\x9b1m"


@pytest.mark.parametrize("mode", [[], ["--execute", "--max-attempts", "1"]], ids=["plan", "run"])
def test_nothing_that_comes_from_outside_becomes_a_control_code(
    mode: list[str], far_side: FarSide, replays: Replays
) -> None:
    event = json.dumps({"id": f"id{EVIL}", "type": f"thing{EVIL}"}).encode()
    far_side.add_bucket("lake", {f"key{EVIL}": lakes.join([lakes.envelope(event, f"key{EVIL}", 1), b"?"])})
    far_side.add_function("fn", lambda _payload, _context: function_error(f"Error{EVIL}", f"message{EVIL}"))
    result = replays.text(*mode)
    assert result.code == 3
    assert not CONTROLS & set(result.out + result.err)


def test_an_error_about_a_hostile_name_is_still_one_plain_line(far_side: FarSide, replays: Replays) -> None:
    result = replays.text(sources=[f"s3://none/{EVIL}\nprefix"])
    assert (result.code, len(result.err.splitlines())) == (1, 1)
    assert not CONTROLS & set(result.err)


def test_a_stream_that_cannot_hold_every_character_gets_what_it_can_hold(lake: FarSide, replays: Replays) -> None:
    result = replays.text(env={"PYTHONIOENCODING": "ascii"})
    assert (result.code, result.err) == (0, "")
    assert "30 matched of 30 read" in result.out


def test_a_list_of_sources_that_is_not_utf_8_is_refused_in_a_line(lake: FarSide, replays: Replays) -> None:
    strict = {"PYTHONIOENCODING": "utf-8:strict"}
    result = replays.text(sources=["-"], stdin=b"s3://lake/\xff\n", env=strict)
    assert (result.code, result.out, len(result.err.splitlines())) == (2, "", 1)
    assert result.err.startswith("error: ")


def test_a_summary_that_cannot_be_written_is_told_in_a_line(lake: FarSide, cncbops: Cncbops) -> None:
    """The run is over by then: what went wrong must not be hidden in a traceback."""
    asked = 'exec "$0" replay s3://lake/ -f fn --execute -o json > /dev/full'
    shell = Cncbops(cncbops.home, ("/bin/sh", "-c", asked, str(BIN / "cncbops")))
    result = shell(endpoint=lake.url)
    assert len(lake.delivered()) == 30
    assert (result.code, "Traceback" in result.err) == (1, False)
    assert result.err.startswith("error: ")
    assert result.err.endswith("of what was executed `cncbops runs ls` tells\n")


def test_a_reader_of_a_plan_that_goes_away_has_seen_enough(lake: FarSide, tmp_path: Path) -> None:
    process = Cncbops(tmp_path).start(  # anew: the interpreter's end writes, too
        "replay", "s3://lake/", "-f", "fn", endpoint=lake.url
    )
    assert process.stdout
    process.stdout.close()
    process.stdout = subprocess.DEVNULL  # type: ignore[assignment]
    assert process.stderr
    assert (process.stderr.read(), process.wait(timeout=60)) == (b"", 0)
