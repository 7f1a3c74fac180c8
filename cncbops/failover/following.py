"""After the switch: the check is called again and again, until alarm and health check have followed it.

The alarm needs data points, so the check is called every second also while nothing else changes; without traffic
the alarm would lack data, and its health check keep its last status.
"""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

ROUND_S = 1.0


@dataclass(frozen=True, slots=True)
class Seen:
    """What was seen: whether it is as wanted, and in words."""

    as_wanted: bool
    shown: str


@dataclass
class Sight:
    """Something that is to follow the switch: `kind` is check, alarm or health check.

    `look` looks once and raises nothing for what it cannot see. `every` is how many rounds there are to a look.
    `reached_s` is when it was first seen as wanted since it last was not, in seconds; None while it is not.
    """

    kind: str
    subject: str
    look: Callable[[], Seen]
    every: int = 1
    last: Seen | None = None
    reached_s: float | None = None

    def take(self, seen: Seen, at_s: float) -> bool:
        """Take in what was seen; whether it is news."""
        news = seen != self.last
        if not seen.as_wanted:
            self.reached_s = None
        elif self.reached_s is None:
            self.reached_s = at_s
        self.last = seen
        return news


class Following:
    """Follows the sights, from the moment it is made."""

    def __init__(self, sights: Sequence[Sight], clock: Callable[[], float] = time.monotonic) -> None:
        self.sights = sights
        self._clock = clock
        self._began = clock()

    @property
    def elapsed_s(self) -> float:
        """How long it has been going on."""
        return self._clock() - self._began

    @property
    def is_done(self) -> bool:
        """Whether all that is followed is as wanted."""
        return all(sight.reached_s is not None for sight in self.sights)

    def news(self, stop: threading.Event, longest_s: float) -> Iterator[Sight]:
        """Each sight as often as something new is seen of it, until all are as wanted, or it is time to end."""
        for number in self._rounds(stop, longest_s):
            for sight in self.sights:
                # Once all else has turned, what is looked at seldom has most likely turned as well.
                is_due = number % sight.every == 0 or self._others_are_done(sight)
                if is_due and sight.take(sight.look(), self.elapsed_s):
                    yield sight

    def _rounds(self, stop: threading.Event, longest_s: float) -> Iterator[int]:
        number = 0
        while not stop.is_set():
            yield number
            number += 1
            if self.is_done or self.elapsed_s >= longest_s:
                return
            stop.wait(ROUND_S)

    def _others_are_done(self, sight: Sight) -> bool:
        return all(other.reached_s is not None for other in self.sights if other is not sight)

    def times(self) -> dict[str, float | None]:
        """Seconds until all of each kind were as wanted, by kind; None where one is not yet."""
        kinds = dict.fromkeys(sight.kind for sight in self.sights)
        return {kind: _latest([each.reached_s for each in self.sights if each.kind == kind]) for kind in kinds}


def _latest(moments: Sequence[float | None]) -> float | None:
    known = [moment for moment in moments if moment is not None]
    return round(max(known), 1) if len(known) == len(moments) else None
