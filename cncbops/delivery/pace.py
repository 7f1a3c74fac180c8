"""How fast a run sends: invocations in flight, events per second, and giving way to throttling.

A throttled answer halves the number of invocations in flight at once; each success then raises it
by a fraction, one whole step a round. Answers to invocations that started before the last halving
say nothing new and do not halve again.

Rate and pause may change while invocations wait: turns are booked on a clock that counts events
instead of seconds, so that its speed can change without a turn being booked again.

One thread gives out all turns, wherever the invocations are made: so there is one pace for all of them.
"""

import math
import time
from collections.abc import Callable
from typing import NamedTuple

from cncbops.delivery.answers import Kind


class Turn(NamedTuple):
    """When an invocation may begin, on the clock of events, and in which round of the pace it was let in."""

    at: float
    round: int


class Pace:
    """The gate that every invocation passes. `rate` is events per second, None for no limit.

    Each function of a run has one, all of them beside the run's own: they share rate and pause, and each
    gives way to its own function's throttling.
    """

    def __init__(self, concurrency: int, rate: float | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = self._limit = float(concurrency)
        self._turns = _Turns(rate, clock)
        self._in_flight = 0
        self._round = 0
        self._beside: list[Pace] = []

    def beside(self, concurrency: int) -> "Pace":
        """The gate of one more function, with a limit of its own."""
        other = Pace(concurrency, None)
        other._turns = self._turns
        self._beside.append(other)
        return other

    @property
    def in_flight(self) -> int:
        """Invocations let in, here and beside: under way, or waiting for their turn at the given rate."""
        return self._in_flight + sum(other.in_flight for other in self._beside)

    @property
    def limit(self) -> float:
        """How many may be under way at present."""
        return min(self._most, sum(other.limit for other in self._beside)) if self._beside else self._limit

    @property
    def rate(self) -> float | None:
        """Events per second at present, None for no limit."""
        return self._turns.rate

    @property
    def paused(self) -> bool:
        """Whether nobody is let through at present."""
        return self._turns.paused

    def set_rate(self, rate: float | None) -> None:
        """Change the rate, for those who wait already as well."""
        self._turns.change(rate, paused=self._turns.paused)

    def set_paused(self, paused: bool) -> None:
        """Let nobody through until it is taken back; what is under way goes on."""
        self._turns.change(self._turns.rate, paused=paused)

    @property
    def has_room(self) -> bool:
        """Whether another invocation would be let in."""
        return not self._turns.paused and self._in_flight < max(1, int(self._limit))

    def enter(self, events: int) -> Turn | None:
        """Let an invocation of so many events in, and book its turn at the rate; None where there is no room."""
        if not self.has_room:
            return None
        self._in_flight += 1
        return Turn(self._turns.book(events), self._round)

    def left_s(self, turn: Turn) -> float:
        """Seconds until a turn comes if nothing changes; infinite in a pause."""
        return self._turns.left_s(turn.at)

    def give_back(self, turn: Turn) -> None:
        """Undo `enter`, the last one first: nothing is begun in this turn, and another may book it."""
        self._in_flight -= 1
        self._turns.take_back(turn.at)

    def leave(self, turn: Turn, kind: Kind | None = None) -> None:
        """End an invocation that `enter` let in, and learn from its answer if there was one."""
        self._in_flight -= 1
        if kind is Kind.THROTTLED and turn.round == self._round:
            self._round += 1
            self._limit = max(1.0, self._limit / 2)
        elif kind is Kind.TAKEN:
            self._limit = min(self._most, self._limit + 1 / self._limit)


class _Turns:
    """Turns at a rate, on a clock of events: it ticks `rate` times a second, in a pause not at all.

    Without a rate it stands where the last turn ends, so that every turn has come. It is not
    guarded against use by several threads at once.
    """

    def __init__(self, rate: float | None, clock: Callable[[], float]) -> None:
        self.rate, self.paused = rate, False
        self._clock = clock
        self._since = clock()
        self._then = self._booked = 0.0

    def change(self, rate: float | None, *, paused: bool) -> None:
        """Go on from here at another speed."""
        self._then, self._since = self._now(), self._clock()
        self.rate, self.paused = rate, paused

    def book(self, events: int) -> float:
        """The turn of so many events: after those booked before, and not before now."""
        turn = max(self._now(), self._booked)
        self._booked = turn + events
        return turn

    def take_back(self, turn: float) -> None:
        """Have the last turn that is booked free again."""
        self._booked = turn

    def left_s(self, turn: float) -> float:
        """Seconds until a turn comes if nothing changes; to the microsecond, which ends rounding errors."""
        if self.paused:
            return math.inf
        left = turn - self._now()
        return round(left / self.rate, 6) if self.rate and left > 0 else 0.0

    def _now(self) -> float:
        """Where the clock of events stands."""
        if self.paused:
            return self._then
        if not self.rate:
            return self._booked
        return self._then + (self._clock() - self._since) * self.rate
