"""Deletes delivered messages in the background: AWS takes them ten at a time."""

import time
from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from cncbops.queues.calls import BATCH, Held, QueueCalls
from cncbops.queues.failure import Failure
from cncbops.queues.in_hand import InHand

THREADS = 4
PAUSES_S = (0.2, 0.5, 1.5)
"""Between the tries of a batch that fails for a reason that may pass. The SDK's own retries come on top."""


class Deleting:
    """Deletes what is done. What it cannot delete is noted `in_hand`, why it can delete nothing in `failure`."""

    def __init__(self, calls: QueueCalls, in_hand: InHand, failure: Failure) -> None:
        self._calls, self._in_hand, self._failure = calls, in_hand, failure
        self._waiting: deque[str] = deque()
        self._is_broken = False
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="queue-delete")

    def delete(self, ids: Sequence[str]) -> None:
        """Delete messages that `in_hand` has as being deleted; does not wait. Any thread may call."""
        self._waiting.extend(ids)
        for _ in range(0, len(ids), BATCH):
            self._pool.submit(self._delete_next)

    def close(self) -> None:
        """Wait for all deletions."""
        self._pool.shutdown()

    def _delete_next(self) -> None:
        try:
            self._delete_batch(self._next_batch())
        except BaseException as error:  # noqa: BLE001 - raised where the run asks next
            self._is_broken = True
            self._failure.keep(error)

    def _next_batch(self) -> list[str]:
        """A batch of what waits: while all threads are busy, single messages become full batches."""
        ids: list[str] = []
        while len(ids) < BATCH:
            try:
                ids.append(self._waiting.popleft())
            except IndexError:
                break
        return ids

    def _delete_batch(self, ids: Sequence[str]) -> None:
        left = self._delete_once(ids)
        for pause_s in PAUSES_S:
            if not left:
                return
            time.sleep(pause_s)
            left = self._delete_once([held.id for held in left])
        self._in_hand.refused(left)

    def _delete_once(self, ids: Sequence[str]) -> list[Held]:
        """Those worth another try.

        Only receipts that were tried are refused: a message that was received again meanwhile has another, under
        which its own deletion waits.
        """
        batch = self._in_hand.deleting(ids)
        if not batch:
            return []
        if self._is_broken:
            self._in_hand.refused(batch)
            return []
        try:
            refused = self._calls.delete(batch)
        except BaseException:
            self._in_hand.refused(batch)
            raise
        still_there = {each.held for each in refused}
        self._in_hand.deleted(held for held in batch if held not in still_there)
        self._in_hand.refused(each.held for each in refused if each.final)
        return [each.held for each in refused if not each.final]
