"""A live line while a run is under way: drawn on a terminal only."""

import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

from rich.console import Console
from rich.live import Live
from rich.text import Text

from cncbops.sending import Sending
from cncbops.survey import Survey

from ._words import span


class _Line:
    """The line, drawn anew from the run's counts whenever it is asked for."""

    def __init__(self, sending: Sending, survey: Survey | None, *, executes: bool) -> None:
        self._sending, self._survey, self._executes = sending, survey, executes
        self._started = time.monotonic()

    def __rich__(self) -> Text:
        return Text(self._text(), no_wrap=True, overflow="ellipsis")

    def _text(self) -> str:
        if self._sending.looks:
            return self._looked()
        return self._sent() if self._executes else self._seen()

    def _looked(self) -> str:
        objects, events = self._sending.journal.tally.objects, self._sending.journal.tally.events
        return f"looking for the newest of each key: {objects.read:,} objects  {events.read:,} events{self._eta()}"

    def _sent(self) -> str:
        events, calls = self._sending.journal.tally.events, self._sending.journal.tally.calls
        rate, pace = events.delivered / self._elapsed_s(), self._sending.pace
        paused = "paused  " if pace.paused else ""
        workers = self._sending.workers_now
        there = f" at {workers} worker{'s' if workers != 1 else ''}" if workers is not None else ""
        return (
            f"{paused}{events.delivered:,} delivered  {rate:,.0f}/s  {events.failed:,} failed{self._eta()}  "
            f"{pace.in_flight} of {int(pace.limit)} in flight{there}  "
            f"{calls.retried:,} retried  {calls.throttled:,} throttled"
        )

    def _seen(self) -> str:
        objects, events = self._sending.journal.tally.objects, self._sending.journal.tally.events
        return f"{objects.read:,} objects read  {events.read:,} events  {events.matched:,} matched{self._eta()}"

    def _eta(self) -> str:
        """What is left, judged by the share of events up to the limit, or of bytes, that is done."""
        tally, limit = self._sending.journal.tally, self._sending.request.limit
        total = self._survey.total_bytes if self._survey else None
        done = tally.objects.bytes / total if total else 0.0
        if limit:
            done = max(done, tally.events.matched / limit)
        return f"  {span(self._elapsed_s() * (1 / done - 1))} left" if 0 < done < 1 else ""

    def _elapsed_s(self) -> float:
        return max(time.monotonic() - self._started, 0.001)


@contextmanager
def live_line(console: Console, sending: Sending, survey: Survey | None, *, executes: bool) -> Iterator[None]:
    """Keep a progress line on the console while the body runs, if it is a terminal."""
    if not console.is_terminal:
        yield
        return
    with (
        survey or nullcontext(),
        Live(_Line(sending, survey, executes=executes), console=console, refresh_per_second=5, transient=True),
    ):
        yield
