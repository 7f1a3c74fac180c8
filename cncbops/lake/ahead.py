"""Doing the next few of a sequence beforehand, in order."""

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import nullcontext
from itertools import islice
from typing import TypeVar

from cncbops.errors import CncbopsError

Item = TypeVar("Item")
Result = TypeVar("Result")


def ahead(
    function: Callable[[Item], Result],
    items: Iterable[Item],
    window: int,
    discard: Callable[[Result], object] = lambda _: None,
    pool: ThreadPoolExecutor | None = None,
) -> Generator[Result, None, None]:
    """`map`, with up to `window` calls done or under way beyond the result in hand.

    Results come in the order of the items; an error, also one of `items`, comes where its result
    would have. `discard` is given the results that are never taken. Threads are those of a `pool` that stays, or
    begun for it.
    """
    with nullcontext(pool) if pool else ThreadPoolExecutor(window, thread_name_prefix="ahead") as threads:
        futures = _futures(threads, function, items)
        pending = deque(islice(futures, window))
        try:
            while pending:
                result = pending.popleft().result()
                pending.extend(islice(futures, 1))
                yield result
        finally:
            for future in pending:
                if not future.cancel() and not future.exception():
                    discard(future.result())


def _futures(
    pool: ThreadPoolExecutor, function: Callable[[Item], Result], items: Iterable[Item]
) -> Iterator[Future[Result]]:
    try:
        for item in items:
            yield pool.submit(function, item)
    except CncbopsError as error:
        broken: Future[Result] = Future()
        broken.set_exception(error)
        yield broken
