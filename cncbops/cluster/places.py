"""A place in a worker process: an actor of Dask that does tasks with a station of its own.

It is called with many tasks in one message, and asked for many answers in one. Where whoever coordinates is gone, Dask
lets the actor go, and with it goes all that belongs to it.
"""

import asyncio
import sys
import threading
import weakref
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from typing import Any
from uuid import uuid4

from cncbops.cluster.asking import Asking, Questions
from cncbops.cluster.mailbox import Mailbox
from cncbops.cluster.parcels import unpacked
from cncbops.execution.answers import packed, portable
from cncbops.execution.crew import Crew, Done
from cncbops.execution.processes import SWITCH_S
from cncbops.lake.pages import Page


class NotHere(Exception):
    """A message for a place that was here: Dask sends again what it could not, also to whatever is there then."""


class Place:
    """What Dask calls in a worker. Each message bears the name that `begin` gave, and raises NotHere with another."""

    def __init__(self) -> None:
        self._work: _Work | None = None

    async def begin(self, outfit: bytes, room: int) -> str:
        """Settle in, with an Outfit as a parcel. Raises what making a station raises."""
        mailbox, loop = Mailbox(), asyncio.get_running_loop()
        self._work = await loop.run_in_executor(None, _Work, mailbox, outfit, room)
        weakref.finalize(self, self._work.close)
        return self._work.name

    def take(self, name: str, messages: bytes) -> None:
        """Begin tasks, and hear what the ledger remembers: messages that are each a pair of both."""
        self._named(name).take(messages)

    async def give(self, name: str, longest_s: float, linger_s: float) -> tuple[bytes, bytes]:
        """Answers and questions, as Mailbox has them."""
        return await self._named(name).mailbox.emptied(longest_s, linger_s)

    async def page(self, name: str, bucket: str, asked: dict[str, str]) -> bytes:
        """A page of a bucket's listing, packed as an answer is."""
        answered: asyncio.Future[bytes] = asyncio.Future()
        loop = answered.get_loop()

        def answer(page: Page | None, error: BaseException | None) -> None:
            with suppress(RuntimeError):  # the worker ends
                loop.call_soon_threadsafe(_set, answered, packed([(0, page, error and portable(error))]))

        self._named(name).do("page", (bucket, asked), answer)
        return await answered

    def end(self, name: str) -> None:
        """Begin nothing more."""
        self._named(name).close()

    def _named(self, name: str) -> "_Work":
        if not self._work or self._work.name != name:
            raise NotHere
        return self._work


class _Work:
    """What belongs to a place; none of its threads keeps the place itself."""

    def __init__(self, mailbox: Mailbox, outfit: bytes, room: int) -> None:
        sys.setswitchinterval(SWITCH_S)
        self.name, self.mailbox = uuid4().hex, mailbox
        self._questions = Questions(mailbox.ask)
        self._memory = partial(Asking, self._questions)
        self._is_closed = False
        (found,) = unpacked(outfit, self._memory)
        self._crew = Crew(found, room)

    def take(self, messages: bytes) -> None:
        for tasks, replies in unpacked(messages, self._memory):
            self._questions.hear(replies)
            for ticket, method, arguments in tasks:
                self.do(method, arguments, partial(self.mailbox.answer, ticket))

    def do(self, method: str, arguments: Sequence[Any], done: Done) -> None:
        self._crew.do(method, arguments, done)

    def close(self) -> None:
        """Begin nothing more; what is under way ends by itself."""
        if not self._is_closed:
            self._is_closed = True
            self._questions.close()
            self.mailbox.ring()
            threading.Thread(target=self._crew.close, name="end", daemon=True).start()


def _set(answered: "asyncio.Future[bytes]", answer: bytes) -> None:
    if not answered.done():  # nobody waits any more
        answered.set_result(answer)
