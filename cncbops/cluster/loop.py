"""An event loop in a thread of its own, for what goes on with a cluster while a session works."""

import asyncio
import signal
import sys
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, wait
from multiprocessing import resource_tracker
from typing import Any, TypeVar

from cncbops.early_signals import ENDING

T = TypeVar("T")

LATE_S = 2.0


class Loop:
    """The loop. Its thread gets none of the signals that end commands."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="cluster", daemon=True)
        self._thread.start()

    def do(self, what: Coroutine[Any, Any, T], late: Callable[[], object] = lambda: None) -> T:
        """Have something done in the loop, and wait for it; if that wait is broken off, so is what is done.

        `late` is called where that takes longer than `LATE_S`.
        """
        future = self.begin(what)
        try:
            wait([future], LATE_S)
            if not future.done():
                late()
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def begin(self, what: Coroutine[Any, Any, T]) -> Future[T]:
        """Begin something in the loop."""
        return asyncio.run_coroutine_threadsafe(what, self._loop)

    def call(self, function: Callable[..., object], *arguments: object) -> None:
        """Have a function called in the loop, some time soon."""
        self._loop.call_soon_threadsafe(function, *arguments)

    def close(self) -> None:
        """Break off all that is still under way."""
        self.do(_broken_off())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _run(self) -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_forever()
        finally:
            self._loop.close()


def deafen() -> None:
    """Have processes that are begun by this thread hear no signals of a terminal: who began them decides.

    They inherit what the thread does not hear. Python's tracker, which is begun with the first of them, would have the
    thread hear again. Where a command is left at once the tracker would complain of what nobody can mend.
    """
    sys.warnoptions.append("ignore::UserWarning:multiprocessing.resource_tracker")  # what is begun inherits these, too
    try:
        resource_tracker.ensure_running()
    finally:
        sys.warnoptions.pop()
    signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)


async def _broken_off() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
