"""Doing the next few of a sequence beforehand, in order."""

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing, nullcontext
from functools import partial
from threading import Lock
from typing import Generic, NoReturn, TypeVar

from cncbops.errors import CncbopsError
from cncbops.pool import Pool

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
    pool: Pool | None = None,
    size: Callable[[Item], int] = lambda _: 0,
) -> Generator[Result, None, None]:
    """`map`, with up to `window` calls done or under way beyond the result in hand.

    There are no more of them than come to AHEAD_BYTES by the `size` of their items, and one in any case. Results come
    in the order of the items; an error, also one of `items`, comes where its result would have. `discard` is given the
    results that are never taken. Threads are those of a `pool` that stays, or begun for it.
    """
    with nullcontext(pool) if pool else closing(Pool(window, "ahead")) as threads:
        calls = _Calls(_begun(threads, function, items, size), window)
        try:
            while calls.pending:
                yield calls.next_result()
        finally:
            for call in calls.pending:
                call.give_up(discard)


class _Call(Generic[Result]):
    """A call, with the size of its item: done by the thread that calls it, for the one that takes its result."""

    def __init__(self, do: Callable[[], Result], size: int = 0) -> None:
        self.size = size
        self._do = do
        self._begins, self._pends = Lock(), Lock()
        self._pends.acquire()
        self._error: BaseException | None = None

    def __call__(self) -> None:
        if not self._begins.acquire(blocking=False):
            return
        try:
            self._result = self._do()
        except BaseException as error:  # noqa: BLE001  it is raised where the result is taken
            self._error = error
        self._pends.release()

    def result(self) -> Result:
        """Wait for it; raises what the call raised. To be taken once."""
        self._pends.acquire()
        if self._error:
            raise self._error
        return self._result

    def give_up(self, discard: Callable[[Result], object]) -> None:
        """Let it never begin, or else wait for it and discard its result."""
        if self._begins.acquire(blocking=False):
            return
        self._pends.acquire()
        if not self._error:
            discard(self._result)


class _Calls(Generic[Result]):
    """The calls that are done or under way."""

    def __init__(self, begun: Iterator[_Call[Result]], window: int) -> None:
        self._begun, self._window = begun, window
        self.pending: deque[_Call[Result]] = deque()
        self._bytes = 0
        self._fill()

    def next_result(self) -> Result:
        """The next result, once what there is room for without it is begun."""
        call = self.pending.popleft()
        self._bytes -= call.size
        result = call.result()
        self._fill()
        return result

    def _fill(self) -> None:
        while not self.pending or (len(self.pending) < self._window and self._bytes < AHEAD_BYTES):
            call = next(self._begun, None)
            if call is None:
                return
            self.pending.append(call)
            self._bytes += call.size


def _begun(
    pool: Pool, function: Callable[[Item], Result], items: Iterable[Item], size: Callable[[Item], int]
) -> Iterator[_Call[Result]]:
    try:
        for item in items:
            call = _Call(partial(function, item), size(item))
            pool.submit(call)
            yield call
    except CncbopsError as error:
        broken: _Call[Result] = _Call(partial(_raise, error))
        broken()
        yield broken


def _raise(error: CncbopsError) -> NoReturn:
    raise error
