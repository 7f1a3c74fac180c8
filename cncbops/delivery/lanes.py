"""Which batches may be sent: at most one of each lane is begun and not settled, in the order in which they come.

Nothing more is read where there is no room, which is the whole backpressure: what is pulled and not settled is
bounded by number and by bytes, but for what was being read already.
"""

from collections import Counter, deque
from collections.abc import Callable

from cncbops.delivery.outcome import Waybill

PULLED_AT_A_TIME = 4
"""How many batches are pulled for each that may be begun: so that none waits where others hold up their lanes."""

FEW_PLACES = 2
OF_A_PLACE = 512
"""Batches that are pulled for each of more places: a cut is of one place, and each place is to have some."""

PULLED_BYTES = 20 * 1024 * 1024
"""For each place, and for two where there is but one."""

NOWHERE = -1
"""The place of a batch whose records are gone with theirs, until they are read anew."""

_Free = Callable[[int, int], bool]


class Lanes:
    """The batches that were pulled and are not settled: begun, or waiting for those before them in their lanes.

    Their records are at so many `places`, where some `cut_bytes` are cut at a time. For each there is room for
    `pulled_bytes`.
    """

    def __init__(self, concurrency: int, cut_bytes: int = 0, pulled_bytes: int = PULLED_BYTES) -> None:
        self._cut_bytes, self._pulled_most = cut_bytes, pulled_bytes
        self.places = 1
        self._most = concurrency * PULLED_AT_A_TIME
        self._lanes: dict[int, deque[Waybill]] = {}
        self._waits: dict[int, int] = {}  # by its number, in how many lanes a batch is behind others
        # By place, those at the head of their lanes that are not begun; and how many are.
        self._ready: dict[int, deque[Waybill]] = {}
        self._begun: Counter[int] = Counter()
        self._pulled = self._pulled_bytes = 0

    @property
    def is_empty(self) -> bool:
        """Whether all that was pulled is settled."""
        return not self._pulled

    def has_room(self, more_bytes: int = 0) -> bool:
        """Whether more is to be pulled, while so many bytes are on their way."""
        return self._pulled < self._most_pulled and self._pulled_bytes + more_bytes < self._most_bytes

    @property
    def _most_pulled(self) -> int:
        return self._most if self.places <= FEW_PLACES else max(self._most, OF_A_PLACE) * self.places

    @property
    def _most_bytes(self) -> int:
        """Room for a cut of each place, and two on their way to each, where there are many."""
        cuts = 3 * self.places + 2 if self.places > FEW_PLACES else 0
        return max(self._pulled_most * max(2, self.places), cuts * self._cut_bytes)

    def put(self, batch: Waybill) -> None:
        """Take a batch in, behind all that came before it in its lanes."""
        self._pulled += 1
        self._pulled_bytes += batch.payload_bytes
        waits = 0
        for lane in batch.lanes:
            if lane in self._lanes:
                self._lanes[lane].append(batch)
                waits += 1
            else:
                self._lanes[lane] = deque((batch,))
        if waits:
            self._waits[batch.number] = waits
        else:
            self._line_up(batch)

    def next(self, has_room: Callable[[Waybill], bool], is_free: _Free = lambda *_: True) -> Waybill | None:
        """Take the batch to be begun next, of those whose function has room; None where all have to wait.

        It is of the place with the fewest begun, if that is free to take one more: else all would be sent by one
        process, and then by another.
        """
        for place in sorted(self._ready, key=self._begun.__getitem__):
            if place == NOWHERE or not is_free(place, self._begun[place]):
                continue
            waiting = self._ready[place]
            for number, batch in enumerate(waiting):
                if has_room(batch):
                    del waiting[number]
                    self._begun[place] += 1
                    return batch
        return None

    def settle(self, batch: Waybill) -> None:
        """Let go of a batch that was begun: those behind it in its lanes may follow."""
        self._pulled -= 1
        self._begun[batch.place] -= 1
        self._pulled_bytes -= batch.payload_bytes
        for lane in batch.lanes:
            queue = self._lanes[lane]
            queue.popleft()
            if queue:
                self._come_first(queue[0])
            else:
                del self._lanes[lane]

    def lose(self, place: int) -> None:
        """Let no batch of a place that is gone be begun before it has another; they are to be NOWHERE."""
        self._ready.setdefault(NOWHERE, deque()).extend(self._ready.pop(place, ()))
        del self._begun[place]

    def move(self, batch: Waybill, place: int, *, is_begun: bool) -> None:
        """Give a batch that is NOWHERE a place, in the lanes where it was."""
        batch.place = place
        if is_begun:
            self._begun[place] += 1
        elif batch in self._ready.get(NOWHERE, ()):
            self._ready[NOWHERE].remove(batch)
            self._line_up(batch)

    def _come_first(self, batch: Waybill) -> None:
        """A batch is the first in one more of its lanes."""
        self._waits[batch.number] -= 1
        if not self._waits[batch.number]:
            del self._waits[batch.number]
            self._line_up(batch)

    def _line_up(self, batch: Waybill) -> None:
        self._ready.setdefault(batch.place, deque()).append(batch)
