"""Batches to outcomes, many at once, one at a time in each lane.

A batch is pulled only when there is room for it, which is the whole backpressure: what is pulled
and not settled is bounded by number and by bytes. Workers return outcomes and do not raise for a
record; the one thread that iterates receives them all, in whatever order they come, and looks for
them after each batch that it pulls.

A worker goes on to another batch only when its last outcome was taken and the next is asked for: so
whoever writes outcomes down before asking never has more than `concurrency` batches sent and not
written down, whenever the process is killed.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from queue import Empty, SimpleQueue

from cncbops.delivery.outcome import Outcome, Settled
from cncbops.delivery.pace import LOOK_S
from cncbops.errors import CncbopsError
from cncbops.kinesis.batching import Batch

PULLED_PER_WORKER = 3
PULLED_BYTES = 64 * 1024 * 1024


def deliver(
    batches: Iterable[Batch | None], send: Callable[[Batch], Outcome], *, concurrency: int
) -> Iterator[Sequence[Settled]]:
    """Send every batch, `concurrency` at a time, and yield the outcomes as they come, all that are there.

    None in place of a batch: there is none to be had before something that is under way is settled.
    At most one batch of a lane is under way, in the order in which they come. If `batches` raises a
    CncbopsError, what was pulled is still sent and its outcomes yielded; then the error goes on. If
    the iteration is given up, or anything else is raised, no further batch is begun.
    """
    pool = ThreadPoolExecutor(concurrency, thread_name_prefix="deliver")
    try:
        yield from _outcomes(batches, _Work(pool, send, concurrency))
    finally:
        pool.shutdown(cancel_futures=True)


def _outcomes(batches: Iterable[Batch | None], work: "_Work") -> Iterator[Sequence[Settled]]:
    broken: CncbopsError | None = None
    try:
        for batch in batches:
            if batch:
                work.put(batch)
            elif work.is_open:
                yield from work.round()
            while work.is_full or work.has_outcome:
                yield from work.round()
    except CncbopsError as error:
        broken = error
    while work.is_open:
        yield from work.round()
    if broken:
        raise broken


class _Work:
    """The batches that were pulled and are not settled: under way at the head of their lanes, or waiting."""

    def __init__(self, pool: ThreadPoolExecutor, send: Callable[[Batch], Outcome], concurrency: int) -> None:
        self._pool, self._send = pool, send
        self._concurrency = concurrency
        self._lanes: dict[int, deque[Batch]] = {}
        self._ready: deque[Batch] = deque()  # at the head of its lanes, without a worker
        self._settled: SimpleQueue[tuple[Batch, Future[Outcome]]] = SimpleQueue()
        self._under_way = self._pulled = self._pulled_bytes = 0

    @property
    def is_open(self) -> bool:
        """Whether anything is not settled."""
        return self._pulled > 0

    @property
    def is_full(self) -> bool:
        """Whether an outcome has to come before the next batch is pulled."""
        return self._pulled >= self._concurrency * PULLED_PER_WORKER or self._pulled_bytes >= PULLED_BYTES

    @property
    def has_outcome(self) -> bool:
        """Whether the next outcome is there already."""
        return not self._settled.empty()

    def put(self, batch: Batch) -> None:
        """Start a batch, or let it wait its turn."""
        self._pulled += 1
        self._pulled_bytes += batch.payload_bytes
        for lane in batch.lanes:
            self._lanes.setdefault(lane, deque()).append(batch)
        self._line_up(batch)
        self._start()

    def round(self) -> Iterator[Sequence[Settled]]:
        """Wait for an outcome, yield it with those that came beside it, and let others go in their place.

        A defect of a worker is raised once the others have been told.
        """
        ended = [self._wait()]
        while self.has_outcome:
            ended.append(self._settled.get())
        settled = [Settled(batch, future.result()) for batch, future in ended if not future.exception()]
        if settled:
            yield settled
        for batch, future in ended:
            future.result()
            self._release(batch)
        self._start()

    def _wait(self) -> tuple[Batch, Future[Outcome]]:
        """The next outcome. A signal that comes just before a wait does not wake it, and is heeded after it."""
        while True:
            with suppress(Empty):
                return self._settled.get(timeout=LOOK_S)

    def _release(self, batch: Batch) -> None:
        self._under_way -= 1
        self._pulled -= 1
        self._pulled_bytes -= batch.payload_bytes
        for following in self._behind(batch):
            self._line_up(following)

    def _behind(self, batch: Batch) -> Iterable[Batch]:
        """Take a batch off its lanes; the batches that then come first in one of them, each once."""
        heads: dict[int, Batch] = {}
        for lane in batch.lanes:
            queue = self._lanes[lane]
            queue.popleft()
            if queue:
                heads[id(queue[0])] = queue[0]
            else:
                del self._lanes[lane]
        return heads.values()

    def _line_up(self, batch: Batch) -> None:
        if not all(self._lanes[lane][0] is batch for lane in batch.lanes):
            return
        if batch.is_canary:  # others wait for it, each with a worker
            self._ready.appendleft(batch)
        else:
            self._ready.append(batch)

    def _start(self) -> None:
        while self._ready and self._under_way < self._concurrency:
            self._under_way += 1
            batch = self._ready.popleft()
            self._pool.submit(self._send, batch).add_done_callback(partial(self._ended, batch))

    def _ended(self, batch: Batch, future: Future[Outcome]) -> None:
        self._settled.put((batch, future))
