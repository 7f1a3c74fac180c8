"""The ledger's memory of what was sent, asked from a worker: questions and answers are digests, and few bytes each."""

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from itertools import count
from typing import Any

from cncbops.cluster.parcels import Kept
from cncbops.execution.packing import portable
from cncbops.session.memory import History

Question = tuple[int, int, str, Sequence[Any]]
"""Its number, that of the memory, the method, and what that is given: digests, one by one or end to end."""

Reply = tuple[int, Any, BaseException | None]
"""The number of the question, and what is known, or why it cannot be."""

_METHODS = {"is_empty", "knows_any", "sent_by", "history"}


class Questions:
    """What the threads of a station have asked, and wait for. `ask` sends a question on its way."""

    def __init__(self, ask: Callable[[Question], None]) -> None:
        self._ask, self._numbers = ask, count()
        self._open: dict[int, Future[Any]] = {}
        self._changing = threading.Lock()
        self._is_closed = False

    def about(self, memory: int, method: str, *given: Sequence[bytes]) -> Any:
        """What a memory answers; waits for it. Raises what that raised."""
        future: Future[Any] = Future()
        number = next(self._numbers)
        with self._changing:
            if self._is_closed:
                raise RuntimeError("the session is over")
            self._open[number] = future
        self._ask((number, memory, method, given))
        return future.result()

    def hear(self, replies: Sequence[Reply]) -> None:
        """Let those go on whose questions are answered."""
        for number, known, error in replies:
            with self._changing:
                future = self._open.pop(number, None)
            if future and error:
                future.set_exception(error)
            elif future:
                future.set_result(known)

    def close(self) -> None:
        """Nobody answers any more."""
        with self._changing:
            self._is_closed, waiting = True, list(self._open)
        self.hear([(number, None, RuntimeError("the session is over")) for number in waiting])


class Asking:
    """A Memory that is elsewhere. Every method may be called in any thread."""

    def __init__(self, questions: Questions, memory: int) -> None:
        self._questions, self._memory = questions, memory

    def is_empty(self) -> bool:
        """Whether it knows of no fault at all."""
        found: bool = self._questions.about(self._memory, "is_empty")
        return found

    def knows_any(self, both: tuple[bytes, bytes]) -> bool:
        """Whether it knows one of these faults or of these records: the digests of either, end to end."""
        found: bool = self._questions.about(self._memory, "knows_any", both)
        return found

    def sent_by(self, faults: Sequence[bytes]) -> Mapping[bytes, int]:
        """The number of the run that delivered a fault last, of each that one did."""
        found: Mapping[bytes, int] = self._questions.about(self._memory, "sent_by", faults)
        return found

    def history(self, records: Sequence[bytes]) -> History:
        """What is known of these records."""
        found: History = self._questions.about(self._memory, "history", records)
        return found


def reply(question: Question, kept: Kept) -> Reply:
    """What a memory that was kept here knows; may be called in any thread."""
    number, memory, method, given = question
    try:
        if method not in _METHODS:
            raise ValueError("no such question")
        return number, getattr(kept[memory], method)(*given), None
    except Exception as error:  # noqa: BLE001  it is raised where it was asked
        return number, None, portable(error)
