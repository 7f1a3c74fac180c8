"""Which batches may be sent: at most one of each lane is begun and not settled, in the order in which they come.

Nothing more is read where there is no room, which is the whole backpressure: what is pulled and not settled is
bounded by number and by bytes, but for what was being read already.
"""

from collections import Counter, deque
from collections.abc import Callable, Iterable

from cncbops.delivery.outcome import Waybill

PULLED_AT_A_TIME = 4
"""How many batches are pulled for each that may be begun: so that none waits where others hold up their lanes."""

PULLED_BYTES = 40 * 1024 * 1024


class Lanes:
    """The batches that were pulled and are not settled: begun, or waiting for those before them in their lanes."""

    def __init__(self, concurrency: int) -> None:
        self._most = concurrency * PULLED_AT_A_TIME
        self._lanes: dict[int, deque[Waybill]] = {}
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
        return self._pulled < self._most and self._pulled_bytes + more_bytes < PULLED_BYTES

    def put(self, batch: Waybill) -> None:
        """Take a batch in, behind all that came before it in its lanes."""
        self._pulled += 1
        self._pulled_bytes += batch.payload_bytes
        for lane in batch.lanes:
            self._lanes.setdefault(lane, deque()).append(batch)
        self._line_up(batch)

    def next(self, has_room: Callable[[Waybill], bool]) -> Waybill | None:
        """Take the batch to be begun next, of those whose function has room; None where all have to wait.

        It is of the place with the fewest under way: else all would be sent by one process, and then by another.
        """
        for place in sorted(self._ready, key=self._begun.__getitem__):
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
        for following in self._behind(batch):
            self._line_up(following)

    def _behind(self, batch: Waybill) -> Iterable[Waybill]:
        """Take a batch off its lanes; the batches that then come first in one of them, each once."""
        heads: dict[int, Waybill] = {}
        for lane in batch.lanes:
            queue = self._lanes[lane]
            queue.popleft()
            if queue:
                heads[id(queue[0])] = queue[0]
            else:
                del self._lanes[lane]
        return heads.values()

    def _line_up(self, batch: Waybill) -> None:
        if all(self._lanes[lane][0] is batch for lane in batch.lanes):
            self._ready.setdefault(batch.place, deque()).append(batch)
