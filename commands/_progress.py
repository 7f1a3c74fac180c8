"""A live line while a run is under way: drawn on a terminal only."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.live import Live
from rich.text import Text

from cncbops.replay import Replay


class _Line:
    """The line, drawn anew from the run's counts whenever it is asked for."""

    def __init__(self, replay: Replay, *, executes: bool) -> None:
        self._replay, self._executes = replay, executes
        self._started = time.monotonic()

    def __rich__(self) -> Text:
        return Text(self._sent() if self._executes else self._seen(), no_wrap=True, overflow="ellipsis")

    def _sent(self) -> str:
        tally, calls = self._replay.journal.tally, self._replay.journal.tally.calls
        elapsed = max(time.monotonic() - self._started, 0.001)
        delivered = tally.events.delivered
        return (
            f"{delivered:,} delivered  {delivered / elapsed:,.0f}/s  {self._replay.pace.in_flight} in flight  "
            f"{calls.retried:,} retried  {calls.throttled:,} throttled  {tally.events.failed:,} failed"
        )

    def _seen(self) -> str:
        tally = self._replay.journal.tally
        return f"{tally.objects.read:,} objects read  {tally.events.read:,} events  {tally.events.matched:,} matched"


@contextmanager
def live_line(console: Console, replay: Replay, *, executes: bool, shown: bool) -> Iterator[None]:
    """Keep a progress line on the console's terminal while the body runs."""
    if not (shown and console.is_terminal):
        yield
        return
    with Live(_Line(replay, executes=executes), console=console, refresh_per_second=5, transient=True):
        yield
