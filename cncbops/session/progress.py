"""How far the earlier sessions of a run came: which records are settled, and which objects are not done."""

from collections.abc import Mapping, Set

from msgspec import Struct, field

from cncbops.kinesis.batching import Mark
from cncbops.session.entry import ordinal


class Progress(Struct, frozen=True):
    """What is settled: by session and lane up to a mark, and beyond the marks the places in `beyond`.

    `next_number` is that of the next object new to the run; `chosen` counts the events that were
    chosen so far.
    """

    lanes: int = 0
    marks: Mapping[tuple[int, int], Mark] = field(default_factory=dict)
    beyond: Set[int] = frozenset()
    next_number: int = 0
    chosen: int = 0

    def is_settled(self, place: int, lane: int, pulled: Mapping[int, int]) -> bool:
        """Whether a record of a lane is settled, of an object of which each session came to so many records.

        A session's marks speak of the records that it came to: an object that it could not read is
        as the sessions before it left it.
        """
        if place in self.beyond:
            return True
        number = ordinal(place)
        return any(number < count and self._covers(session, lane, place) for session, count in pulled.items())

    def _covers(self, session: int, lane: int, place: int) -> bool:
        mark = self.marks.get((session, lane))
        return mark is not None and mark.covers(place)
