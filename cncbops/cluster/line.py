"""The line to one place: messages go out, answers come in, until the worker is gone or the line is closed."""

import asyncio
import pickle
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Executor as Pool
from contextlib import suppress
from typing import Any, NamedTuple
from uuid import uuid4

from distributed import Client, Future
from distributed.comm.core import Comm, connect

from cncbops.cluster.asking import Question, reply
from cncbops.cluster.parcels import Kept
from cncbops.cluster.places import NotHere, Place
from cncbops.cluster.roster import Member
from cncbops.cluster.work import BEAT_S, CONVERSATION
from cncbops.errors import CannotRun, CncbopsError
from cncbops.execution.packing import unpacked
from cncbops.lake.pages import Page

GRACE_S = 1.0
"""For what a worker that is gone may have answered, and for Dask to let a place go."""

SILENT_S = 15.0
"""After that a machine that hangs is as good as gone, which Dask finds out after five minutes.

Until then what it read holds up all that comes behind.
"""

_BEGIN_S = 60.0
"""A worker may have to load AWS's library first."""


class Begun(NamedTuple):
    """A place has settled in."""

    place: int


class Answered(NamedTuple):
    """Answers have come, as `execution.packing` packs them."""

    answers: bytes


class Ended(NamedTuple):
    """A line has ended, after all that came through it. `error` is one that says more than that the worker is gone."""

    place: int
    error: CncbopsError | None


Event = Begun | Answered | Ended


class Line:
    """To be used in the event loop of its client; `tell` is given what happens, in its order.

    `kept` are the memories that the place may ask for; `pool` has the threads that answer. Messages of the
    place are at least `apart_s` apart: each costs far more than what is in it.
    """

    apart_s = 0.0

    def __init__(self, client: Client, member: Member, kept: Kept, pool: Pool, tell: Callable[[Event], None]) -> None:
        self.member = member
        self._client, self._kept, self._pool, self._tell = client, kept, pool, tell
        self._messages: list[bytes] = []
        self._comm: Comm | None = None
        self._place: tuple[Any, str] | None = None  # once it has begun, with its name
        self._has_some, self._gone = asyncio.Event(), asyncio.Event()
        self._is_heard = False

    def send(self, message: bytes) -> None:
        """Have a message sent: a parcel, see Work.converse."""
        self._messages.append(message)
        self._has_some.set()

    @property
    def has_begun(self) -> bool:
        """Whether the place has settled in."""
        return self._place is not None

    @property
    def is_open(self) -> bool:
        """Whether the place has settled in, and its worker is not gone."""
        return self.has_begun and not self._gone.is_set()

    async def page(self, bucket: str, asked: Mapping[str, str]) -> Page:
        """A page of a bucket's listing, asked for by the worker. Raises ConnectionError if it is gone; botocore's."""
        if not (self._place and self.is_open):
            raise ConnectionError
        place, name = self._place
        try:
            answer = await self._until_one_ends(place.page(name, bucket, dict(asked)), self._gone.wait())
        except (OSError, NotHere) as error:
            raise ConnectionError from error
        except RuntimeError as error:  # Dask's, of an actor that is gone
            self.leave()
            raise ConnectionError from error
        ((_, page, raised),) = unpacked(answer)
        if raised:
            raise raised
        found: Page = page
        return found

    def leave(self) -> None:
        """The worker is gone from the cluster."""
        self._gone.set()

    async def run(self, number: int, outfit: bytes) -> bool:
        """Begin a place with an Outfit, and keep the line to it until the worker is gone. Tells whether it began."""
        error: CncbopsError | None = None
        # Pinned to the worker: at another there is a place already, or soon.
        worker = {"workers": [self.member.address], "allow_other_workers": False}
        held = self._client.submit(Place, actor=True, pure=False, key=f"cncbops-{uuid4().hex}", **worker)
        try:
            await self._kept_up(number, held, outfit)
        except (OSError, NotHere):
            error = None if self.has_begun else await self._out_of_reach()
        except CncbopsError as raised:
            error = raised
        except Exception as raised:  # noqa: BLE001  whatever the worker, or Dask, makes of what it is sent
            error = CannotRun(f"{self.member} failed ({type(raised).__name__})", "Look at its log")
        finally:
            self._gone.set()  # also of a worker that hangs: who waits for a page of it shall ask another
            if self._comm:
                self._comm.abort()
            # Forgotten: Dask would make it anew at a worker that comes to be at the same address.
            with suppress(OSError):
                await asyncio.wait_for(self._client.cancel([held]), GRACE_S)
        self._tell(Ended(number, error))
        return self.has_begun

    async def _out_of_reach(self) -> CannotRun | None:
        """What is to be said of a worker that does not answer, if it is there: that is known soon."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._gone.wait(), GRACE_S)
            return None
        return CannotRun(f"{self.member} cannot be reached from here", "Run it where it reaches the workers' own ports")

    async def _kept_up(self, number: int, held: Future[Any], outfit: bytes) -> None:
        async with asyncio.timeout(_BEGIN_S):
            comm = await self._until_one_ends(self._begun(held, outfit), self._gone.wait())
        self._tell(Begun(number))
        await self._until_one_ends(self._receive(comm), self._send(comm), self._silence(), self._gone.wait())

    async def _begun(self, held: Future[Any], outfit: bytes) -> Comm:
        place = await held
        name = await place.begin(outfit, self.member.room)
        self._comm = await connect(self.member.address, **self._client.connection_args)
        await self._comm.write({"op": CONVERSATION, "name": name, "reply": False})
        self._place = place, name
        return self._comm

    async def _until_one_ends(self, first: Awaitable[Any], *others: Awaitable[Any]) -> Any:
        """Do these until one has ended, the first a little longer; then what that came to. Raises what one raised."""
        tasks = [asyncio.ensure_future(each) for each in (first, *others)]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            await asyncio.wait(tasks[:1], timeout=GRACE_S)
            results = [task.result() for task in tasks if task.done()]
            if not tasks[0].done():
                raise ConnectionError
            return results[0]
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _send(self, comm: Comm) -> None:
        while await self._has_some.wait():
            self._has_some.clear()
            parcels, self._messages = self._messages, []
            await comm.write((b"".join(parcels), self.apart_s))

    async def _receive(self, comm: Comm) -> None:
        while True:
            answers, questions = await comm.read()
            self._is_heard = True
            if answers:
                self._tell(Answered(answers))
            if questions:
                for question in pickle.loads(questions):  # noqa: S301  of our own place
                    self._pool.submit(self._reply, asyncio.get_running_loop(), question)

    async def _silence(self) -> None:
        """Raises CannotRun where nothing is heard for long, beat by beat: this process may have stood still itself."""
        silent_s = 0.0
        while silent_s < SILENT_S:
            self._is_heard = False
            await asyncio.sleep(BEAT_S)
            silent_s = 0.0 if self._is_heard else silent_s + BEAT_S
        raise CannotRun(
            f"{self.member} has not answered for {silent_s:g} s: it is given up", "End it, or see why it hangs"
        )

    def _reply(self, loop: asyncio.AbstractEventLoop, question: Question) -> None:
        message = pickle.dumps(((), [reply(question, self._kept)]), protocol=5)
        with suppress(RuntimeError):  # the loop is closed, and the place with it
            loop.call_soon_threadsafe(self.send, message)
