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

from cncbops.delivery.answers import Kind
from cncbops.delivery.lanes import Lanes
from cncbops.delivery.outcome import Settled, Waybill
from cncbops.delivery.pace import Pace, Turn
from cncbops.delivery.sender import Step
from cncbops.execution.executor import Executor

LOOK_S = 0.25
"""How long nothing is looked at: the stop signal, orders."""


@dataclass(slots=True, order=True)
class _Begun:
    """A batch that was begun; its next invocation has `weight` events, and comes `at` that time, in its `turn`."""

    at: float
    order: int
    batch: Waybill = field(compare=False)
    weight: int = field(compare=False)
    turn: Turn | None = field(compare=False, default=None)
    was_sent: bool = field(compare=False, default=False)


class Courier:
    """Sends what is in lanes. `pace_of` is each function's pace; `heed` is told of records that come to their end.

    `repeat` is told how many records are sent again of which nobody knows whether they arrived, as a place was lost.
    """

    def __init__(
        self,
        executor: Executor,
        lanes: Lanes,
        concurrency: int,
        pace_of: Callable[[str], Pace],
        heed: Callable[[int, int], None],
        repeat: Callable[[int], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._executor, self._lanes, self._concurrency = executor, lanes, concurrency
        self._pace_of, self._heed, self._repeat, self._clock = pace_of, heed, repeat, clock
        self._orders = count()
        self._begun = 0  # and not let go
        self._under_way: dict[int, dict[int, _Begun]] = {}  # by place, and by the batch's number
        self._turns: deque[_Begun] = deque()  # let in by the pace
        self._pausing: list[_Begun] = []  # a heap
        self._again: deque[_Begun] = deque()  # their pause is over
        self._settled: list[Settled] = []
        self._nowhere: dict[int, _Begun] = {}  # by the batch's number
        self._is_stopped = False

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
        while self._turns and self._left_s(self._turns[0]) <= 0:
            self._invoke(self._turns.popleft())

    def wait_s(self) -> float:
        """How long there is nothing to start, unless something ends before."""
        if self._is_stopped:
            return LOOK_S
        waits = [LOOK_S]
        if self._turns:
            waits.append(self._left_s(self._turns[0]))
        if self._pausing:
            waits.append(self._pausing[0].at - self._clock())
        return max(0.0, min(waits))

    def stop(self) -> None:
        """Send nothing more; what was begun and is not under way is given up."""
        if self._is_stopped:
            return
        self._is_stopped = True
        for begun in self._turns:
            self._leave(begun)
        for begun in self._waiting():
            self._abandon(begun)
        self._turns.clear()
        self._again.clear()
        self._pausing.clear()

    def lose(self, place: int) -> int:
        """Hold what was begun at a place that is gone, until it is taken up; how many records may have been sent.

        What is known of these is lost: all of such a batch is sent again.
        """
        self._give_turns_back()
        waiting = (begun for begun in self._waiting() if begun.batch.place == place)
        lost = [*self._under_way.pop(place, {}).values(), *waiting]
        for begun in lost:
            self._leave(begun)
        self._again = deque(begun for begun in self._again if begun.batch.place != place)
        self._pausing = [begun for begun in self._pausing if begun.batch.place != place]
        heapq.heapify(self._pausing)
        self._nowhere.update((begun.batch.number, begun) for begun in lost)
        return sum(len(begun.batch.places) for begun in lost if begun.was_sent)

    def take_up(self, batch: Waybill) -> bool:
        """Go on with a batch whose records were lost and are there again, if it was begun; whether it was."""
        begun = self._nowhere.pop(batch.number, None)
        if begun:
            self._again.append(_Begun(0.0, begun.order, batch, batch.weight))
            self._repeat(len(batch.places) if begun.was_sent else 0)
        return begun is not None

    @property
    def has_lost(self) -> bool:
        """Whether something was sent of which nobody knows what it came to, and that was not taken up."""
        return any(begun.was_sent for begun in self._nowhere.values())

    def take_settled(self) -> list[Settled]:
        """What became of batches since this was last asked."""
        settled, self._settled = self._settled, []
        return settled

    def let_go(self, settled: Sequence[Settled]) -> None:
        """Let others follow: what became of these is written down."""
        for batch, _ in settled:
            self._begun -= 1
            self._lanes.settle(batch)

    def _left_s(self, begun: _Begun) -> float:
        assert begun.turn
        return self._pace_of(begun.batch.function).left_s(begun.turn)

    def _leave(self, begun: _Begun, kind: Kind | None = None) -> None:
        """End the turn of what was let in, if it still has it."""
        if begun.turn:
            self._pace_of(begun.batch.function).leave(begun.turn, kind)
            begun.turn = None

    def _give_turns_back(self) -> None:
        """Have all whose turns have not come book anew: where some of them are lost, the others move up."""
        while self._turns:
            begun = self._turns.pop()
            assert begun.turn
            self._pace_of(begun.batch.function).give_back(begun.turn)
            begun.turn = None
            self._again.appendleft(begun)

    def _waiting(self) -> Sequence[_Begun]:
        """What was begun and is neither under way nor over."""
        return (*self._turns, *self._again, *self._pausing)

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
            batch = self._lanes.next(self._has_room, self._is_free)
            if batch is None:
                return
            self._begun += 1
            self._book(_Begun(0.0, next(self._orders), batch, batch.weight))

    def _has_room(self, batch: Waybill) -> bool:
        return self._pace_of(batch.function).has_room

    def _is_free(self, place: int, begun: int) -> bool:
        return begun < self._executor.room(place)

    def _book(self, begun: _Begun) -> bool:
        begun.turn = self._pace_of(begun.batch.function).enter(begun.weight)
        if begun.turn:
            self._turns.append(begun)
        return begun.turn is not None

    def _invoke(self, begun: _Begun) -> None:
        batch = begun.batch
        self._under_way.setdefault(batch.place, {})[batch.number] = begun
        begun.was_sent = True

        def take(step: Step) -> None:
            del self._under_way[batch.place][batch.number]
            self._leave(begun, step.kind)
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
        if not begun.was_sent:
            return
        self._under_way.setdefault(batch.place, {})[batch.number] = begun

        def take(step: Step) -> None:
            del self._under_way[batch.place][batch.number]
            self._go_on(begun, step)

        self._executor.submit(batch.place, "abandon", batch.batch, then=take)
