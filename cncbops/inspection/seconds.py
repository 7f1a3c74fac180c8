"""The busiest second of any number of events, in bounded memory."""

from collections.abc import Sequence

import numpy as np

_MOST_SECONDS = 100_000
"""Seconds that are counted at a time: more than a day in which each has an event."""


class BusiestSecond:
    """Counts events by second. The oldest seconds are given up once there are too many.

    `is_exact` unless an event came later than that: its second may then have more than is known.
    """

    def __init__(self) -> None:
        self._counts: dict[int, int] = {}
        self._given_up = -1
        self._best = (0, 0)
        self.is_exact = True

    def add(self, times_ms: Sequence[float]) -> None:
        """Count events by their times."""
        seconds, counts = np.unique(np.array(times_ms).astype(np.int64) // 1_000, return_counts=True)
        if int(seconds[0]) <= self._given_up:
            self.is_exact = False
        known = self._counts
        for second, count in zip(seconds.tolist(), counts.tolist(), strict=True):
            known[second] = known.get(second, 0) + count
        if len(known) > _MOST_SECONDS:
            self._give_up(sorted(known)[: _MOST_SECONDS // 2])

    def _give_up(self, oldest: Sequence[int]) -> None:
        self._best = self._better(oldest)
        self._given_up = max(self._given_up, oldest[-1])
        for second in oldest:
            del self._counts[second]

    def _better(self, seconds: Sequence[int]) -> tuple[int, int]:
        best = max(seconds, key=lambda second: (self._counts[second], -second))
        return max(self._best, (self._counts[best], -best))

    def found(self) -> tuple[int, int] | None:
        """The second, since the epoch, and its events; the first of several. None without events."""
        count, second = self._better(list(self._counts)) if self._counts else self._best
        return (-second, count) if count else None
