"""What a station has to say, until it is sent."""

import asyncio
import pickle
from collections import deque
from contextlib import suppress
from typing import Any

from cncbops.cluster.asking import Question
from cncbops.execution.packing import Answer, packed, portable


class Mailbox:
    """Answers and questions, put in by any thread and taken out together in the event loop that it was made in."""

    apart_s = 0.0
    """Seconds from one emptying to the next, so that others come along: a message costs far more than what is in it."""

    def __init__(self) -> None:
        self._loop, self._filled = asyncio.get_running_loop(), asyncio.Event()
        self._answers: deque[Answer] = deque()
        self._questions: deque[Question] = deque()
        self._has_rung = False
        self._not_before = 0.0

    def answer(self, ticket: int, result: Any, error: BaseException | None) -> None:
        """Put an answer in."""
        self._answers.append((ticket, result, error and portable(error)))
        self.ring()

    def ask(self, question: Question) -> None:
        """Put a question in."""
        self._questions.append(question)
        self.ring()

    def close(self) -> None:
        """Let go of what nobody wants any more."""
        self._answers.clear()
        self._questions.clear()
        self.ring()

    def ring(self) -> None:
        """Have it emptied soon, be there nothing in it."""
        if not self._has_rung:
            self._has_rung = True
            with suppress(RuntimeError):  # the worker ends
                self._loop.call_soon_threadsafe(self._heard)

    def _heard(self) -> None:
        if self._not_before > self._loop.time():
            self._loop.call_at(self._not_before, self._filled.set)
        else:
            self._filled.set()

    async def emptied(self) -> tuple[bytes, bytes]:
        """Packed answers, and pickled questions; once it was rung for."""
        await self._filled.wait()
        self._not_before = self._loop.time() + self.apart_s
        self._filled.clear()
        self._has_rung = False  # before it is looked into: what comes then rings again
        answers = [self._answers.popleft() for _ in range(len(self._answers))]
        questions = [self._questions.popleft() for _ in range(len(self._questions))]
        return packed(answers) if answers else b"", pickle.dumps(questions) if questions else b""
