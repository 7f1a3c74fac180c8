"""Doing the next few of a sequence beforehand, in order."""

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import nullcontext
from typing import Generic, TypeVar

from cncbops.errors import CncbopsError

AHEAD_BYTES = 2 * 1024 * 1024
"""What items come to that are done beforehand, where their size is known: memory holds the results of some such rows.

With 50 ms for each object it is 40 MB a second, more than what a processor decodes.
"""

Item = TypeVar("Item")
Result = TypeVar("Result")


def ahead(
    function: Callable[[Item], Result],
    items: Iterable[Item],
    window: int,
    discard: Callable[[Result], object] = lambda _: None,
    pool: ThreadPoolExecutor | None = None,
    size: Callable[[Item], int] = lambda _: 0,
) -> Generator[Result, None, None]:
    """`map`, with up to `window` calls done or under way beyond the result in hand.

    There are no more of them than come to AHEAD_BYTES by the `size` of their items, and one in any case. Results come
    in the order of the items; an error, also one of `items`, comes where its result would have. `discard` is given the
    results that are never taken. Threads are those of a `pool` that stays, or begun for it.
    """
    with nullcontext(pool) if pool else ThreadPoolExecutor(window, thread_name_prefix="ahead") as threads:
        calls = _Calls(_futures(threads, function, items, size), window)
        try:
            while calls.pending:
                yield calls.next_result()
        finally:
            for future, _ in calls.pending:
                if not future.cancel() and not future.exception():
                    discard(future.result())


_Sized = tuple[Future[Result], int]


class _Calls(Generic[Result]):
    """The calls that are done or under way, each with the size of its item."""

    def __init__(self, futures: Iterator[_Sized[Result]], window: int) -> None:
        self._futures, self._window = futures, window
        self.pending: deque[_Sized[Result]] = deque()
        self._bytes = 0
        self._fill()

    def next_result(self) -> Result:
        """The next result, once what there is room for without it is begun."""
        future, size = self.pending.popleft()
        self._bytes -= size
        result = future.result()
        self._fill()
        return result

    def _fill(self) -> None:
        while not self.pending or (len(self.pending) < self._window and self._bytes < AHEAD_BYTES):
            begun = next(self._futures, None)
            if begun is None:
                return
            self.pending.append(begun)
            self._bytes += begun[1]


def _futures(
    pool: ThreadPoolExecutor,
    function: Callable[[Item], Result],
    items: Iterable[Item],
    size: Callable[[Item], int],
) -> Iterator[_Sized[Result]]:
    try:
        for item in items:
            yield pool.submit(function, item), size(item)
    except CncbopsError as error:
        broken: Future[Result] = Future()
        broken.set_exception(error)
        yield broken, 0
