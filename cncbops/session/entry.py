"""What a run has done with one object of the lake, as the ledger keeps it.

The records of an object are numbered in the order in which they are chosen. A record's place, the
number of its object and its own in one integer, rises in the order of the run and names the same
record in every session of it.
"""

from collections.abc import Mapping, Sequence

from msgspec import Struct, field
from msgspec.structs import replace

from cncbops.lake.objects import LakeObject

ORDINAL_BITS = 32
"""SQLite's integers have 63 bits for the sign-free part: room for 2^31 objects of 2^32 records."""


RESTARTED = "Restarted"
"""The error of an object that changed and is in the run once more, under another number."""
LEFT_OUT = "LeftOut"
"""The error of one that changed or is gone, whose rest is not sent: as somebody chose."""


class Entry(Struct, eq=False):
    """One object of one run: `number` is its own in the run, from 0, `source` its source's.

    `matched` counts its chosen records; `settled` of them have a fate. This session came to `pulled`
    of them, earlier ones to those in `pulled_before`, by session: one that could not read the object
    to its end, or did not get so far, came to fewer. `ended`: it was read to its end. `error` says
    why it could not be, where it could not. `remains`: something in it is neither chosen nor done with.
    """

    number: int
    source: int
    object: LakeObject
    read: int = 0
    matched: int = 0
    malformed: int = 0
    delivered: int = 0
    failed: int = 0
    unknown: int = 0
    ended: bool = False
    error: str | None = None
    pulled: int = 0
    pulled_before: Mapping[int, int] = field(default_factory=dict)
    remains: bool = False

    @property
    def settled(self) -> int:
        """How many of its records have a fate."""
        return self.delivered + self.failed + self.unknown

    @property
    def done(self) -> bool:
        """Whether nothing is left to do."""
        return self.error == RESTARTED or (self.ended and self.settled == self.matched)

    @property
    def at_rest(self) -> bool:
        """Whether nothing of it is under way: it is done, or what could be read of it is."""
        return (self.ended or self.error is not None) and self.settled == self.matched

    def copy(self) -> "Entry":
        """The same, to be changed by itself."""
        return replace(self)

    def absorb(self, read: "Entry") -> None:
        """Take over what reading has found; the fates of records are not its to tell."""
        self.read, self.matched, self.malformed = read.read, read.matched, read.malformed
        self.ended, self.error = read.ended, read.error
        self.pulled, self.remains = read.pulled, read.remains

    def places(self, first: int, count: int) -> Sequence[int]:
        """The places of `count` records, the first of which is number `first` of this object."""
        start = (self.number << ORDINAL_BITS) + first
        return range(start, start + count)


def object_number(place: int) -> int:
    """The number of the object that a place lies in."""
    return place >> ORDINAL_BITS


def ordinal(place: int) -> int:
    """The number of a place's record within its object."""
    return place & ((1 << ORDINAL_BITS) - 1)
