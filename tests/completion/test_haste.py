"""What comes in time is had, whatever becomes of the rest."""

import threading
import time
from collections.abc import Iterator

from cncbops.completion.haste import gathered


def test_all_that_comes_is_all() -> None:
    assert gathered(lambda: [[1, 2], [], [3]], 5) == ([1, 2, 3], True)


def test_what_came_before_a_failure_is_had() -> None:
    def pages() -> Iterator[list[int]]:
        yield [1]
        raise RuntimeError

    assert gathered(pages, 5) == ([1], False)


def test_what_came_before_the_time_was_over_is_had() -> None:
    over = threading.Event()

    def pages() -> Iterator[list[int]]:
        yield [1]
        over.wait(10)
        yield [2]

    started = time.monotonic()
    assert gathered(pages, 0.05) == ([1], False)
    assert time.monotonic() - started < 5
    over.set()
