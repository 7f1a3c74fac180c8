"""What a place in a worker process works with, and its conversation with whoever coordinates."""

import asyncio
import gc
import sys
import threading
from collections.abc import Sequence
from functools import partial
from typing import Any
from uuid import uuid4
from weakref import WeakValueDictionary

from distributed.comm.core import Comm, CommClosedError

from cncbops.cluster.asking import Asking, Questions
from cncbops.cluster.mailbox import Mailbox
from cncbops.cluster.parcels import unpacked
from cncbops.execution.crew import Crew, Done
from cncbops.execution.processes import SWITCH_S

BEAT_S = 2.0
"""So often a place says something, be it nothing: who hears no more of it for long is to think that it is gone."""

CONVERSATION = "cncbops-conversation"
"""What a worker is asked for, with the name of a Work."""

_working: "WeakValueDictionary[str, Work]" = WeakValueDictionary()


async def converse(comm: Comm, name: str) -> None:
    """Handle CONVERSATION. One function for all: Dask keeps whatever it was given to handle something, for good."""
    if work := _working.get(name):
        await work.converse(comm)


class Work:
    """What belongs to a place; none of its threads keeps the place itself."""

    def __init__(self, mailbox: Mailbox, outfit: bytes, room: int) -> None:
        sys.setswitchinterval(SWITCH_S)
        self.name, self.mailbox = uuid4().hex, mailbox
        self._questions = Questions(mailbox.ask)
        self._memory = partial(Asking, self._questions)
        self.is_closed = False
        _working[self.name] = self
        (found,) = unpacked(outfit, self._memory)
        self._crew = Crew(found, room)

    async def converse(self, comm: Comm) -> None:
        """Begin tasks, hear what the ledger remembers, and answer; until the connection or this is closed, then both.

        What comes are parcels, each a pair of both, and how far apart messages are to be; what goes are answers and
        questions, as Mailbox has them, empty ones every `BEAT_S` where there are none.
        """
        parts = [asyncio.ensure_future(each) for each in (self._hear(comm), self._answer(comm), self._beat())]
        try:
            await asyncio.wait(parts, return_when=asyncio.FIRST_COMPLETED)
            for part in parts:
                if part.done():
                    part.result()
        except CommClosedError:  # whoever coordinates is gone, or has what it wants
            return
        finally:
            for part in parts:
                part.cancel()
            comm.abort()  # who coordinates shall see at once that nothing more comes
            self.close()
            await asyncio.gather(*parts, return_exceptions=True)  # each may have found the connection closed

    async def _hear(self, comm: Comm) -> None:
        while True:
            parcels, self.mailbox.apart_s = await comm.read()
            self._take(parcels)

    async def _answer(self, comm: Comm) -> None:
        """Until this is closed: what tasks come to afterwards is of their being broken off."""
        while True:
            message = await self.mailbox.emptied()
            if self.is_closed:
                return
            await comm.write(message)

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(BEAT_S)
            self.mailbox.ring()

    def _take(self, parcels: bytes) -> None:
        for tasks, replies in unpacked(parcels, self._memory):
            self._questions.hear(replies)
            for ticket, method, arguments in tasks:
                self.do(method, arguments, partial(self.mailbox.answer, ticket))

    def do(self, method: str, arguments: Sequence[Any], done: Done) -> None:
        """Begin a task."""
        self._crew.do(method, arguments, done)

    def close(self) -> None:
        """Begin nothing more; what is under way ends by itself."""
        if not self.is_closed:
            self.is_closed = True
            self._questions.close()
            self.mailbox.close()
            threading.Thread(target=self._wind_up, name="end", daemon=True).start()

    def _wind_up(self) -> None:
        self._crew.close()
        del self._crew
        gc.collect()  # a session of AWS's library is a cycle of megabytes, and of connections that are open
