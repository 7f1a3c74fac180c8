"""A few threads of one probe in one region: what hangs there holds up nobody else.

They are daemons, and not of a ThreadPoolExecutor, whose threads are waited for when the process ends.
"""

import threading
from collections import deque
from collections.abc import Callable

WIDTH = 8
"""How many subjects of a probe are asked about at a time; that many threads at most may come to hang."""


class Lane:
    """Does pieces of work, WIDTH at a time, in the order in which they came. A thread ends when nothing is left."""

    def __init__(self) -> None:
        self._waiting: deque[Callable[[], None]] = deque()
        self._threads = 0
        self._lock = threading.Lock()

    def add(self, work: Callable[[], None]) -> None:
        """Have it done, soon or later. It must not raise."""
        with self._lock:
            self._waiting.append(work)
            if self._threads < WIDTH:
                self._threads += 1
                threading.Thread(target=self._work, name="probe", daemon=True).start()

    def clear(self) -> None:
        """Leave undone what has not begun."""
        with self._lock:
            self._waiting.clear()

    def _work(self) -> None:
        while work := self._next():
            work()

    def _next(self) -> Callable[[], None] | None:
        with self._lock:
            if self._waiting:
                return self._waiting.popleft()
            self._threads -= 1
            return None
