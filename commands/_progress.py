"""How far a run is: a live line on a terminal, drawn anew; elsewhere a line now and then, as for a log."""

import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from itertools import accumulate

from rich.console import Console, ConsoleOptions, RenderResult
from rich.live import Live
from rich.text import Text

from cncbops.sending import Sending
from cncbops.survey import Survey

from ._flow import say
from ._words import span

_GAP = "  "
_SOON_S = 0.3
"""What is over by then needs no word."""
_LATELY_S = 10.0
_FIRST_LOGGED_S, _LOGGED_EVERY_S = 10.0, 30.0
_LONGEST_WRITE_S = 0.5
"""Where nobody reads a log a line is never through, and what was done is still to be written down."""


class _Line:
    """The line, drawn anew from the run's counts whenever it is asked for."""

    def __init__(self, sending: Sending, survey: Survey | None, *, executes: bool) -> None:
        self._sending, self._survey, self._executes = sending, survey, executes
        self._started = time.monotonic()
        self._lately = deque([(self._started, 0)])

    def __rich_console__(self, _: Console, options: ConsoleOptions) -> RenderResult:
        yield Text(_fitted(self._parts(), options.max_width), no_wrap=True, overflow="ellipsis")

    def whole(self) -> str:
        """All that is told, however long it is."""
        return _GAP.join(self._parts())

    def _parts(self) -> list[str]:
        """What is told, the weightiest first."""
        if self._sending.looks:
            return self._looked()
        return self._sent() if self._executes else self._seen()

    def _looked(self) -> list[str]:
        objects, events = self._sending.journal.tally.objects, self._sending.journal.tally.events
        looked = f"looking for the newest of each key: {objects.read:,} objects"
        return [looked, f"{events.read:,} events", *self._eta()]

    def _sent(self) -> list[str]:
        events, calls = self._sending.journal.tally.events, self._sending.journal.tally.calls
        rate, pace, workers = self._rate(), self._sending.pace, self._sending.workers_now
        return [
            *(["paused"] if pace.paused else []),
            f"{events.delivered:,} delivered",
            f"{rate:,.0f}/s",
            f"{events.failed:,} failed",
            *self._eta(),
            *([f"{workers} worker{'s' if workers != 1 else ''}"] if workers is not None else []),
            *([f"{pace.in_flight} of {int(pace.limit)} in flight"] if not pace.paused else []),
            f"{calls.retried:,} retried",
            f"{calls.throttled:,} throttled",
        ]

    def _seen(self) -> list[str]:
        objects, events = self._sending.journal.tally.objects, self._sending.journal.tally.events
        return [
            f"{objects.read:,} objects read",
            f"{events.read:,} events",
            f"{events.matched:,} matched",
            *self._eta(),
        ]

    def _eta(self) -> list[str]:
        """What is left, judged by the share of events up to the limit, or of bytes, that is read, and sent of that."""
        tally, limit = self._sending.journal.tally, self._sending.request.limit
        total = self._survey.total_bytes if self._survey else None
        done = tally.objects.bytes / total if total else 0.0
        if limit:
            done = max(done, tally.events.matched / limit)
        if self._executes and tally.events.matched:
            done *= (tally.events.delivered + tally.events.failed + tally.events.unknown) / tally.events.matched
        is_known = 0 < done < 1 and not self._sending.pace.paused
        return [f"{span(self._elapsed_s() * (1 / done - 1))} left"] if is_known else []

    def _rate(self) -> float:
        """Events delivered in a second, of late, or since it was last told."""
        now, delivered = time.monotonic(), self._sending.journal.tally.events.delivered
        self._lately.append((now, delivered))
        while len(self._lately) > 2 and now - self._lately[1][0] >= _LATELY_S:
            self._lately.popleft()
        since, before = self._lately[0]
        return (delivered - before) / max(now - since, 0.001)

    def _elapsed_s(self) -> float:
        return max(time.monotonic() - self._started, 0.001)


def _fitted(parts: Sequence[str], width: int) -> str:
    """As many of the parts as fit whole: of a number that is cut off, nobody sees that it was longer."""
    lengths = accumulate(len(part) + len(_GAP) for part in parts)
    fitting = sum(length - len(_GAP) <= width for length in lengths)
    return _GAP.join(parts[: max(1, fitting)])


@contextmanager
def progress(console: Console, sending: Sending, survey: Survey | None, run: str, *, executes: bool) -> Iterator[None]:
    """Tell how far a run is while the body runs."""
    line = _Line(sending, survey, executes=executes)
    is_drawn = console.is_terminal and not console.is_dumb_terminal
    if not is_drawn:
        with _logged(console, f"run {run}" if executes else "plan", line, survey):
            yield
        return
    with survey or nullcontext(), Live(line, console=console, refresh_per_second=5, transient=True):
        yield


@contextmanager
def _logged(console: Console, name: str, line: _Line, survey: Survey | None) -> Iterator[None]:
    """Print the line now and then, behind a name: in a log that may be all that tells which run it is."""
    over = threading.Event()

    def log() -> None:
        wait_s = _FIRST_LOGGED_S / 2
        if over.wait(wait_s):
            return
        with survey or nullcontext():  # no sooner: of a run that is over by the first line it is no use
            while not over.wait(wait_s):
                say(console, f"{name}: {line.whole()}")
                wait_s = _LOGGED_EVERY_S

    logging = threading.Thread(target=log, name="progress", daemon=True)
    logging.start()
    try:
        yield
    finally:
        over.set()
        logging.join(_LONGEST_WRITE_S)


class _Late:
    """A text that is drawn once there was time to wonder."""

    def __init__(self, text: str) -> None:
        self._text, self._shown_s = text, time.monotonic() + _SOON_S

    def __rich_console__(self, _: Console, _options: ConsoleOptions) -> RenderResult:
        if time.monotonic() >= self._shown_s:
            yield Text(self._text, no_wrap=True, overflow="ellipsis")


@contextmanager
def late_line(console: Console, text: str) -> Iterator[None]:
    """Keep a text on the console while the body runs, if that takes a moment and it is a terminal."""
    if not console.is_terminal:
        yield
        return
    with Live(_Late(text), console=console, refresh_per_second=5, transient=True):
        yield
