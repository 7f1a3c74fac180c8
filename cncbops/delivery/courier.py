"""Sends batches as their lanes and the pace allow, wherever their records are, one invocation at a time.

A batch's lanes are let go only once what became of it is written down: so never more than `concurrency` batches are
sent and not written down, whenever the process is killed.
"""

import heapq
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import count

from cncbops.delivery.lanes import Lanes
from cncbops.delivery.outcome import Settled, Waybill
from cncbops.delivery.pace import Pace, Turn
from cncbops.delivery.sender import Step
from cncbops.execution.executor import Executor

LOOK_S = 0.25
"""How long nothing is looked at: the stop signal, orders."""


@dataclass(slots=True, order=True)
class _Begun:
    """A batch that was begun; its next invocation has `weight` events, and comes `at` that time."""

    at: float
    order: int
    batch: Waybill = field(compare=False)
    weight: int = field(compare=False)
    was_sent: bool = field(compare=False, default=False)


class Courier:
    """Sends what is in lanes. `pace_of` is each function's pace; `heed` is told of records that come to their end."""

    def __init__(
        self,
        executor: Executor,
        lanes: Lanes,
        concurrency: int,
        pace_of: Callable[[str], Pace],
        heed: Callable[[int, int], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._executor, self._lanes, self._concurrency = executor, lanes, concurrency
        self._pace_of, self._heed, self._clock = pace_of, heed, clock
        self._orders = count()
        self._begun = 0  # and not let go
        self._under_way: dict[int, list[Waybill]] = {}  # by place
        self._turns: deque[tuple[Turn, _Begun]] = deque()  # let in by the pace
        self._pausing: list[_Begun] = []  # a heap
        self._again: deque[_Begun] = deque()  # their pause is over
        self._settled: list[Settled] = []
        self._is_stopped = False
        self._lost: set[int] = set()

    @property
    def is_idle(self) -> bool:
        """Whether nothing is under way."""
        return not any(self._under_way.values())

    def start(self) -> None:
        """Begin what may begin."""
        if self._is_stopped:
            return
        self._wake()
        self._let_in()
        while self._turns and self._pace_of_next.left_s(self._turns[0][0]) <= 0:
            self._invoke(*self._turns.popleft())

    def wait_s(self) -> float:
        """How long there is nothing to start, unless something ends before."""
        if self._is_stopped:
            return LOOK_S
        waits = [LOOK_S]
        if self._turns:
            waits.append(self._pace_of_next.left_s(self._turns[0][0]))
        if self._pausing:
            waits.append(self._pausing[0].at - self._clock())
        return max(0.0, min(waits))

    def stop(self) -> None:
        """Send nothing more; what was begun and is not under way is given up."""
        if self._is_stopped:
            return
        self._is_stopped = True
        for turn, begun in self._turns:
            self._pace_of(begun.batch.function).leave(turn)
        for begun in self._waiting():
            self._abandon(begun)
        self._turns.clear()
        self._again.clear()
        self._pausing.clear()

    def lose(self, place: int) -> int:
        """Give up what was sent, in part at least, from a place that is gone; how many records' fates went with it."""
        self._lost.add(place)
        waiting = [begun.batch for begun in self._waiting() if begun.was_sent and begun.batch.place == place]
        return sum(len(batch.places) for batch in (*self._under_way.pop(place, ()), *waiting))

    def take_settled(self) -> list[Settled]:
        """What became of batches since this was last asked."""
        settled, self._settled = self._settled, []
        return settled

    def let_go(self, settled: Sequence[Settled]) -> None:
        """Let others follow: what became of these is written down."""
        for batch, _ in settled:
            self._begun -= 1
            self._lanes.settle(batch)

    @property
    def _pace_of_next(self) -> Pace:
        return self._pace_of(self._turns[0][1].batch.function)

    def _waiting(self) -> Sequence[_Begun]:
        """What was begun and is neither under way nor over."""
        return (*(begun for _, begun in self._turns), *self._again, *self._pausing)

    def _wake(self) -> None:
        now = self._clock()
        while self._pausing and self._pausing[0].at <= now:
            self._again.append(heapq.heappop(self._pausing))

    def _let_in(self) -> None:
        """Book turns: first for what was begun, then for what may begin."""
        for _ in range(len(self._again)):
            begun = self._again.popleft()
            if not self._book(begun):
                self._again.append(begun)
        while self._begun < self._concurrency:
            batch = self._lanes.next(self._has_room)
            if batch is None:
                return
            self._begun += 1
            self._book(_Begun(0.0, next(self._orders), batch, batch.weight))

    def _has_room(self, batch: Waybill) -> bool:
        return self._pace_of(batch.function).has_room

    def _book(self, begun: _Begun) -> bool:
        turn = self._pace_of(begun.batch.function).enter(begun.weight)
        if turn:
            self._turns.append((turn, begun))
        return turn is not None

    def _invoke(self, turn: Turn, begun: _Begun) -> None:
        batch = begun.batch
        self._under_way.setdefault(batch.place, []).append(batch)
        begun.was_sent = True

        def take(step: Step) -> None:
            self._under_way[batch.place].remove(batch)
            self._pace_of(batch.function).leave(turn, step.kind)
            self._go_on(begun, step)

        self._executor.submit(batch.place, "attempt", batch.batch, then=take)

    def _go_on(self, begun: _Begun, step: Step) -> None:
        self._heed(step.delivered, step.failed)
        if step.outcome:
            self._settled.append(Settled(begun.batch, step.outcome))
            return
        begun.weight, begun.at = step.weight, self._clock() + step.pause_s
        if self._is_stopped:
            self._abandon(begun)
        else:
            heapq.heappush(self._pausing, begun)

    def _abandon(self, begun: _Begun) -> None:
        """Give a batch up: of one that was sent in part, some have a fate."""
        batch = begun.batch
        if not begun.was_sent or batch.place in self._lost:
            return
        self._under_way.setdefault(batch.place, []).append(batch)

        def take(step: Step) -> None:
            self._under_way[batch.place].remove(batch)
            self._go_on(begun, step)

        self._executor.submit(batch.place, "abandon", batch.batch, then=take)
