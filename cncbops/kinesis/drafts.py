"""Batches in the making: what is on shelves, filled into batches (see `cutting`)."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import starmap, takewhile
from operator import attrgetter

from msgspec import Struct

from cncbops.kinesis.batching import FRAME_BYTES, BatchLimits
from cncbops.kinesis.record import Record
from cncbops.native import hot

OPEN_DRAFTS = 8
"""How many batches a lane may go into: those before them are as full as whole lanes make them."""

by_place = attrgetter("place")


class Shelf(Struct, gc=False, eq=False):
    """Records of one group and lane, in the order of their places; the first `given` are given out."""

    group: str
    lane: int
    records: list[Record] = []
    given: int = 0

    def holes(self, upto: int) -> Iterable[int]:
        """The places of what is not given out, up to one."""
        if self.given == len(self.records):
            return ()
        return takewhile(upto.__ge__, (record.place for record in self.records[self.given :]))


Part = tuple[Shelf, int, int]
"""The records between two places on a shelf."""

Filled = tuple[list[Part], tuple[int, ...], list[int], list[Record], int, int]
"""The fields of a Draft."""


class Draft(Struct, gc=False, eq=False):
    """A batch in the making: parts of shelves of one group, and the records of these in the order of their places.

    `lanes` and `last_places` are those of its parts. `size` is what its records have of a payload: bytes of JSON, each
    with the comma before it.
    """

    parts: Sequence[Part]
    lanes: tuple[int, ...]
    last_places: list[int]
    records: list[Record]
    weight: int
    size: int

    @property
    def group(self) -> str:
        return self.parts[0][0].group

    @property
    def function(self) -> str:
        return self.records[0].function

    @property
    def last_place(self) -> int:
        return self.records[-1].place

    @property
    def leaves_some(self) -> bool:
        """Whether more is on its first shelf: its only one, if so."""
        shelf, _, end = self.parts[0]
        return end < len(shelf.records)


def drafts_of(shelves: Sequence[Shelf], limits: BatchLimits) -> list[Draft]:
    """What is left on shelves of one group as batches, filled in the order of their lanes.

    A shelf that fills several has them for itself but for the last, so that they go one after another.
    """
    fill = hot.filled if hot else _filled
    return list(starmap(Draft, fill(shelves, limits.records, limits.payload_bytes - FRAME_BYTES + 1)))


class _Filling:
    """A draft that takes more."""

    __slots__ = ("parts", "room", "room_bytes", "size", "weight")

    def __init__(self, room: int, room_bytes: int) -> None:
        self.parts: list[Part] = []
        self.room, self.room_bytes = room, room_bytes
        self.weight = self.size = 0

    def add(self, part: Part, weight: int, size: int) -> None:
        self.parts.append(part)
        self.weight += weight
        self.size += size

    def filled(self) -> Filled:
        lanes = tuple([shelf.lane for shelf, _, _ in self.parts])
        last_places = [shelf.records[end - 1].place for shelf, _, end in self.parts]
        return self.parts, lanes, last_places, _in_order(self.parts), self.weight, self.size

    def has_room(self, weight: int, size: int) -> bool:
        return self.weight + weight <= self.room and self.size + size <= self.room_bytes


def _filled(shelves: Iterable[Shelf], most_weight: int, most_bytes: int) -> list[Filled]:
    """Drafts of at most that weight and size, but for a record that alone has more.

    What fits into one goes into the first that has room, of the last few that may take more.
    """
    drafts: list[_Filling] = []
    open_ones: deque[_Filling] = deque(maxlen=OPEN_DRAFTS)
    for shelf in shelves:
        parts = list(_parts(shelf, most_weight, most_bytes))
        for number, (part, weight, size) in enumerate(parts, start=1 - len(parts)):
            draft = _with_room(open_ones, weight, size) if len(parts) == 1 else None
            if draft is None:
                draft = _Filling(most_weight, most_bytes)
                drafts.append(draft)
                if number == 0:
                    open_ones.append(draft)
            draft.add(part, weight, size)
    return [draft.filled() for draft in drafts]


def _parts(shelf: Shelf, most_weight: int, most_bytes: int) -> Iterator[tuple[Part, int, int]]:
    """What is left on a shelf, whole if it fits into a batch, else in parts; each with weight and size."""
    start, weight, size = shelf.given, 0, 0
    for at in range(start, len(shelf.records)):
        more, longer = shelf.records[at].weight, shelf.records[at].size + 1
        if at > start and (weight + more > most_weight or size + longer > most_bytes):
            yield (shelf, start, at), weight, size
            start, weight, size = at, 0, 0
        weight, size = weight + more, size + longer
    if start < len(shelf.records):
        yield (shelf, start, len(shelf.records)), weight, size


def _with_room(drafts: Iterable[_Filling], weight: int, size: int) -> _Filling | None:
    """The first of them that has room."""
    return next((draft for draft in drafts if draft.has_room(weight, size)), None)


def _in_order(parts: Sequence[Part]) -> list[Record]:
    records = [record for shelf, start, end in parts for record in shelf.records[start:end]]
    if len(parts) > 1:
        records.sort(key=by_place)
    return records
