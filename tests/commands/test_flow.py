"""Lines of prose are broken between words on a terminal, and are one line each all the same."""

import fcntl
import io
import os
import pty
import signal
import struct
import termios
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import pytest
from cncbops.commands._console import console_of
from cncbops.commands._flow import flowing, say
from cncbops.commands._screen import Screen
from cncbops.commands._signals import stop_on_signal
from rich.console import Console
from rich.text import Text

WIDTH = 20
ADVICE = "error: nothing is known of it. Look there: `cncbops runs show 20261127T050157Z-ed3843`"
ROWS = [
    "error: nothing is",
    "known of it. Look",
    "there: `cncbops",
    "runs show",
    "20261127T050157Z-ed3",
    "843`",
]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def rows(line: str) -> list[str]:
    """A line as a terminal shows it, which goes on in the next row wherever one is full."""
    return [line[start : start + WIDTH].rstrip() for start in range(0, len(line), WIDTH)]


def said(text: Text | str, file: io.StringIO) -> str:
    say(Console(file=file, width=WIDTH, color_system=None), text)
    return file.getvalue()


class Pty(NamedTuple):
    """A terminal of WIDTH columns, as file descriptors: what shows on it, and what a program writes to."""

    screen: int
    program: int


@pytest.fixture
def terminal() -> Iterator[Pty]:
    pair = Pty(*pty.openpty())
    fcntl.ioctl(pair.program, termios.TIOCSWINSZ, struct.pack("HHHH", 50, WIDTH, 0, 0))
    yield pair
    for each in pair:
        os.close(each)


@contextmanager
def stderr_at(terminal: Pty) -> Iterator[None]:
    """Standard error is the terminal, while in the block: between set-up and test, pytest puts its own there."""
    before = os.dup(2)
    os.dup2(terminal.program, 2)
    yield
    os.dup2(before, 2)
    os.close(before)


def test_a_terminal_breaks_a_line_between_words_and_it_is_one_line_still() -> None:
    line = said(Text("error: ", style="bold red").append(ADVICE.removeprefix("error: ")), Terminal())
    assert line.count("\n") == 1
    assert rows(line.removesuffix("\n")) == ROWS
    assert line.split() == ADVICE.split()


def test_off_a_terminal_a_line_is_as_it_was_said() -> None:
    assert said(ADVICE, io.StringIO()) == f"{ADVICE}\n"


def test_a_terminal_of_which_it_is_said_that_it_has_no_columns_is_as_wide_as_it_is(
    terminal: Pty, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "0")
    with os.fdopen(os.dup(terminal.program), "w") as stream:
        assert console_of(stream).width == WIDTH


@pytest.mark.parametrize(
    "quoted", ["'s3://lake/a  name with spaces'", '"it\'s a  name with spaces"', "'it'\"'\"'s a  name with spaces'"]
)
def test_nothing_is_put_into_what_is_quoted_for_a_shell(quoted: str) -> None:
    assert f" {quoted} " in said(f"Look at it: cncbops faults show {quoted} --execute", Terminal())


def test_an_apostrophe_opens_no_quotes() -> None:
    line = said("the user's own files, and Lambda's requests", Terminal())
    assert rows(line.removesuffix("\n")) == ["the user's own", "files, and Lambda's", "requests"]


def test_what_is_two_columns_wide_is_counted_as_two(terminal: Pty) -> None:
    line, broken = "注文 注文 注文 ☕ of 注文", "注文 注文 注文 ☕   of 注文"
    assert said(line, Terminal()) == f"{broken}\n"
    assert flowing(line, terminal.program) == broken


def test_line_ends_and_margins_are_kept() -> None:
    line = said("\n   by root on a machine\nof theirs", Terminal())
    assert [rows(each) for each in line.split("\n")] == [[], ["   by root on a", "machine"], ["of theirs"], []]


def test_text_that_needs_no_rich_is_broken_alike(terminal: Pty) -> None:
    assert rows(flowing(ADVICE, terminal.program)) == ROWS
    assert flowing(f"\n{ADVICE}\n", terminal.program) == f"\n{flowing(ADVICE, terminal.program)}\n"


def test_where_nobody_knows_how_wide_it_is_text_is_as_it_was_said(terminal: Pty) -> None:
    fcntl.ioctl(terminal.program, termios.TIOCSWINSZ, struct.pack("HHHH", 0, 0, 0, 0))
    assert flowing(ADVICE, terminal.program) == ADVICE
    reader, writer = os.pipe()
    assert flowing(ADVICE, writer) == ADVICE
    os.close(reader)
    os.close(writer)


def test_what_a_signal_says_is_broken_alike(terminal: Pty) -> None:
    with stderr_at(terminal), stop_on_signal(threading.Event(), Screen(json=False, quiet=False, verbose=False)):
        os.kill(os.getpid(), signal.SIGINT)
    begin, told, end = os.read(terminal.screen, 4096).decode().split("\r\n")
    assert (begin, end) == ("", "")
    assert rows(told) == ["stopping: what is", "under way is", "finished first;", "again to leave at", "once"]
