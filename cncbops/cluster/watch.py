"""Who is at work for a session on a cluster: workers that join and leave, each with the line to its place."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from concurrent.futures import CancelledError, Future
from concurrent.futures import Executor as Pool
from contextlib import suppress
from itertools import count
from typing import Any, NamedTuple

from cncbops.cluster import line
from cncbops.cluster.line import Line
from cncbops.cluster.loop import Loop
from cncbops.cluster.parcels import Kept
from cncbops.cluster.roster import Member, Roster
from cncbops.errors import CannotRun
from cncbops.lake.pages import Page

LOOK_S = 0.5

_APART_S, _MOST_APART_S = 0.0006, 0.1
"""For each place: all together send 1,700 messages a second at most, however many they are."""


class Joined(NamedTuple):
    """A worker is there that can be used, and waits for what it works with."""

    place: int
    member: Member


class Unfit(NamedTuple):
    """A worker has joined that cannot be used."""

    error: CannotRun


class Alone(NamedTuple):
    """The scheduler does not answer, from now on."""


class Failed(NamedTuple):
    """A defect: nobody watches any more."""

    defect: BaseException


Event = line.Event | Joined | Unfit | Alone | Failed


class Watch:
    """Of one session, from `begin` to `close`, in any thread; `tell` is given what happens, in its order."""

    def __init__(self, loop: Loop, roster: Roster, kept: Kept, pool: Pool, tell: Callable[[Event], None]) -> None:
        self._loop, self._roster, self._tell = loop, roster, tell
        self._new_line: Callable[[Member], Line] = lambda member: Line(roster.client, member, kept, pool, tell)
        self._numbers, self._turns = count(), count()
        self._lines: dict[int, Line] = {}
        self._known: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._watching: Future[None] | None = None
        self._is_closed = self._is_alone = False

    def begin(self) -> None:
        """Tell of all that are there, and watch who comes and goes."""
        self._loop.do(self._first())
        self._watching = self._loop.begin(self._go_on())
        self._watching.add_done_callback(self._hear)

    def open(self, place: int, outfit: bytes) -> None:
        """Have the place of a worker that has joined begun, with an Outfit as a parcel."""
        self._loop.call(self._open, place, outfit)

    def send(self, messages: Sequence[tuple[int, bytes]]) -> None:
        """Send messages to places: see Line.send."""
        self._loop.call(self._send, messages)

    def page(self, bucket: str, asked: Mapping[str, str]) -> Page | None:
        """A page of a bucket's listing, asked for by one worker after another; None if there is none at present."""
        if self._is_closed:
            return None
        try:
            return self._loop.do(self._page(bucket, asked))
        except CancelledError:  # the loop was closed meanwhile
            return None

    def close(self) -> None:
        """Let all places go."""
        self._is_closed = True
        if self._watching:
            self._watching.cancel()
        self._loop.do(self._closed())

    # In the thread of the loop.

    async def _first(self) -> None:
        with suppress(OSError):
            await self._meet(await self._look())

    async def _go_on(self) -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            try:
                new = await self._look()
            except OSError:
                if not self._is_alone:
                    self._tell(Alone())
                self._is_alone = True
                continue
            self._is_alone = False
            if new:
                self._begin(self._meet(new))

    async def _look(self) -> Sequence[Member]:
        """Let the lines to those go that have left; gives those that are new."""
        members = await self._roster.members()
        here = {member.address for member in members}
        for each in self._lines.values():
            if each.member.address not in here:
                each.leave()
        taken = self._known | {each.member.address for each in self._lines.values()}
        self._known = here
        return [member for member in members if member.address not in taken]

    async def _meet(self, members: Sequence[Member]) -> None:
        """Tell of new ones, of each as soon as it has answered."""
        await asyncio.gather(*map(self._meet_one, members))

    async def _meet_one(self, member: Member) -> None:
        objections = await self._roster.objections([member.address])
        if member.address in objections:
            self._tell(Unfit(objections[member.address]))
        elif member.address in self._roster.fit:
            number = next(self._numbers)
            self._lines[number] = self._new_line(member)
            self._share_out()
            self._tell(Joined(number, member))

    async def _page(self, bucket: str, asked: Mapping[str, str]) -> Page | None:
        for _ in range(len(self._lines)):
            if lines := [each for each in self._lines.values() if each.is_open]:
                with suppress(ConnectionError):  # another has it
                    return await lines[next(self._turns) % len(lines)].page(bucket, asked)
        return None

    def _open(self, place: int, outfit: bytes) -> None:
        self._begin(self._run(place, outfit))

    async def _run(self, place: int, outfit: bytes) -> None:
        address = self._lines[place].member.address
        try:
            has_worked = await self._lines[place].run(place, outfit)
        finally:
            del self._lines[place]
            self._share_out()
        if has_worked:  # if it is there again, it is as good as new
            await asyncio.sleep(2 * LOOK_S)
            self._known.discard(address)

    def _share_out(self) -> None:
        """Let each place send as many messages as can be taken from all."""
        for each in self._lines.values():
            each.apart_s = min(_APART_S * len(self._lines), _MOST_APART_S)

    def _send(self, messages: Sequence[tuple[int, bytes]]) -> None:
        for place, message in messages:
            if place in self._lines:
                self._lines[place].send(message)

    def _begin(self, what: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(what)
        self._tasks.add(task)
        task.add_done_callback(self._hear)

    def _hear(self, ended: Future[None] | asyncio.Task[None]) -> None:
        if isinstance(ended, asyncio.Task):
            self._tasks.discard(ended)
        if not ended.cancelled() and (error := ended.exception()) and not isinstance(error, OSError):
            self._tell(Failed(error))

    async def _closed(self) -> None:
        for each in self._lines.values():
            each.leave()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
