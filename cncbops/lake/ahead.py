"""Doing the next few of a sequence beforehand, in order."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def ahead(function: Callable[[Item], Result], items: Iterable[Item], window: int) -> Iterator[Result]:
    """`map`, with up to `window` calls done or under way beyond the result in hand.

    Results come in the order of the items; an error comes where its result would have.
    """
    items = iter(items)
    with ThreadPoolExecutor(window, thread_name_prefix="ahead") as pool:
        pending: deque[Future[Result]] = deque(pool.submit(function, item) for item in islice(items, window))
        try:
            while pending:
                result = pending.popleft().result()
                pending.extend(pool.submit(function, item) for item in islice(items, 1))
                yield result
        finally:
            for future in pending:
                future.cancel()
