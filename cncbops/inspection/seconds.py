"""The busiest second of any number of events, in bounded memory."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_MOST_SECONDS = 1 << 18
"""Seconds that are counted at a time: three days in which each has an event."""
_TOGETHER = 1 << 15

_Numbers = NDArray[np.int64]
_NONE: _Numbers = np.empty(0, np.int64)


class BusiestSecond:
    """Counts events by second. The oldest seconds are given up once there are too many.

    `is_exact` unless an event came later than that: its second may then have more than is known.
    """

    def __init__(self, most: int = _MOST_SECONDS) -> None:
        self._most = most
        self._seconds, self._counts = _NONE, _NONE
        self._waiting: list[tuple[_Numbers, _Numbers]] = []
        self._given_up = -1
        self._best = (0, 0)
        self.is_exact = True

    def add(self, times_ms: Sequence[float]) -> None:
        """Count events by their times."""
        seconds, counts = np.unique(np.array(times_ms).astype(np.int64) // 1_000, return_counts=True)
        if int(seconds[0]) <= self._given_up:
            self.is_exact = False
        self._waiting.append((seconds, counts))
        if sum(len(each) for each, _ in self._waiting) > min(_TOGETHER, self._most):
            self._count()

    def found(self) -> tuple[int, int] | None:
        """The second, since the epoch, and its events; the first of several. None without events."""
        self._count()
        count, second = self._better(self._seconds, self._counts)
        return (-second, count) if count else None

    def _count(self) -> None:
        """Count what waits together with what is counted."""
        waiting = [(self._seconds, self._counts), *self._waiting]
        self._waiting = []
        self._seconds, where = np.unique(np.concatenate([each for each, _ in waiting]), return_inverse=True)
        self._counts = np.bincount(where, np.concatenate([counts for _, counts in waiting])).astype(np.int64)
        if len(self._seconds) > self._most:
            self._give_up(len(self._seconds) - self._most // 2)

    def _give_up(self, oldest: int) -> None:
        self._best = self._better(self._seconds[:oldest], self._counts[:oldest])
        self._given_up = max(self._given_up, int(self._seconds[oldest - 1]))
        self._seconds, self._counts = self._seconds[oldest:].copy(), self._counts[oldest:].copy()

    def _better(self, seconds: _Numbers, counts: _Numbers) -> tuple[int, int]:
        """The count of the busiest second so far, and that second, negative: the first is the greatest."""
        if not len(seconds):
            return self._best
        most = int(counts.argmax())
        return max(self._best, (int(counts[most]), -int(seconds[most])))
