"""Memory that all places of one machine share: what is too large for messages goes through it from one to another."""

import mmap
import pickle
from typing import Any, NamedTuple

ROOM_BYTES = 8 * 1024 * 1024
"""The system gives no more of it than was ever written to."""


class Spot(NamedTuple):
    """Where something lies: in which room, in so many bytes and what is behind them."""

    room: int
    length: int


class Rooms:
    """Two rooms, for one thing at a time: what comes next is put into the other, so neither is lost with a place.

    To be made before the processes that share them are forked.
    """

    def __init__(self) -> None:
        self._rooms = mmap.mmap(-1, ROOM_BYTES), mmap.mmap(-1, ROOM_BYTES)

    def put(self, head: Any, body: bytes, last: Spot | None) -> Spot | None:
        """Put something where the `last` does not lie; None where it is too large. `head` is pickled."""
        pickled = pickle.dumps(head, protocol=5)
        if len(body) + len(pickled) > ROOM_BYTES:
            return None
        spot = Spot(1 - last.room if last else 0, len(body))
        room = self._rooms[spot.room]
        room.seek(0)
        room.write(body)
        room.write(pickled)
        return spot

    def get(self, spot: Spot) -> tuple[Any, memoryview]:
        """What lies there: its head, and its body, which stays where it is."""
        room = self._rooms[spot.room]
        room.seek(spot.length)
        return pickle.load(room), memoryview(room)[: spot.length]  # noqa: S301  of a place of this session
