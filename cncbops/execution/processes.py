"""Several processes of this machine, each a place of a session.

A process is told its tasks through a channel and answers through it. It ends with the one that began it, however that
ends: the other end of the channel is then closed.
"""

import gc
import multiprocessing
import os
import pickle
import selectors
import signal
import sys
import threading
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any

from cncbops.early_signals import ENDING
from cncbops.errors import CannotRun
from cncbops.execution.arenas import BODY_BYTES, give_back, keep_large_apart
from cncbops.execution.channel import Channel, channel
from cncbops.execution.crew import Crew
from cncbops.execution.executor import PlaceLost, Then, fail
from cncbops.execution.outbox import Outbox
from cncbops.execution.packing import Answer, packed, portable
from cncbops.execution.rooms import Rooms
from cncbops.execution.station import Outfit

_START = "fork" if sys.platform == "linux" else "spawn"
"""A forked process has all that is imported and known here. On other systems what was begun here may not be forked."""

MOST_AT_A_TIME = 256
"""Outcomes that are taken before what they let follow begins."""

SWITCH_S = 0.002
"""How long a thread decodes before one that was answered has its turn: Python's 5 ms hold up a hundred requests."""


def with_client(outfit: Outfit) -> Outfit:
    """An outfit whose client of the lake is made already, where processes are forked: making one takes each as long.

    It has no connection yet that they would share.
    """
    if _START != "fork":
        return outfit
    client = outfit.s3()
    return replace(outfit, s3=lambda: client)


class Processes:
    """An Executor with as many places as processes. To be made while this process has no other threads."""

    def __init__(self, outfit: Outfit, concurrency: int, places: int) -> None:
        self._concurrency = concurrency
        self._outbox = Outbox()
        self._selector = selectors.DefaultSelector()
        self._channels: list[Channel] = []
        self._gone: list[int] = []  # places whose processes have ended, not told of yet
        self._why_none = ""
        self._processes: list[Any] = []
        keep_large_apart(BODY_BYTES)
        give_back()
        gc.freeze()  # a search for garbage writes to all it looks at: each process would soon have a copy of its own
        try:
            if _START == "fork":
                outfit = replace(outfit, rooms=Rooms())
            for place in range(places):
                self._begin(outfit, concurrency)
                self._outbox.open(place)
        except BaseException:
            self.close()
            raise

    def _begin(self, outfit: Outfit, concurrency: int) -> None:
        context: Any = multiprocessing.get_context(_START)
        here, there = channel()
        self._channels.append(here)
        others = self._channels if _START == "fork" else []
        process = context.Process(target=_work, args=(there, others, outfit, concurrency), daemon=True)
        process.start()
        there.close()
        self._selector.register(here, selectors.EVENT_READ)
        self._processes.append(process)

    @property
    def places(self) -> Sequence[int]:
        """The processes that have not ended."""
        return self._outbox.places

    def room(self, place: int) -> int:  # noqa: ARG002  at each the same
        """All that the session makes."""
        return self._concurrency

    def submit(self, place: int, method: str, *arguments: Any, then: Then) -> None:
        """Have a method of the station at a place called."""
        self._outbox.put(place, method, arguments, then)

    def ended(self, longest_s: float) -> Sequence[tuple[Then, Any]]:
        """The tasks that ended, defects last; those that were given until now go out first. Raises PlaceLost."""
        if self._gone:
            raise self._lost(self._gone.pop())
        if not self.places:
            raise CannotRun(f"{self._why_none}, and no other is left", "See why (memory?), and try fewer --workers")
        self._send_out()
        found: list[tuple[Then, Any]] = []
        while len(found) < MOST_AT_A_TIME and (ready := self._selector.select(0 if found else longest_s)):
            for key, _ in ready:
                found += self._received_from(key.fileobj)  # type: ignore[arg-type]
            if self._gone:
                break
        if self._gone and not found:
            raise self._lost(self._gone.pop())
        return sorted(found, key=lambda each: each[0] is fail)

    def _received_from(self, place: Channel) -> Sequence[tuple[Then, Any]]:
        try:
            return [ended for answers in place.receive() for ended in self._outbox.redeem(answers)]
        except (EOFError, OSError):
            self._selector.unregister(place)
            self._gone.append(self._channels.index(place))
            return ()

    def _send_out(self) -> None:
        """Send each place what it has to do, in one message."""
        for place, tasks in self._outbox.emptied():
            with suppress(OSError):  # that it is gone is told where its answers would come
                self._channels[place].send(pickle.dumps(tasks, protocol=5))

    def _lost(self, place: int) -> PlaceLost:
        process = self._processes[place]
        process.join(1)
        self._why_none = f"worker process {process.pid} has ended ({_why(process.exitcode)})"
        self._outbox.close(place)
        return PlaceLost(self._why_none, place)

    def close(self) -> None:
        """End every process, whatever it has under way."""
        for each in self._channels:
            each.close()
        for process in self._processes:
            process.join()
        self._selector.close()


def _why(code: int | None) -> str:
    if code is None:
        return "its channel is closed"
    return f"signal {-code}" if code < 0 else f"status {code}"


def _work(here: Channel, others: Sequence[Channel], outfit: Outfit, concurrency: int) -> None:
    """One process: do what comes through the channel until that is closed."""
    for other in others:  # else the channels of the others would outlive the process that holds them
        other.close()
    for number in ENDING:
        signal.signal(number, signal.SIG_IGN)  # they are sent to all of a group; who began this one decides
    sys.setswitchinterval(SWITCH_S)
    crew, answers = None, _Answers(here)
    while (messages := _received(here)) is not None:
        for tasks in messages:
            crew = crew or Crew(outfit, concurrency)  # a process that gets nothing to do makes no clients
            for ticket, method, arguments in pickle.loads(tasks):  # noqa: S301  of the process that began this
                crew.do(method, arguments, partial(answers.give, ticket))
    os._exit(0)  # nobody is left to tell


def _received(here: Channel) -> Sequence[bytes | bytearray] | None:
    """What comes next; None where the other end is gone."""
    try:
        return here.receive()
    except (EOFError, OSError):
        return None


class _Answers:
    """What tasks came to, on its way back; what comes while some is being sent goes with the next."""

    def __init__(self, here: Channel) -> None:
        self._here = here
        self._waiting: deque[Answer] = deque()
        self._sending = threading.Lock()

    def give(self, ticket: int, result: Any, error: BaseException | None) -> None:
        """Have an answer sent; called in any thread."""
        self._waiting.append((ticket, result, error and portable(error)))
        while self._waiting and self._sending.acquire(blocking=False):
            try:
                answers = [self._waiting.popleft() for _ in range(len(self._waiting))]
                if answers:
                    with suppress(OSError):  # whoever asked is gone, and this process is about to be
                        self._here.send(packed(answers))
            finally:
                self._sending.release()
