"""What a cut leaves over, on its way to the next one, which may be in another process.

It goes by way of whoever coordinates them, who has no use for what is in it: there it stays as it was packed. Where
places share rooms it lies in one of these meanwhile, and only where it lies is told.
"""

import pickle
from collections.abc import Iterator, Sequence
from typing import Any, overload

from cncbops.execution.rooms import Rooms, Spot
from cncbops.kinesis.record import Record
from cncbops.native import hot

_State = tuple[int, bytes, Spot | None]


class Carried(Sequence[Record]):
    """Records that are carried over; packed where they come from another process, until they are looked at.

    `rooms` are those that this place shares with the next, if there are any; what the `last` cut left over lies there
    as long as this one is not through.
    """

    _spot: Spot | None

    def __init__(self, records: Sequence[Record], rooms: Rooms | None = None, last: Sequence[Record] = ()) -> None:
        self._count, self._records, self._rooms, self._packed = len(records), records, rooms, b""
        beside = last._spot if isinstance(last, Carried) else None
        self._spot = rooms.put(*_parts(records), beside) if rooms and records else None

    def __getstate__(self) -> _State:
        if self._records and not self._spot:
            self._packed = pickle.dumps(_parts(self._records), protocol=5)
        return self._count, self._packed, self._spot

    def __setstate__(self, state: _State) -> None:
        self._count, self._packed, self._spot = state
        self._records, self._rooms = (), None

    def come_to(self, rooms: Rooms | None) -> None:
        """Be where these are the rooms, in which they may lie."""
        self._rooms = rooms

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Record]:
        return iter(self._opened())

    @overload
    def __getitem__(self, at: int) -> Record: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[Record]: ...
    def __getitem__(self, at: int | slice) -> Record | Sequence[Record]:
        return self._opened()[at]

    def _opened(self) -> Sequence[Record]:
        if self._count and not self._records:
            if self._spot:
                assert self._rooms, "they lie in rooms"
                self._records = _together(*self._rooms.get(self._spot))
            else:
                self._records, self._packed = _together(*pickle.loads(self._packed)), b""  # noqa: S301  of this session
        return self._records


_Head = list[Any]
"""Records of Python, or what packed ones have in common."""


def _parts(records: Sequence[Record]) -> tuple[_Head, bytes]:
    """Records as they are sent: packed ones stay packed, which is a tenth of the work."""
    return (hot.pack_records(records) if hot else None) or (list(records), b"")


def _together(head: _Head, packed: bytes | memoryview) -> Sequence[Record]:
    return hot.unpack_records(head, packed) if packed else head
