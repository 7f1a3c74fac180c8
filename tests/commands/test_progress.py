"""The line that is drawn, or logged, while a run is under way."""

import time
from collections.abc import Callable
from io import StringIO
from threading import Event
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from cncbops.delivery.pace import Pace
from cncbops.session.journal import Journal
from cncbops.session.keeper import NoKeeper
from commands import _progress
from commands._progress import _fitted, _Late, _Line, _logged, late_line, progress

_PARTS = st.lists(st.text("ab1,", min_size=1, max_size=12), min_size=1, max_size=9)


@given(_PARTS, st.integers(1, 80))
def test_parts_are_shown_whole_and_as_many_as_fit(parts: list[str], width: int) -> None:
    shown = _fitted(parts, width).split("  ")
    assert shown == parts[: len(shown)]
    assert len(shown) == 1 or len("  ".join(shown)) <= width
    assert len(shown) == len(parts) or len("  ".join(parts[: len(shown) + 1])) > width


def line_of(pace: Pace, journal: Journal) -> _Line:
    """The line of as much of a session as it tells of."""
    request = SimpleNamespace(limit=None)
    sending = SimpleNamespace(journal=journal, pace=pace, request=request, workers_now=None, looks=False)
    return _Line(sending, None, executes=True)  # type: ignore[arg-type]


def test_what_is_in_flight_is_told_unless_nothing_shall_be() -> None:
    pace = Pace(4, None)
    line = line_of(pace, Journal(NoKeeper()))
    assert "0 of 4 in flight" in line._parts()
    pace.set_paused(True)
    told = line._parts()
    assert told[0] == "paused"
    assert not [part for part in told if "in flight" in part]


@pytest.mark.parametrize("told_every_s", [0.2, 30], ids=["drawn", "logged"])
def test_the_rate_is_that_of_late_however_seldom_it_is_told(
    told_every_s: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    now_s, journal = 1_000.0, Journal(NoKeeper())
    monkeypatch.setattr(_progress, "time", SimpleNamespace(monotonic=lambda: now_s))
    line = line_of(Pace(4, None), journal)
    for per_s in (500, 40):
        for _ in range(int(120 / told_every_s)):
            now_s += told_every_s
            journal.tally.events.delivered += int(per_s * told_every_s)
            told = line.whole()
        assert f"  {per_s}/s  " in told


@pytest.fixture
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_progress, "_FIRST_LOGGED_S", 0.0)
    monkeypatch.setattr(_progress, "_LOGGED_EVERY_S", 0.01)


def wait_for(is_so: Callable[[], bool]) -> None:
    until = time.monotonic() + 10
    while not is_so() and time.monotonic() < until:
        time.sleep(0.01)  # it is told by another thread


class Unread(StringIO):
    """Nobody reads it until `read` is set."""

    def __init__(self) -> None:
        super().__init__()
        self.is_written, self.read = Event(), Event()

    def write(self, text: str) -> int:
        self.is_written.set()
        self.read.wait(60)
        return super().write(text)


NOW = "0 delivered  0/s  0 failed  0 of 4 in flight  0 retried  0 throttled"


@pytest.mark.usefixtures("_soon")
def test_off_a_terminal_how_far_it_is_is_logged_now_and_then_behind_its_name() -> None:
    piped = StringIO()
    with _logged(Console(file=piped, width=20), "run r1", line_of(Pace(4, None), Journal(NoKeeper())), None):
        wait_for(lambda: piped.getvalue().count("\n") >= 3)
    logged = piped.getvalue().splitlines()
    assert len(logged) >= 3
    assert set(logged) == {f"run r1: {NOW}"}


@pytest.mark.usefixtures("_soon")
def test_a_log_that_nobody_reads_holds_nothing_up() -> None:
    unread = Unread()
    try:
        with _logged(Console(file=unread), "run r1", line_of(Pace(4, None), Journal(NoKeeper())), None):
            assert unread.is_written.wait(10)
            left = time.monotonic()
        assert time.monotonic() - left < 10
    finally:
        unread.read.set()


@pytest.mark.usefixtures("_soon")
def test_a_terminal_on_which_no_line_can_be_drawn_anew_is_given_a_log() -> None:
    shown = StringIO()
    console = Console(file=shown, force_terminal=True, width=100, _environ={"TERM": "dumb"})
    sending = line_of(Pace(4, None), Journal(NoKeeper()))._sending
    with progress(console, sending, None, "r1", executes=True):
        wait_for(lambda: NOW in shown.getvalue())
    assert f"run r1: {NOW}" in shown.getvalue()


def terminal() -> tuple[Console, StringIO]:
    shown = StringIO()
    return Console(file=shown, force_terminal=True, width=40), shown


def test_a_late_line_is_drawn_while_its_body_lasts_and_is_gone_behind_it() -> None:
    console, shown = terminal()
    with late_line(console, "writing it down"):
        wait_for(lambda: "writing it down" in shown.getvalue())
        assert "writing it down" in shown.getvalue()
    assert shown.getvalue().rstrip().endswith("\x1b[2K")  # the line is erased


def test_of_what_is_over_soon_nothing_is_said() -> None:
    console, shown = terminal()
    with late_line(console, "writing it down"):
        console.print(_Late("nor this"))
    assert "writing" not in shown.getvalue()
    assert "nor this" not in shown.getvalue()


def test_where_nobody_reads_along_it_draws_nothing() -> None:
    piped = StringIO()
    with late_line(Console(file=piped), "writing it down"):
        pass
    assert not piped.getvalue()
