"""Several processes of this machine, each a place of a session.

A process is told its tasks through a pipe and answers through it. It ends with the one that began it, however that
ends: its end of the pipe is then closed.
"""

import multiprocessing
import os
import pickle
import selectors
import signal
import sys
import threading
import traceback
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from itertools import count
from multiprocessing.connection import Connection
from typing import Any

from cncbops.execution.crew import Crew
from cncbops.execution.executor import PlaceLost, Then, fail
from cncbops.execution.station import Outfit

_START = "fork" if sys.platform == "linux" else "spawn"
"""A forked process has all that is imported and known here. On other systems what was begun here may not be forked."""

SWITCH_S = 0.001
"""How long a thread decodes before one that was answered has its turn: Python's 5 ms hold up a hundred requests."""


class Processes:
    """An Executor with as many places as processes. To be made while this process has no other threads."""

    def __init__(self, outfit: Outfit, concurrency: int, places: int) -> None:
        self.places = places
        self._tickets = count()
        self._then: dict[int, Then] = {}
        self._selector = selectors.DefaultSelector()
        self._pipes: list[Connection] = []
        self._processes = []
        context: Any = multiprocessing.get_context(_START)
        for _ in range(places):
            here, there = context.Pipe()
            others = [*self._pipes, here] if _START == "fork" else []
            process = context.Process(target=_work, args=(there, others, outfit, concurrency), daemon=True)
            process.start()
            there.close()
            self._selector.register(here, selectors.EVENT_READ)
            self._pipes.append(here)
            self._processes.append(process)

    def submit(self, place: int, method: str, *arguments: Any, then: Then) -> None:
        """Have a method of the station at a place called."""
        ticket = next(self._tickets)
        self._then[ticket] = then
        with suppress(OSError):  # that it is gone is told where its answers would come
            self._pipes[place].send_bytes(pickle.dumps((ticket, method, arguments), protocol=5))

    def ended(self, longest_s: float) -> Sequence[tuple[Then, Any]]:
        """The tasks that ended, defects last. Raises PlaceLost where a process has ended."""
        found: list[tuple[Then, Any]] = []
        for key, _ in self._selector.select(longest_s):
            pipe: Connection = key.fileobj  # type: ignore[assignment]
            try:
                while True:
                    found.append(self._outcome(pipe.recv_bytes()))
                    if not pipe.poll():
                        break
            except (EOFError, OSError) as error:
                if not found:
                    raise self._lost(pipe) from error
        return sorted(found, key=lambda each: each[0] is fail)

    def _outcome(self, answer: bytes) -> tuple[Then, Any]:
        ticket, result, error = pickle.loads(answer)  # noqa: S301  from our own process
        then = self._then.pop(ticket)
        return (fail, error) if error else (then, result)

    def _lost(self, pipe: Connection) -> PlaceLost:
        self._selector.unregister(pipe)
        place = self._pipes.index(pipe)
        process = self._processes[place]
        process.join(1)
        what = f"worker process {process.pid} has ended ({_why(process.exitcode)}) with invocations under way"
        return PlaceLost(what, "Go on with `cncbops runs resume`, which sends them again", place)

    def close(self) -> None:
        """End every process, whatever it has under way."""
        for pipe in self._pipes:
            pipe.close()
        for process in self._processes:
            process.join()
        self._selector.close()


def _why(code: int | None) -> str:
    if code is None:
        return "its pipe is closed"
    return f"signal {-code}" if code < 0 else f"status {code}"


def _work(pipe: Connection, others: Sequence[Connection], outfit: Outfit, concurrency: int) -> None:
    """One process: do what comes through the pipe until that is closed."""
    for other in others:  # else the pipes of the others would outlive the process that holds them
        other.close()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal sends it to all; who began this one decides
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    sys.setswitchinterval(SWITCH_S)
    crew, answering = Crew(outfit, concurrency), threading.Lock()

    def answer(ticket: int, result: Any, error: BaseException | None) -> None:
        with answering:
            pipe.send_bytes(pickle.dumps((ticket, result, error and _portable(error)), protocol=5))

    try:
        while True:
            ticket, method, arguments = pickle.loads(pipe.recv_bytes())  # noqa: S301  from the process that began this
            crew.do(method, arguments, partial(answer, ticket))
    except (EOFError, OSError):
        os._exit(0)  # nobody is left to tell


def _portable(error: BaseException) -> BaseException:
    """An error as it can be sent; one that cannot is told by its traceback."""
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301  made just now
    except Exception:  # noqa: BLE001  whatever its class makes of being copied
        return RuntimeError("".join(traceback.format_exception(error)))
    error.add_note("".join(traceback.format_exception(error)))
    return error
