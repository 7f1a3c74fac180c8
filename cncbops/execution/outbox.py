"""What is to be done in other processes: tasks on their way to places, and what is to be done with their outcomes."""

from collections.abc import Iterator, Sequence
from itertools import count
from typing import Any

from cncbops.execution.executor import Then, fail
from cncbops.execution.packing import unpacked

Task = tuple[int, str, Sequence[Any]]
"""The ticket by which its outcome is known, the method of the station, and its arguments."""


class Outbox:
    """Of one session; its places come and go."""

    def __init__(self) -> None:
        self._tickets = count()
        self._tasks: dict[int, list[Task]] = {}  # by place, those that were not sent yet
        self._then: dict[int, tuple[int, Then]] = {}  # by ticket, with the place

    @property
    def places(self) -> Sequence[int]:
        """Those that are open."""
        return tuple(self._tasks)

    def open(self, place: int) -> None:
        """Have a place take tasks."""
        self._tasks[place] = []

    def close(self, place: int) -> None:
        """Expect nothing more of a place."""
        del self._tasks[place]
        self._then = {ticket: each for ticket, each in self._then.items() if each[0] != place}

    def put(self, place: int, method: str, arguments: Sequence[Any], then: Then) -> None:
        """Have something done at a place; nothing where it is closed."""
        if place in self._tasks:
            ticket = next(self._tickets)
            self._then[ticket] = place, then
            self._tasks[place].append((ticket, method, arguments))

    def emptied(self) -> Sequence[tuple[int, Sequence[Task]]]:
        """The places that have something to do, each with all of it: who is woken takes long to wake."""
        busy = [(place, tasks) for place, tasks in self._tasks.items() if tasks]
        self._tasks.update((place, []) for place, _ in busy)
        return busy

    def redeem(self, answers: bytes | bytearray) -> Iterator[tuple[Then, Any]]:
        """The tasks that these answers end (see `packing`), each with its outcome; what one raised is a defect."""
        for ticket, result, error in unpacked(answers):
            _, then = self._then.pop(ticket)
            yield (fail, error) if error else (then, result)
