"""Which messages are in hand, and what became of those that were: the bookkeeping, without a call.

A message is held from its receipt on, until it is done (delivered, to be deleted) or left (to stay). It may be
received again at any time: its visibility ran out, or a standard queue delivers twice. Then its newest receipt
counts. What is settled is remembered by a digest of its id alone. Times are seconds of a monotonic clock.
"""

import math
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from hashlib import blake2b

from cncbops.queues.calls import Held

EXTENDED_AT = 1 / 3
"""The part of its visibility after which a message's is extended: two failures may pass."""


class Standing(Enum):
    """What a received message was to us before."""

    NEW = "new"
    HELD = "held"
    LEFT = "left"
    DONE = "done"


@dataclass(slots=True)
class _Hold:
    receipt: str
    due: float  # when its visibility is to be extended


@dataclass(slots=True)
class _Left:
    receipt: str
    until: float  # after that it is visible again by itself


class InHand:
    """The messages of one queue. Any thread may call."""

    def __init__(self, visibility_s: float) -> None:
        self._visibility_s = visibility_s
        self._lock = threading.Lock()
        self._held: dict[str, _Hold] = {}
        self._deleting: dict[str, _Hold] = {}
        self._left: dict[str, _Left] = {}
        self._were_left: set[bytes] = set()
        self._were_done: set[bytes] = set()
        self._not_deleted: set[bytes] = set()

    @property
    def held(self) -> int:
        """How many messages are neither done nor left."""
        return len(self._held)

    @property
    def open(self) -> int:
        """How many messages are held or being deleted."""
        with self._lock:
            return len(self._held) + len(self._deleting)

    @property
    def not_deleted(self) -> int:
        """How many messages are done and still on the queue, as far as is known."""
        return len(self._not_deleted)

    def receive(self, held: Held, now: float) -> Standing:
        """Take in a message that was received; DONE has to be deleted with its new receipt."""
        key = _digest(held.id)
        with self._lock:
            if key in self._were_left:
                self._left[held.id] = _Left(held.receipt, now + self._visibility_s)
                return Standing.LEFT
            hold = _Hold(held.receipt, now + self._visibility_s * EXTENDED_AT)
            if held.id in self._deleting or key in self._were_done:
                self._deleting[held.id] = hold
                return Standing.DONE
            standing = Standing.HELD if held.id in self._held else Standing.NEW
            self._held[held.id] = hold
            return standing

    def done(self, ids: Iterable[str]) -> list[str]:
        """Those of `ids` that were held, and are now to be deleted."""
        with self._lock:
            taken = [id_ for id_ in dict.fromkeys(ids) if id_ in self._held]
            self._deleting |= {id_: self._held.pop(id_) for id_ in taken}
            return taken

    def leave(self, ids: Iterable[str], now: float) -> None:
        """Hold messages no longer; they stay on the queue."""
        with self._lock:
            for id_ in ids:
                hold = self._held.pop(id_, None)
                if hold:
                    self._left[id_] = _Left(hold.receipt, now + self._visibility_s)
                    self._were_left.add(_digest(id_))

    def deleting(self, ids: Iterable[str]) -> list[Held]:
        """Those of `ids` that are still to be deleted, with their newest receipts."""
        with self._lock:
            return [Held(id_, self._deleting[id_].receipt) for id_ in dict.fromkeys(ids) if id_ in self._deleting]

    def deleted(self, batch: Iterable[Held]) -> None:
        """These were deleted. One that was received again meanwhile, under another receipt, is still to be."""
        with self._lock:
            for key in self._settled(batch):
                self._not_deleted.discard(key)

    def refused(self, batch: Iterable[Held]) -> None:
        """These could not be deleted, unless they were received again meanwhile."""
        with self._lock:
            self._not_deleted.update(self._settled(batch))

    def due(self, now: float) -> list[Held]:
        """The messages whose visibility is to be extended now; they are due again if that is not done."""
        with self._lock:
            self._left = {id_: left for id_, left in self._left.items() if left.until > now}
            due = [
                (id_, hold) for holds in (self._held, self._deleting) for id_, hold in holds.items() if hold.due <= now
            ]
            for _, hold in due:
                hold.due = now + self._visibility_s * EXTENDED_AT
            return [Held(id_, hold.receipt) for id_, hold in due]

    def let_go(self, batch: Iterable[Held]) -> None:
        """The visibility of these can be extended no more: they are held, but may be received again."""
        with self._lock:
            for id_, receipt in batch:
                hold = self._held.get(id_) or self._deleting.get(id_)
                if hold and hold.receipt == receipt:
                    hold.due = math.inf

    def give_back(self) -> list[Held]:
        """Everything that is held or was left and is not known to be visible again; none is held after that."""
        with self._lock:
            given: list[Held] = [Held(id_, hold.receipt) for id_, hold in self._held.items()]
            given += [Held(id_, left.receipt) for id_, left in self._left.items()]
            self._were_left.update(_digest(id_) for id_ in self._held)
            self._held, self._left = {}, {}
            return given

    def _settled(self, batch: Iterable[Held]) -> list[bytes]:
        """Take out what was being deleted under these very receipts."""
        keys = []
        for id_, receipt in batch:
            hold = self._deleting.get(id_)
            if hold and hold.receipt == receipt:
                del self._deleting[id_]
                keys.append(_digest(id_))
        self._were_done.update(keys)
        return keys


def _digest(id_: str) -> bytes:
    # Long enough that no two are ever alike: one taken for another that is done would be deleted.
    return blake2b(id_.encode(), digest_size=16).digest()
