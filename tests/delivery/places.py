"""The other side of the executor's seam, in memory: a test says what each task comes to, and when."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cncbops.delivery.answers import Kind
from cncbops.delivery.outcome import Outcome
from cncbops.delivery.sender import Step
from cncbops.execution.executor import Then

DONE = Step(Kind.TAKEN, 1, 0, Outcome(is_whole=True))
LEFT = Step(None, 0, 0, Outcome())


def again(kind: Kind = Kind.FUNCTION_ERROR, *, pause_s: float = 0.0, events: int = 1, delivered: int = 0) -> Step:
    """An invocation after which the batch goes on."""
    return Step(kind, delivered, 0, None, events, pause_s)


class Clock:
    """Time that passes when a test says so."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@dataclass(frozen=True, eq=False)
class Task:
    """What is under way: a method of a place, for the batch of this number."""

    place: int
    method: str
    number: int
    at: float
    then: Then


class Places:
    """An Executor. `sent` are all tasks there ever were, `under_way` those that were not answered."""

    def __init__(self, clock: Clock, places: int = 1) -> None:
        self.places = tuple(range(places))
        self.most = dict.fromkeys(self.places, 10000)
        self._clock = clock
        self._ended: deque[tuple[Then, Any]] = deque()
        self.sent: list[Task] = []
        self.under_way: list[Task] = []

    def room(self, place: int) -> int:
        return self.most[place]

    def submit(self, place: int, method: str, *arguments: Any, then: Then) -> None:
        ((_, number),) = arguments
        task = Task(place, method, number, self._clock.now, then)
        self.sent.append(task)
        self.under_way.append(task)

    def ended(self, longest_s: float) -> Sequence[tuple[Then, Any]]:
        found = list(self._ended)
        self._ended.clear()
        return found

    def close(self) -> None:
        """Nothing is left to be closed."""

    def answer(self, task: Task, step: Step) -> None:
        """Have a task come to something."""
        self.under_way.remove(task)
        self._ended.append((task.then, step))

    def numbers(self, method: str = "attempt") -> list[int]:
        """The batches for which a method was called, in that order."""
        return [task.number for task in self.sent if task.method == method]
