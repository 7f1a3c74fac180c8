"""An SQS queue as a source: nothing leaves it before it is delivered, nothing is lost if the process dies.

A message is received, and hidden from others for as long as it is in hand. The caller says in the end what
became of it: `done`, and it is deleted; or `leave`, and it becomes visible again. A process that is killed says
nothing, and its messages are visible again one visibility later. A message is yielded once: what comes back is
known by its id.
"""

import threading
import time
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Self

from cncbops.queues.calls import QueueCalls
from cncbops.queues.deleting import Deleting
from cncbops.queues.facts import QueueFacts, find_queue
from cncbops.queues.failure import Failure
from cncbops.queues.in_hand import InHand
from cncbops.queues.keeping import Keeping
from cncbops.queues.message import Message
from cncbops.queues.receiving import THREADS, Answer, Handling, Receiving
from cncbops.queues.source import QueueSource

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

USUAL = Handling()
_EMPTY_ROUNDS = 2
"""A queue can answer empty while it holds messages: this often in a row, it is empty."""
_MOMENT_S = 0.05


class Queue:
    """Messages of a queue, to be settled one by one with `done` or `leave`, all from one thread.

    `facts` are of when it was opened. To be closed, or used as a context manager.
    """

    def __init__(self, calls: QueueCalls, facts: QueueFacts, handling: Handling = USUAL) -> None:
        self.facts = facts
        self._handling = handling
        self._failure = Failure()
        self._in_hand = InHand(handling.visibility_s)
        self._deleting = Deleting(calls, self._in_hand, self._failure)
        self._receiving = Receiving(calls, self._in_hand, self._deleting.delete, handling)
        self._keeping = Keeping(calls, self._in_hand, self._failure, visibility_s=handling.visibility_s)
        self._full_with = 0
        self._is_closed = False

    @classmethod
    def open(cls, client: "SQSClient", source: QueueSource, handling: Handling = USUAL) -> Self:
        """The queue that is meant; `client` is of its region. Raises CannotRun, BadInput for another region."""
        url, facts = find_queue(client, source)
        return cls(QueueCalls(client, url, facts.name), facts, handling)

    @property
    def not_deleted(self) -> int:
        """How many delivered messages are still on the queue, since their deletion failed."""
        return self._in_hand.not_deleted

    def messages(self, stop: threading.Event) -> Iterator[Message | None]:
        """Every message once, until the queue is empty or `stop` is set. To be called once. Raises CannotRun.

        None: no more come for now, while some are in hand. A FIFO queue gives the rest of a group only when
        those are settled, and there is room for so many only: the caller settles what it can and asks again.
        Behind a message that was left, the rest of its group may stay on the queue.
        """
        lull = _Lull(self._handling)
        while not stop.is_set():
            self._failure.tell()
            self._receiving.ask(1 if lull.is_on else THREADS)
            answer = self._answer() if self._receiving.is_under_way else self._full(stop)
            if answer is None:
                continue
            for message in answer.fresh:
                if stop.is_set():
                    return
                yield message
            lull.note(answer, is_last=not self._receiving.is_under_way, is_idle=not self._in_hand.open)
            if lull.is_over:
                return
            if not answer.fresh and not self._receiving.is_under_way and self._in_hand.held:
                yield None
                lull.restart()

    def done(self, ids: Iterable[str]) -> None:
        """The records of these messages were delivered, and that is written down: delete them. Raises CannotRun.

        Does not wait. Ids that are not in hand are passed over. An error is of earlier calls; these messages
        are done all the same.
        """
        error = self._failure.take()
        self._deleting.delete(self._in_hand.done(ids))
        if error:
            raise error

    def leave(self, ids: Iterable[str]) -> None:
        """Keep these messages on the queue: their visibility runs out, or ends when this is closed."""
        self._in_hand.leave(ids, time.monotonic())

    def close(self) -> None:
        """Wait for deletions and give everything else back, visible at once. Raises CannotRun."""
        self._end()
        self._failure.tell()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()
        if error is None:
            self._failure.tell()

    def _answer(self) -> Answer | None:
        self._full_with = 0
        return self._receiving.answer()

    def _full(self, stop: threading.Event) -> Answer:
        """The window is full: as if an empty answer came, after a wait where the caller has settled nothing since."""
        held = self._in_hand.held
        if not held:
            stop.wait(_MOMENT_S)  # all of it is being deleted
        elif held == self._full_with:
            stop.wait(self._handling.wait_s)
        self._full_with = held
        return Answer((), 0)

    def _end(self) -> None:
        if not self._is_closed:
            self._is_closed = True
            self._receiving.close()
            self._deleting.close()
            self._keeping.close()


class _Lull:
    """Since when nothing new comes, and whether that means that nothing is left.

    Answers that hold only what was left before are no sign of more, nor of an end: other messages may be visible
    beside it. But it is hidden again when it is received, so what else is visible comes within one visibility.
    """

    def __init__(self, handling: Handling) -> None:
        self._visibility_s = handling.visibility_s
        self.is_on = False
        self.is_over = False
        self._empty_rounds = 0
        self.restart()

    def restart(self) -> None:
        """Whoever calls was away, and nothing was received."""
        self._since = time.monotonic()

    def note(self, answer: Answer, *, is_last: bool, is_idle: bool) -> None:
        """Take in an answer; `is_last` if no other is under way, `is_idle` if nothing is in hand."""
        self.is_on = not answer.fresh
        if answer.fresh:
            self.restart()
        if answer.count or not is_idle:
            self._empty_rounds = 0
        elif is_last:
            self._empty_rounds += 1
        lasts = is_last and is_idle and time.monotonic() - self._since > self._visibility_s
        self.is_over = lasts or self._empty_rounds >= _EMPTY_ROUNDS
