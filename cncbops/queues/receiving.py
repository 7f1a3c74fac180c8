"""Receives messages ahead, as far as there is room for them."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass

from cncbops.queues.calls import BATCH, Held, QueueCalls
from cncbops.queues.in_hand import InHand, Standing
from cncbops.queues.message import Message, message_of

THREADS = 4
_LOOK_S = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Handling:
    """How messages are received: hidden for `visibility_s`, waited for up to `wait_s` (whole seconds both).

    At most `window` are in hand: SQS allows 120,000 of a standard queue and 20,000 of a FIFO queue, for all
    its consumers together.
    """

    visibility_s: int = 60
    wait_s: int = 1
    window: int = 2000


@dataclass(frozen=True, slots=True)
class Answer:
    """What one receive brought: messages that are new, and how many it brought in all."""

    fresh: Sequence[Message]
    count: int


class Receiving:
    """Receives in threads of its own. `delete` is given the done messages that came back."""

    def __init__(
        self, calls: QueueCalls, in_hand: InHand, delete: Callable[[Sequence[str]], None], handling: Handling
    ) -> None:
        self._calls, self._in_hand, self._delete, self._handling = calls, in_hand, delete, handling
        self._under_way: set[Future[Answer]] = set()
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="queue-receive")

    @property
    def is_under_way(self) -> bool:
        """Whether an answer is still to come."""
        return bool(self._under_way)

    def ask(self, width: int) -> None:
        """Have up to `width` receives under way, as far as what they bring has room."""
        while len(self._under_way) < width and self._has_room:
            self._under_way.add(self._pool.submit(self._receive))

    def answer(self) -> Answer | None:
        """An answer that has come; None if none came for a moment. Raises CannotRun."""
        done, _ = wait(self._under_way, timeout=_LOOK_S, return_when=FIRST_COMPLETED)
        if not done:
            return None
        answer = done.pop()
        self._under_way.remove(answer)
        return answer.result()

    def close(self) -> None:
        """Wait for what is under way."""
        self._pool.shutdown(cancel_futures=True)

    @property
    def _has_room(self) -> bool:
        return self._in_hand.open + BATCH * (len(self._under_way) + 1) <= self._handling.window

    def _receive(self) -> Answer:
        found = self._calls.receive(wait_s=self._handling.wait_s, visibility_s=self._handling.visibility_s)
        now = time.monotonic()
        standings = [self._in_hand.receive(Held(each["MessageId"], each["ReceiptHandle"]), now) for each in found]
        done = [each["MessageId"] for each, standing in zip(found, standings, strict=True) if standing is Standing.DONE]
        if done:
            self._delete(done)
        fresh = [message_of(each) for each, standing in zip(found, standings, strict=True) if standing is Standing.NEW]
        return Answer(fresh, len(found))
