"""Where text goes: plain and without padding for a pipe, as it is drawn for a terminal."""

import io
import re
import sys
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from cncbops.commands._ending import guarded
from cncbops.commands._screen import Screen
from cncbops.commands._tables import facts
from rich.box import SQUARE
from rich.live import Live
from rich.table import Table
from rich.text import Text

from cncbops.errors import CannotRun

SCREEN = Screen(json=False, quiet=False, verbose=False)


def test_piped_text_has_no_spaces_at_the_ends_of_its_lines(capsys: pytest.CaptureFixture[str]) -> None:
    SCREEN.out.print(facts([("name", "a value"), ("a longer name", "b  c"), ("none", "")]))
    SCREEN.err.print(Text("one   \n\n  two "))
    out, err = capsys.readouterr()
    assert out == "name           a value\na longer name  b  c\nnone\n"
    assert err == "one\n\n  two\n"


def test_piped_text_is_plain_and_not_wrapped_until_it_is_very_long(capsys: pytest.CaptureFixture[str]) -> None:
    SCREEN.out.print(facts([("name", "x" * 200)]))
    SCREEN.note("mind \x1b[31m this")
    out, err = capsys.readouterr()
    assert out == f"name  {'x' * 200}\n"
    assert err.startswith("note: mind ")
    assert "\x1b" not in out + err


def test_piped_text_is_in_the_characters_that_the_pipe_can_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding="ascii"))
    assert (SCREEN.out.encoding, SCREEN.out.is_terminal) == ("ascii", False)
    with SCREEN.printing() as console:
        console.print(Table("name", box=SQUARE))
    assert written.getvalue().startswith(b"+")


@pytest.mark.parametrize(("no_color", "drawn"), [("", "\x1b[1;31merror\x1b[0m"), ("1", "error")])
def test_without_colours_a_terminal_is_one_still(no_color: str, drawn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", no_color)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setattr(sys, "stdout", terminal := Terminal())
    SCREEN.out.print(Text("error", style="bold red"))
    assert (terminal.getvalue(), SCREEN.out.is_terminal) == (f"{drawn}\n", True)


def test_a_terminal_gets_text_as_it_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    console = SCREEN.out
    assert console.is_terminal
    assert console.file is sys.stdout


def test_a_note_stands_above_the_line_that_is_kept_at_the_bottom_of_a_terminal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    with Live(Text("the line"), console=SCREEN.err, auto_refresh=False) as live:
        live.refresh()
        SCREEN.note("mind this")
    assert re.search(r"the line\r\x1b\[2K[^t]*note: [^t]*mind this", terminal.getvalue())


class Terminal(io.StringIO):
    """Something that takes text as a terminal does."""

    def isatty(self) -> bool:
        return True


def told_in_json(work: Callable[[Screen], int], capfdbinary: pytest.CaptureFixture[bytes]) -> tuple[int, Any]:
    """The exit code of work, and the one document on standard output."""
    screen = Screen(json=True, quiet=False, verbose=False, unfinished=lambda: {"command": "replay"})
    code = guarded(screen, lambda: work(screen))
    return code, orjson.loads(capfdbinary.readouterr().out)


ENDINGS = [(KeyboardInterrupt(), 130, "interrupted"), (CannotRun("no room", "Make some"), 1, "failed")]


@pytest.mark.parametrize(("error", "code", "status"), ENDINGS, ids=["signal", "error"])
def test_what_ends_a_command_is_told_by_its_document(
    error: BaseException, code: int, status: str, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    def work(_: Screen) -> int:
        raise error

    ended, document = told_in_json(work, capfdbinary)
    assert (ended, document["command"], document["status"]) == (code, "replay", status)


@pytest.mark.parametrize(("error", "code", "_status"), ENDINGS, ids=["signal", "error"])
def test_no_document_follows_on_the_one_that_is_out(
    error: BaseException, code: int, _status: str, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    def work(screen: Screen) -> int:
        screen.show_json({"status": "succeeded"})
        raise error

    assert told_in_json(work, capfdbinary) == (code, {"status": "succeeded"})
