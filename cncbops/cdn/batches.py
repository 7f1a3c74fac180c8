"""Requests: items cut to what CloudFront takes, each with a reference that makes sending it again free.

Source: CloudFront Developer Guide, "Concurrent invalidation request maximum".
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from cncbops.cdn.paths import is_wildcard

MOST_SINGLES, MOST_WILDCARDS = 3_000, 15
"""What a distribution may have in progress, of all who invalidate. Each kind has room of its own."""

SINGLES_A_REQUEST, WILDCARDS_A_REQUEST = MOST_SINGLES // 3, MOST_WILDCARDS // 3
"""A third of each, so that what others have in progress does not hold up a request for ever."""

CHARS_A_REQUEST = 1_000_000
"""Above some size CloudFront answers BatchTooLarge; it does not say which."""


@dataclass(frozen=True, slots=True)
class Load:
    """What takes room: single paths and tags, and wildcards."""

    singles: int = 0
    wildcards: int = 0

    @classmethod
    def of(cls, items: Sequence[str]) -> "Load":
        wildcards = sum(map(is_wildcard, items))
        return cls(len(items) - wildcards, wildcards)

    def __add__(self, other: "Load") -> "Load":
        return Load(self.singles + other.singles, self.wildcards + other.wildcards)

    def fits_beside(self, others: "Load") -> bool:
        """Whether there is room for it beside others. What it has none of has room always."""
        both = self + others
        return (not self.singles or both.singles <= MOST_SINGLES) and (
            not self.wildcards or both.wildcards <= MOST_WILDCARDS
        )


@dataclass(frozen=True, slots=True)
class Batch:
    """The items of one request. `number` counts from 0 within its run."""

    number: int
    reference: str
    items: Sequence[str]


def cut(items: Sequence[str], distribution: str, run_id: str) -> list[Batch]:
    """Items as requests, in their order, each in exactly one. The same run cuts and names them alike."""
    singles = _pieces([item for item in items if not is_wildcard(item)], SINGLES_A_REQUEST)
    wildcards = _pieces([item for item in items if is_wildcard(item)], WILDCARDS_A_REQUEST)
    nothing: list[str] = []
    both = [first + second for first, second in zip_longest(singles, wildcards, fillvalue=nothing)]
    return [Batch(number, reference(distribution, run_id, each), each) for number, each in enumerate(both)]


def reference(distribution: str, run_id: str, items: Sequence[str]) -> str:
    """The CallerReference: CloudFront answers one that it knows, with the same items, with what it has already."""
    told = "\n".join([distribution, run_id, *sorted(items)])
    return f"cncbops-{hashlib.sha256(told.encode()).hexdigest()}"


def _pieces(items: Sequence[str], most: int) -> Iterator[list[str]]:
    piece: list[str] = []
    chars = 0
    for item in items:
        if len(piece) == most or (piece and chars + len(item) > CHARS_A_REQUEST):
            yield piece
            piece, chars = [], 0
        piece.append(item)
        chars += len(item)
    if piece:
        yield piece
