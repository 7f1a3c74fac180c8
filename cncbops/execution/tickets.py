"""Which task an answer belongs to, where tasks are done by other processes."""

import pickle
from collections.abc import Iterator
from itertools import count
from typing import Any

from cncbops.execution.executor import Then, fail


class Tickets:
    """The tasks that are under way, by number."""

    def __init__(self) -> None:
        self._numbers = count()
        self._then: dict[int, tuple[int, Then]] = {}  # by ticket, with the place

    def issue(self, place: int, then: Then) -> int:
        """A number for a task at a place, and what is to be done with its outcome."""
        ticket = next(self._numbers)
        self._then[ticket] = place, then
        return ticket

    def redeem(self, answers: bytes) -> Iterator[tuple[Then, Any]]:
        """The tasks that these answers end (`answers.packed`), each with its outcome; what one raised is a defect."""
        for ticket, result, error in pickle.loads(answers):  # noqa: S301  of a process that does our tasks
            _, then = self._then.pop(ticket)
            yield (fail, error) if error else (then, result)

    def forget(self, place: int) -> None:
        """Expect nothing more of a place."""
        self._then = {ticket: each for ticket, each in self._then.items() if each[0] != place}
