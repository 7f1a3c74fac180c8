"""A place in a worker process: an actor of Dask that does tasks with a station of its own.

Tasks come, and answers go, through a connection of its own (see `Work.converse`). Where that ends, or Dask lets the
actor go as whoever coordinates is gone, all that belongs to it goes, too.

Dask has the scheduler load this module, too, which all wait for: it loads the rest where a place begins.
"""

import asyncio
import weakref
from contextlib import suppress
from typing import TYPE_CHECKING

from distributed import get_worker

from cncbops.execution.packing import packed, portable

if TYPE_CHECKING:
    from cncbops.cluster.work import Work
    from cncbops.lake.pages import Page

_LOOK_S = 1.0
"""How long it takes until it is noticed that a page is called off."""


class NotHere(Exception):
    """A message for a place that is no more: Dask sends again what it could not, also to whatever is there then."""


class Place:
    """What Dask calls in a worker."""

    def __init__(self) -> None:
        self._work: Work | None = None

    async def begin(self, outfit: bytes, room: int) -> str:
        """Settle in, with an Outfit as a parcel; the name by which it converses.

        Raises what making a station raises.
        """
        from cncbops.cluster.mailbox import Mailbox
        from cncbops.cluster.work import CONVERSATION, Work, converse

        get_worker().handlers[CONVERSATION] = converse
        mailbox, loop = Mailbox(), asyncio.get_running_loop()
        self._work = await loop.run_in_executor(None, Work, mailbox, outfit, room)
        weakref.finalize(self, self._work.close).atexit = False
        return self._work.name

    async def page(self, name: str, bucket: str, asked: dict[str, str]) -> bytes:
        """A page of a bucket's listing, packed as an answer is. Raises NotHere where `begin` gave another name."""
        answered: asyncio.Future[bytes] = asyncio.Future()
        loop = answered.get_loop()

        def answer(page: "Page | None", error: BaseException | None) -> None:
            with suppress(RuntimeError):  # the worker ends
                loop.call_soon_threadsafe(_set, answered, packed([(0, page, error and portable(error))]))

        work = self._named(name)
        work.do("page", (bucket, asked), answer)
        while not answered.done():  # never, where it is called off
            if work.is_closed:
                raise NotHere
            await asyncio.wait([answered], timeout=_LOOK_S)
        return answered.result()

    def _named(self, name: str) -> "Work":
        if not self._work or self._work.name != name or self._work.is_closed:
            raise NotHere
        return self._work


def _set(answered: "asyncio.Future[bytes]", answer: bytes) -> None:
    if not answered.done():  # nobody waits any more
        answered.set_result(answer)
