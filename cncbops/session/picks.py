"""Which of an object's events a run sends, where that was found out beforehand: a bit for each that is selected.

The bits are in the order of the object, eight to a byte, the lowest of a byte first; after the last that is set no
byte follows.
"""

from collections.abc import Iterable, Sequence

from msgspec import Struct

from cncbops.formats.event import LakeEvent
from cncbops.session.entry import ordinal


class Picked(Struct, frozen=True):
    """What is to be sent of an object, as bits.

    `again`: this session has read it before, and counted what is in it. `broken` is the error by which it could not be
    read to its end when it was picked from, which is told.
    """

    bits: bytes
    again: bool = False
    broken: str | None = None

    @property
    def upto(self) -> int:
        """How many of the events that are selected need be looked at."""
        return 8 * len(self.bits)

    def of(self, events: Sequence[LakeEvent], places: Sequence[int]) -> tuple[Sequence[LakeEvent], Sequence[int]]:
        """Those of the events, each with its place, that are picked."""
        left = [at for at, place in enumerate(places) if self._has(ordinal(place))]
        return [events[at] for at in left], [places[at] for at in left]

    def _has(self, number: int) -> bool:
        return number < self.upto and bool(self.bits[number // 8] & 1 << number % 8)


def picks_of(ordinals: Iterable[int]) -> bytes:
    """The bits of these, which rise."""
    bits = bytearray()
    for number in ordinals:
        bits.extend(bytes(number // 8 + 1 - len(bits)))
        bits[-1] |= 1 << number % 8
    return bytes(bits)
