"""A lake compared with its copy for the day of a disaster: all that differs, in key order, and how much is the same."""

from collections import Counter
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice

from cncbops.inspection.judging import DIFFERENCES, Asked, Judge, Kind, Verdict, Why, is_listed_alike
from cncbops.inspection.sides import Listed, Pair, Side, pairs
from cncbops.lake.ahead import ahead

LOOKS = 32
"""Looks at objects under way at a time: each waits for an answer, of a region that may be far away."""
_AT_ONCE = 16
"""Pairs that one of them takes, one after the other."""


@dataclass
class Count:
    """Objects of a kind, their bytes (of the lake's object, where there is one), and how many for which reason."""

    objects: int = 0
    bytes: int = 0
    why: Counter[Why] = field(default_factory=Counter)

    def add(self, verdict: Verdict) -> None:
        """One more."""
        found = verdict.pair.lake or verdict.pair.recovery
        self.objects += 1
        self.bytes += found.size if found else 0
        if verdict.why:
            self.why[verdict.why] += 1


@dataclass
class Counts:
    """What was found so far; `late` are those not yet replicated that are older than the lag, `oldest` of all such."""

    listed: Listed = field(default_factory=Listed)
    of: dict[Kind, Count] = field(default_factory=lambda: {kind: Count() for kind in Kind})
    late: int = 0
    oldest: datetime | None = None

    @property
    def is_same(self) -> bool:
        """Whether the copy holds what the lake holds, but for what is younger than the lag."""
        but_waiting = (kind for kind in DIFFERENCES if kind is not Kind.not_yet_replicated)
        return not self.late and not any(self.of[kind].objects for kind in but_waiting)

    def add(self, verdict: Verdict) -> None:
        """One more key."""
        self.of[verdict.kind].add(verdict)
        if verdict.kind is Kind.not_yet_replicated and verdict.pair.lake:
            written = verdict.pair.lake.last_modified
            self.oldest = min(self.oldest or written, written)
            self.late += verdict.is_late


class Verifier:
    """Compares two sides once; `counts` grow while it does."""

    def __init__(self, lake: Side, recovery: Side, asked: Asked, now: datetime) -> None:
        self._lake, self._recovery, self._asked = lake, recovery, asked
        self._judge = Judge(lake, recovery, asked, now)
        self.counts = Counts()

    def differences(self) -> Generator[Verdict, None, None]:
        """All that is not the same, in key order. Raises CncbopsError. Close it where it is left before its end."""
        found = pairs(self._lake, self._recovery, self._asked.window, self.counts.listed)
        with closing(found), closing(ahead(self._judged, _groups(self._unclear(found)), LOOKS)) as judged:
            for verdicts in judged:
                for verdict in verdicts:
                    self.counts.add(verdict)
                    if verdict.kind is not Kind.same:
                        yield verdict

    def _unclear(self, found: Iterable[Pair]) -> Iterator[Pair]:
        """The pairs that are not seen to be the same by their listing."""
        for pair in found:
            if pair.lake and pair.recovery and is_listed_alike(pair.lake, pair.recovery):
                self.counts.add(Verdict(Kind.same, pair))
            else:
                yield pair

    def _judged(self, group: list[Pair]) -> list[Verdict]:
        return list(map(self._judge.verdict, group))


def _groups(found: Iterable[Pair]) -> Iterator[list[Pair]]:
    iterator = iter(found)
    while group := list(islice(iterator, _AT_ONCE)):
        yield group
