"""Queues as sources, behind a session's others: each message is an object, and deleted when all of it is done."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

from cncbops.aws import Aws
from cncbops.lake.objects import LakeObject
from cncbops.queues.message import Message
from cncbops.queues.queue import Queue
from cncbops.queues.source import QueueSource
from cncbops.request import Request
from cncbops.session.agenda import Agenda, Item
from cncbops.session.entry import Entry


class Queues:
    """The queues among a request's sources, by the number of their source. To be closed, or a context manager.

    In a plan they give their messages back. A queue that counts how often a message was received, to move it
    on, is not read by a plan, which shall change nothing.
    """

    def __init__(self, request: Request, aws: Aws, *, executes: bool) -> None:
        self.executes = executes
        self.by_source: dict[int, Queue] = {}
        self._held = ExitStack()
        try:
            for number, source in enumerate(request.sources):
                if isinstance(source, QueueSource):
                    client = aws.in_region(source.region).sqs()
                    self.by_source[number] = self._held.enter_context(Queue.open(client, source))
        except BaseException:
            self._held.close()
            raise

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


class WithQueues:
    """An agenda of other objects, and then the messages of queues."""

    def __init__(self, others: Agenda, queues: Queues) -> None:
        self._others, self._queues = others, queues

    def items(self, stop: threading.Event) -> Iterator[Item | None]:
        """First the others, then each queue until it is empty."""
        yield from self._others.items(stop)
        for number, queue in self._queues.readable.items():
            for message in queue.messages(stop):
                yield _item(number, queue.facts.name, message) if message else None

    def over(self, entry: Entry) -> None:
        """Delete a message of which everything was delivered; all others stay on their queue."""
        queue = self._queues.by_source.get(entry.source)
        if queue is None:
            return
        ids = [entry.object.key.rpartition("/")[2]]
        is_done = not (entry.remains or entry.error) and entry.delivered == entry.matched
        if self._queues.executes and is_done:
            queue.done(ids)
        else:
            queue.leave(ids)


def _item(number: int, name: str, message: Message) -> Item:
    uri = f"sqs://{name}/{message.id}"
    sent = datetime.fromtimestamp((message.sent_ms or 0) / 1000, UTC)
    found = LakeObject(uri, "", uri, len(message.body), message.id, sent)
    return Item(number, found, content=message.body, attributes=message.attributes)
