"""Doing the next few beforehand: in order, bounded, and errors in their place."""

import threading
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cncbops.errors import CannotRun
from cncbops.lake.ahead import AHEAD_BYTES, ahead
from cncbops.pool import Pool

WAIT_S = 20


class Calls:
    """A function that notes what was asked of it and how many calls were under way at once."""

    def __init__(self, fail_at: int | None = None) -> None:
        self._fail_at, self._lock = fail_at, threading.Lock()
        self._under_way = self.most = 0
        self.begun: list[int] = []

    def __call__(self, item: int) -> int:
        with self._lock:
            self.begun.append(item)
            self._under_way += 1
            self.most = max(self.most, self._under_way)
        with self._lock:
            self._under_way -= 1
        if item == self._fail_at:
            raise CannotRun(f"item {item} failed", "Try again")
        return item * 10


def counting(items: int, pulled: list[int]) -> Iterator[int]:
    for item in range(items):
        pulled.append(item)
        yield item


def results_until_error(results: Callable[[], Iterator[int]]) -> list[int]:
    found: list[int] = []
    with pytest.raises(CannotRun):
        found.extend(results())
    return found


@settings(deadline=None)
@given(st.integers(0, 30), st.integers(1, 6))
def test_results_come_in_the_order_of_the_items(items: int, window: int) -> None:
    calls = Calls()
    assert list(ahead(calls, range(items), window)) == [item * 10 for item in range(items)]
    assert sorted(calls.begun) == list(range(items))
    assert calls.most <= window


@settings(deadline=None)
@given(st.integers(1, 30), st.integers(1, 6))
def test_no_more_than_the_window_is_pulled_beyond_the_result_in_hand(items: int, window: int) -> None:
    pulled: list[int] = []
    for taken, _ in enumerate(ahead(Calls(), counting(items, pulled), window), start=1):
        assert len(pulled) <= taken + window


@settings(deadline=None)
@given(st.lists(st.integers(0, AHEAD_BYTES * 2), max_size=20), st.integers(1, 6))
def test_what_is_pulled_beyond_the_result_in_hand_is_bounded_by_its_size(sizes: list[int], window: int) -> None:
    pulled: list[int] = []
    results = ahead(Calls(), counting(len(sizes), pulled), window, size=sizes.__getitem__)
    for taken, _ in enumerate(results, start=1):
        ahead_of_it = sizes[taken : len(pulled)]
        assert sum(ahead_of_it[:-1]) < AHEAD_BYTES
        is_full = len(ahead_of_it) == window or sum(ahead_of_it) >= AHEAD_BYTES
        assert is_full or len(pulled) == len(sizes)


def test_the_window_is_under_way_at_once() -> None:
    meet = threading.Barrier(3, timeout=WAIT_S)
    assert len(list(ahead(lambda _: meet.wait(), range(6), 3))) == 6


def test_nothing_is_pulled_before_the_first_result_is_asked_for() -> None:
    pulled: list[int] = []
    ahead(Calls(), counting(9, pulled), 3)
    assert pulled == []


@pytest.mark.parametrize("fail_at", [0, 1, 5])
def test_an_error_of_a_call_comes_where_its_result_would_have(fail_at: int) -> None:
    calls = Calls(fail_at)
    assert results_until_error(lambda: ahead(calls, range(9), 3)) == [item * 10 for item in range(fail_at)]


def test_what_was_not_begun_is_not_done_when_the_results_are_given_up() -> None:
    gate, calls = threading.Event(), Calls()

    def gated(item: int) -> int:
        assert item == 0 or gate.wait(WAIT_S)
        return calls(item)

    results = ahead(gated, range(100), 2)
    assert next(results) == 0
    threading.Timer(0.05, gate.set).start()
    results.close()
    assert len(calls.begun) <= 4


def test_an_error_of_the_items_comes_where_the_next_result_would_have() -> None:
    def items() -> Iterator[int]:
        yield from range(2)
        raise CannotRun("no more can be listed", "Try again")

    assert results_until_error(lambda: ahead(Calls(), items(), 4)) == [0, 10]


def test_results_that_are_never_taken_are_discarded_once_they_are_there() -> None:
    begun, may_end, discarded = threading.Event(), threading.Event(), list[int]()

    def call(item: int) -> int:
        if item == 1:
            begun.set()
            assert may_end.wait(WAIT_S)
        return item

    results = ahead(call, range(2), 2, discarded.append)
    assert next(results) == 0
    assert begun.wait(WAIT_S)
    closing = threading.Thread(target=results.close)
    closing.start()
    may_end.set()
    closing.join()
    assert discarded == [1]


def test_of_calls_that_are_given_up_those_that_failed_leave_nothing_to_discard() -> None:
    discarded: list[int] = []
    results = ahead(Calls(fail_at=1), range(3), 3, discarded.append)
    assert next(results) == 0
    results.close()
    assert set(discarded) <= {20}


def test_many_may_have_the_threads_of_one_pool() -> None:
    pool = Pool(2, "shared")
    rows = [ahead(lambda item: item * 2, range(50), 4, pool=pool) for _ in range(3)]
    assert [list(each) for each in zip(*rows, strict=True)] == [[item * 2] * 3 for item in range(50)]
    names = {thread.name for thread in threading.enumerate()}
    assert names >= {"shared_0"}
    pool.close()
