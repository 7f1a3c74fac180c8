"""How fast a run sends: invocations in flight, events per second, and giving way to throttling.

A throttled answer halves the number of invocations in flight at once; each success then raises it
by a fraction, one whole step a round. Answers to invocations that started before the last halving
say nothing new and do not halve again.
"""

import threading
import time
from collections.abc import Callable

from cncbops.delivery.answers import Kind

LOOK_S = 0.25
"""How long a waiting thread goes without a look at the stop signal."""


class Pace:
    """The gate that every invocation passes. `rate` is events per second, None for no limit."""

    def __init__(
        self,
        concurrency: int,
        rate: float | None,
        stop: threading.Event,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._most = self._limit = float(concurrency)
        self._rate = rate
        self._stop = stop
        self._clock = clock
        self._gate = threading.Condition()
        self._in_flight = 0
        self._round = 0
        self._next_start = 0.0

    @property
    def in_flight(self) -> int:
        """Invocations let in: under way, or waiting for their turn at the given rate."""
        return self._in_flight

    @property
    def limit(self) -> float:
        """How many may be under way at present."""
        return self._limit

    def enter(self, events: int) -> int | None:
        """Wait for room, then for the turn of `events` at the given rate.

        Returns a token for `leave`, or None if the run was stopped meanwhile.
        """
        with self._gate:
            while self._in_flight >= max(1, int(self._limit)) and not self._stop.is_set():
                self._gate.wait(LOOK_S)
            if self._stop.is_set():
                return None
            self._in_flight += 1
            token, wait_s = self._round, self._reserve(events)
        if self._stop.wait(wait_s):
            self.leave(token)
            return None
        return token

    def leave(self, token: int, kind: Kind | None = None) -> None:
        """End an invocation that `enter` let in, and learn from its answer if there was one."""
        with self._gate:
            self._in_flight -= 1
            if kind is Kind.THROTTLED and token == self._round:
                self._round += 1
                self._limit = max(1.0, self._limit / 2)
            elif kind is Kind.TAKEN:
                self._limit = min(self._most, self._limit + 1 / self._limit)
            self._gate.notify_all()

    def _reserve(self, events: int) -> float:
        """Book the time that `events` take at the given rate; seconds to wait before they go."""
        if not self._rate:
            return 0.0
        now = self._clock()
        start = max(now, self._next_start)
        self._next_start = start + events / self._rate
        return start - now
