"""Whole numbers as runs of consecutive ones: what is missing among them shows without keeping each."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from typing import NamedTuple

MOST_RUNS = 10_000


class Hole(NamedTuple):
    """Numbers that are missing: those between `after` and `before`, which are there."""

    after: int
    before: int

    @property
    def missing(self) -> int:
        return self.before - self.after - 1


class Runs:
    """A set of whole numbers. Takes memory for its runs, not its numbers; `covered` is how many they are.

    Of runs there are no more than MOST_RUNS: what would make a further one is left out, and `is_full` says so.
    """

    def __init__(self) -> None:
        self._firsts: list[int] = []
        self._lasts: list[int] = []
        self.covered = 0
        self.is_full = False

    def __len__(self) -> int:
        """How many runs there are."""
        return len(self._firsts)

    @property
    def span(self) -> int:
        """How many numbers there are from the first to the last, missing ones included."""
        return self._lasts[-1] - self._firsts[0] + 1 if self._firsts else 0

    def add(self, numbers: Iterable[int]) -> None:
        """Add numbers, in any order."""
        for first, last in _consecutive(sorted(set(numbers))):
            self._add(first, last)

    def _add(self, first: int, last: int) -> None:
        start, end = bisect_left(self._lasts, first - 1), bisect_right(self._firsts, last + 1)
        if start == end and len(self) >= MOST_RUNS:
            self.is_full = True
            return
        if start < end:
            first, last = min(first, self._firsts[start]), max(last, self._lasts[end - 1])
            self.covered -= sum(self._lasts[start:end]) - sum(self._firsts[start:end]) + end - start
        self._firsts[start:end], self._lasts[start:end] = [first], [last]
        self.covered += last - first + 1

    def holes(self) -> Iterator[Hole]:
        """What is missing between the first and the last number, in order."""
        return map(Hole, self._lasts[:-1], self._firsts[1:])

    def count_within(self, hole: Hole) -> int:
        """How many of these numbers lie in a hole of others."""
        start, end = bisect_right(self._lasts, hole.after), bisect_left(self._firsts, hole.before)
        runs = zip(self._firsts[start:end], self._lasts[start:end], strict=True)
        return sum(min(last, hole.before - 1) - max(first, hole.after + 1) + 1 for first, last in runs)


def _consecutive(numbers: list[int]) -> Iterator[tuple[int, int]]:
    """The runs of ascending numbers."""
    if not numbers:
        return
    if numbers[-1] - numbers[0] == len(numbers) - 1:
        yield numbers[0], numbers[-1]
        return
    first = last = numbers[0]
    for number in numbers[1:]:
        if number != last + 1:
            yield first, last
            first = number
        last = number
    yield first, last
