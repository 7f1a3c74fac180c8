"""The threads of one place: some read, some send, and one does what comes in between."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from cncbops.execution.arenas import BODY_BYTES, keep_large_apart, share_one_arena
from cncbops.execution.station import Outfit, Station
from cncbops.lake.listing import LISTERS
from cncbops.pool import Pool

READERS = 2
"""Chunks that are read at a time: while one waits for its objects, the other is decoded."""

Done = Callable[[Any, BaseException | None], None]
"""Is given what a task came to, or what it raised."""


class Crew:
    """Does a station's tasks, each by the name of its method; `done` may be called in any thread."""

    def __init__(self, outfit: Outfit, concurrency: int) -> None:
        share_one_arena()
        keep_large_apart(BODY_BYTES)
        self._station = Station(outfit)
        readers, senders, listers = Pool(READERS, "read"), Pool(concurrency, "send"), Pool(LISTERS, "list")
        self._pools = {
            "read": readers,
            "read_on": readers,
            "restore": readers,
            "page": listers,
            "attempt": senders,
        }
        self._others = Pool(1, "cut")

    def do(self, method: str, arguments: Sequence[Any], done: Done) -> None:
        """Begin a task. None is done in this thread, which has others to hear of while an outcome is on its way."""
        self._pools.get(method, self._others).submit(partial(self._run, method, arguments, done))

    def close(self) -> None:
        """Begin nothing more, and wait for what is under way."""
        for pool in (*self._pools.values(), self._others):
            pool.close()
        self._station.close()

    def _run(self, method: str, arguments: Sequence[Any], done: Done) -> None:
        try:
            result = getattr(self._station, method)(*arguments)
        except BaseException as error:  # noqa: BLE001  it is raised where the task was given
            done(None, error)
        else:
            done(result, None)
