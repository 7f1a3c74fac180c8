"""The threads of one place: some read, some send, and what takes no time is done at once."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from cncbops.execution.memory import share_one_arena
from cncbops.execution.station import Outfit, Station

READERS = 2
"""Chunks that are read at a time: while one waits for its objects, the other is decoded."""

Done = Callable[[Any, BaseException | None], None]
"""Is given what a task came to, or what it raised."""


class Crew:
    """Does a station's tasks, each by the name of its method; `done` may be called in any thread."""

    def __init__(self, outfit: Outfit, concurrency: int) -> None:
        share_one_arena()
        self._station = Station(outfit)
        readers = ThreadPoolExecutor(READERS, thread_name_prefix="read")
        senders = ThreadPoolExecutor(concurrency, thread_name_prefix="send")
        self._pools = {"read": readers, "read_on": readers, "attempt": senders}

    def do(self, method: str, arguments: Sequence[Any], done: Done) -> None:
        """Begin a task."""
        pool = self._pools.get(method)
        if pool:
            pool.submit(self._run, method, arguments, done)
        else:
            self._run(method, arguments, done)

    def close(self) -> None:
        """Begin nothing more, and wait for what is under way."""
        for pool in self._pools.values():
            pool.shutdown(cancel_futures=True)
        self._station.close()

    def _run(self, method: str, arguments: Sequence[Any], done: Done) -> None:
        try:
            result = getattr(self._station, method)(*arguments)
        except BaseException as error:  # noqa: BLE001  it is raised where the task was given
            done(None, error)
        else:
            done(result, None)
