"""Keeps messages hidden while they are in hand, and gives back in the end what was not delivered.

Should the process die, nothing is extended any more, and all come back within one visibility.
"""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from cncbops.errors import CncbopsError
from cncbops.queues.calls import BATCH, Held, QueueCalls
from cncbops.queues.failure import Failure
from cncbops.queues.in_hand import InHand
from cncbops.safety.ticker import Ticker

THREADS = 4
_LOOKS = 12
"""How often in the length of one visibility it is looked what is due."""


class Keeping:
    """Extends the visibility of what is in hand until closed."""

    def __init__(self, calls: QueueCalls, in_hand: InHand, failure: Failure, *, visibility_s: int) -> None:
        self._calls, self._in_hand, self._failure = calls, in_hand, failure
        self._visibility_s = visibility_s
        self._pool = _pool()
        self._ticker = Ticker(visibility_s / _LOOKS, self._extend_due, failure.keep)
        self._ticker.__enter__()

    def close(self) -> None:
        """Extend no more, and make what is not delivered visible again at once."""
        self._ticker.__exit__(None, None, None)
        self._pool.shutdown(cancel_futures=True)  # an extension after the giving back would undo it
        with _pool() as pool:
            for batch in _batches(self._in_hand.give_back()):
                pool.submit(self._give_back, batch)

    def _extend_due(self) -> None:
        """Does not wait: a call that hangs must not hold up those for other messages."""
        for batch in _batches(self._in_hand.due(time.monotonic())):
            self._pool.submit(self._extend, batch)

    def _extend(self, batch: Sequence[Held]) -> None:
        try:
            refused = self._calls.hide(batch, self._visibility_s)
            # No longer in flight, or hidden for the 12 hours that SQS allows.
            self._in_hand.let_go(each.held for each in refused if each.final)
        except BaseException as error:  # noqa: BLE001 - raised where the run asks next
            self._failure.keep(error)

    def _give_back(self, batch: Sequence[Held]) -> None:
        with suppress(CncbopsError):  # then they come back by themselves
            self._calls.hide(batch, 0)


def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(THREADS, thread_name_prefix="queue-keep")


def _batches(held: Sequence[Held]) -> list[Sequence[Held]]:
    return [held[start : start + BATCH] for start in range(0, len(held), BATCH)]
