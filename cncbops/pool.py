"""Threads that do tasks, of which nobody asks what becomes: whoever gives one has it tell that itself.

A `ThreadPoolExecutor` does the same, and makes a future with its locks for each task, which costs more than to hand
the task over does.
"""

import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue

Task = Callable[[], None]
"""Raises nothing."""


class Pool:
    """As many threads as are needed at a time, and no more than `most`. Any thread may give tasks."""

    def __init__(self, most: int, name: str) -> None:
        self._most, self._name = most, name
        self._tasks: SimpleQueue[Task | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._adding = threading.Lock()
        self._free: deque[None] = deque()  # one for each thread that has nothing to do, while there are not the most

    def submit(self, task: Task) -> None:
        """Have something done, after all that was given before."""
        self._tasks.put(task)
        if len(self._threads) < self._most and not self._takes_a_free_one():
            self._add()

    def close(self) -> None:
        """Do nothing more, and wait for what is being done."""
        with suppress(Empty):
            while True:
                self._tasks.get_nowait()
        self._tasks.put(None)
        for thread in self._threads:
            thread.join()

    def _takes_a_free_one(self) -> bool:
        """Whether there is a thread that has nothing to do, and that nobody else counts on."""
        with suppress(IndexError):
            self._free.pop()
            return True
        return False

    def _add(self) -> None:
        with self._adding:
            if len(self._threads) < self._most:
                thread = threading.Thread(target=self._work, name=f"{self._name}_{len(self._threads)}", daemon=True)
                thread.start()
                self._threads.append(thread)

    def _work(self) -> None:
        while task := self._tasks.get():
            task()
            del task  # and what it holds
            if len(self._threads) < self._most:
                self._free.append(None)
        self._tasks.put(None)  # for the next: also one that is in no list, as who added it was interrupted
