"""Whether sequence numbers are given one after the other, and which of these are missing.

Kinesis promises only that its numbers rise (Kinesis Data Streams Developer Guide, "Sequence number"), and they leap.
Other producers, emulators among them, count: there a number that is not in the lake was lost on the way to it. So of
missing numbers is only told where nearly all numbers follow one another at one distance.
"""

from collections.abc import Iterable
from math import gcd

from cncbops.inspection.runs import Hole, Runs

_EARLY = 250
"""Numbers from which the distance between neighbours is learnt."""
_FEWEST, _IN_A_RUN = 10, 4
_MOST_SCATTERED, _WIDEST = 2_000, 10**9
"""Runs, and numbers from the first to the last, of a series that is still taken for one read in another order."""
_NEW_NUMBERING = 10
"""A leap over so many times what there is in all is no loss, but a producer that began anew."""


class Numbering:
    """The sequence numbers of one series. `step` is the distance of neighbours, 0 until it is known."""

    def __init__(self) -> None:
        self._early: set[int] = set()
        self._base = 0
        self._runs = Runs()
        self.step = 0
        self.is_hopeless = False

    def add(self, numbers: Iterable[int]) -> None:
        """Add numbers, in any order; nothing is kept once they are known not to follow one another."""
        if self.is_hopeless:
            return
        if self.step:
            self._place(numbers)
            return
        self._early.update(numbers)
        if len(self._early) >= _EARLY:
            self._begin()

    def _begin(self) -> None:
        self._base = min(self._early, default=0)
        self.step = gcd(*(number - self._base for number in self._early))
        if self.step:
            self._place(self._early)
            self._early = set()

    def _place(self, numbers: Iterable[int]) -> None:
        placed = [divmod(number - self._base, self.step) for number in numbers]
        self._runs.add([place for place, rest in placed if not rest])
        if any(rest for _, rest in placed) or self._is_scattered():
            self.is_hopeless = True
            self._runs = Runs()

    def _is_scattered(self) -> bool:
        """Whether there is no hope any more that the holes are filled by what is still to come."""
        runs = self._runs
        most = _MOST_SCATTERED if runs.span <= _WIDEST else _EARLY
        return runs.is_full or (len(runs) >= most and len(runs) * _IN_A_RUN > runs.covered)

    @property
    def covered(self) -> int:
        """How many different numbers there are, of those that follow one another."""
        return self._runs.covered

    def follows(self) -> bool:
        """Whether the numbers, all of which were added, follow one another but for some holes."""
        if not self.step and not self.is_hopeless:
            self._begin()
        enough = self._runs.covered >= max(_FEWEST, _IN_A_RUN * len(self._runs))
        return enough and not self.is_hopeless

    def holes(self) -> list[Hole]:
        """Missing numbers, in steps; not what lies before a numbering that began anew."""
        most = self._runs.covered * _NEW_NUMBERING
        return [hole for hole in self._runs.holes() if hole.missing <= most]

    def number(self, place: int) -> int:
        """The sequence number of a place in a hole."""
        return self._base + place * self.step
