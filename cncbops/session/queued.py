"""Queues as sources, behind a session's others: each message is an object, and deleted when all of it is done."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

from cncbops.aws import Aws
from cncbops.errors import CannotRun
from cncbops.lake.in_order import nothing
from cncbops.lake.objects import LakeObject
from cncbops.queues.message import Message
from cncbops.queues.queue import Queue
from cncbops.queues.source import QueueSource
from cncbops.session.agenda import Agenda, Item
from cncbops.session.entry import Entry


@dataclass(slots=True)
class Messages:
    """Messages of a queue: those of which everything was delivered, which are deleted, and those left on it."""

    done: int = 0
    left: int = 0

    def count(self, *, is_done: bool) -> None:
        """Count one."""
        self.done += is_done
        self.left += not is_done


class Queues:
    """The queues among sources, by the number of their source. To be closed, or a context manager.

    In a plan they give their messages back. A queue that counts how often a message was received, to move it
    on, is not read by a plan, which shall change nothing.
    """

    def __init__(self, sources: Sequence[object], aws: Aws, *, executes: bool) -> None:
        self.executes = executes
        self.by_source: dict[int, Queue] = {}
        self.counts: dict[int, Messages] = {}
        self._held = ExitStack()
        try:
            for number, source in enumerate(sources):
                if isinstance(source, QueueSource):
                    client = aws.in_region(source.region).sqs()
                    queue = self._held.enter_context(Queue.open(client, source))
                    if queue.facts.arn not in [other.facts.arn for other in self.by_source.values()]:
                        self.by_source[number], self.counts[number] = queue, Messages()
        except BaseException:
            self._held.close()
            raise

    def messages(self, stop: threading.Event) -> Iterator[Item | None]:
        """The messages of each queue until it is empty; None where others have to be settled first."""
        for number, queue in self.readable.items():
            for message in queue.messages(stop):
                yield _item(number, queue.facts.name, message) if message else None

    def leave(self, item: Item) -> None:
        """Keep a message on its queue."""
        self.by_source[item.source].leave([_message_id(item.object)])

    @property
    def unread(self) -> list[str]:
        """The queues that a plan does not read, by name."""
        return [queue.facts.name for queue in self.by_source.values() if not self._reads(queue)]

    @property
    def readable(self) -> Mapping[int, Queue]:
        """The queues that are read, by the number of their source."""
        return {number: queue for number, queue in self.by_source.items() if self._reads(queue)}

    def _reads(self, queue: Queue) -> bool:
        return self.executes or not queue.facts.dead_letters

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._held.__exit__(kind, error, trace)


def require_readable(queues: Queues) -> None:
    """Raise CannotRun where one of the queues can be read by a run only."""
    for name in queues.unread:
        what = f"{name} counts how often its messages are received, and would move them on"
        raise CannotRun(what, "Look at them with `aws sqs receive-message`, or send them with `cncbops resubmit`")


def facts_of_queues(queues: Queues) -> list[dict[str, Any]]:
    """What a session has done with its queues, once it is over: messages deleted, left, and done but not deleted.

    Those that were in flight before, about so many, others had received: they come back if those let go of them.
    """
    return [
        {
            "queue": queue.facts.name,
            "deleted": queues.counts[number].done - queue.not_deleted,
            "left": queues.counts[number].left,
            "not_deleted": queue.not_deleted,
            "in_flight_before": queue.facts.approximate_in_flight,
        }
        for number, queue in queues.by_source.items()
    ]


class WithQueues(Agenda):
    """An agenda of other objects, and then the messages of queues."""

    def __init__(self, others: Agenda, queues: Queues) -> None:
        self._others, self._queues = others, queues

    def items(self, stop: threading.Event, before_threads: Callable[[], None] = nothing) -> Iterator[Item | None]:
        """First the others, then each queue until it is empty."""
        yield from self._others.items(stop, before_threads)
        before_threads()
        yield from self._queues.messages(stop)

    def over(self, entry: Entry) -> None:
        """Delete a message of which everything was delivered; all others stay on their queue."""
        queue = self._queues.by_source.get(entry.source)
        if queue is None:
            return
        ids = [_message_id(entry.object)]
        is_done = not (entry.remains or entry.error) and entry.delivered == entry.matched
        if self._queues.executes and is_done:
            queue.done(ids)
        else:
            queue.leave(ids)
        self._queues.counts[entry.source].count(is_done=is_done)

    def finish(self) -> None:
        """Wait until what is done is deleted, and give all else back."""
        for queue in self._queues.by_source.values():
            queue.close()


def _message_id(message: LakeObject) -> str:
    return message.key.rpartition("/")[2]


def _item(number: int, name: str, message: Message) -> Item:
    uri = f"sqs://{name}/{message.id}"
    sent = datetime.fromtimestamp((message.sent_ms or 0) / 1000, UTC)
    found = LakeObject(uri, "", uri, len(message.body), message.id, sent)
    return Item(number, found, content=message.body, attributes=message.attributes)
