"""The gate: how many at once, how many a second, and how it gives way. Time is the test's own."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from itertools import pairwise

import pytest

from cncbops.delivery.answers import Kind
from cncbops.delivery.pace import Pace


class Time(threading.Event):
    """A stop signal whose waiting makes time pass at once; `stop_at` sets it at that second."""

    def __init__(self, stop_at: float = float("inf")) -> None:
        super().__init__()
        self.now, self._stop_at = 100.0, stop_at

    def clock(self) -> float:
        return self.now

    def wait(self, timeout: float | None = None) -> bool:
        self.now += timeout or 0.0
        if self.now >= self._stop_at:
            self.set()
        return self.is_set()


def pace(concurrency: int, rate: float | None = None, time: Time | None = None) -> Pace:
    time = time or Time()
    return Pace(concurrency, rate, time, time.clock)


def entered(gate: Pace, events: int = 1) -> int:
    token = gate.enter(events)
    assert token is not None
    return token


def until(condition: Callable[[], bool]) -> None:
    deadline = threading.Event()
    for _ in range(2000):
        if condition():
            return
        deadline.wait(0.005)
    raise AssertionError("waited in vain")


@pytest.mark.parametrize(("rate", "events"), [(50.0, 10), (50.0, 100), (0.5, 1), (1000.0, 1)])
def test_the_rate_is_held_on_average_from_the_first_event_on(rate: float, events: int) -> None:
    time = Time()
    gate = pace(4, rate, time)
    starts = []
    for _ in range(20):
        token = entered(gate, events)
        starts.append(time.now)
        gate.leave(token, Kind.TAKEN)
    assert starts[0] == 100.0
    gaps = [later - earlier for earlier, later in pairwise(starts)]
    assert gaps == pytest.approx([events / rate] * 19)


def test_time_that_passed_idle_is_not_made_up_for() -> None:
    time = Time()
    gate = pace(4, 10.0, time)
    gate.leave(entered(gate))
    time.now += 60
    starts = []
    for _ in range(3):
        gate.leave(entered(gate))
        starts.append(time.now)
    assert starts == pytest.approx([160.0, 160.1, 160.2])


def test_no_more_than_the_concurrency_enter_at_once() -> None:
    gate = Pace(3, None, threading.Event())
    most, lock, inside = [0], threading.Lock(), [0]

    def visit(_: int) -> None:
        token = entered(gate)
        with lock:
            inside[0] += 1
            most[0] = max(most[0], inside[0])
        with lock:
            inside[0] -= 1
        gate.leave(token, Kind.TAKEN)

    with ThreadPoolExecutor(12) as pool:
        list(pool.map(visit, range(300)))
    assert 1 <= most[0] <= 3
    assert gate.in_flight == 0


def test_throttling_halves_the_limit_once_for_all_that_were_under_way() -> None:
    gate = pace(16)
    tokens = [entered(gate) for _ in range(16)]
    for token in tokens:
        gate.leave(token, Kind.THROTTLED)
    assert gate.limit == 8
    gate.leave(entered(gate), Kind.THROTTLED)
    assert gate.limit == 4


def test_the_limit_never_falls_below_one() -> None:
    gate = pace(3)
    for _ in range(20):
        gate.leave(entered(gate), Kind.THROTTLED)
    assert gate.limit == 1
    gate.leave(entered(gate), Kind.TAKEN)


def test_the_limit_rises_by_about_one_a_round_and_never_above_the_concurrency() -> None:
    gate = pace(8)
    gate.leave(entered(gate), Kind.THROTTLED)
    for _ in range(4):
        gate.leave(entered(gate), Kind.TAKEN)
    assert 4.8 < gate.limit <= 5
    for _ in range(200):
        gate.leave(entered(gate), Kind.TAKEN)
    assert gate.limit == 8


@pytest.mark.parametrize("kind", [Kind.FUNCTION_ERROR, Kind.UNKNOWN, Kind.TRANSIENT, None])
def test_other_answers_leave_the_limit_as_it_is(kind: Kind | None) -> None:
    gate = pace(8)
    gate.leave(entered(gate), Kind.THROTTLED)
    gate.leave(entered(gate), kind)
    assert (gate.limit, gate.in_flight) == (4, 0)


def test_a_lowered_limit_holds_back_those_who_come_next() -> None:
    gate = Pace(2, None, threading.Event())
    first, second = entered(gate), entered(gate)
    gate.leave(first, Kind.THROTTLED)
    with ThreadPoolExecutor(1) as pool:
        third = pool.submit(gate.enter, 1)
        assert not wait([third], timeout=0.05).done
        gate.leave(second)
        assert third.result(timeout=10) is not None


def test_a_stop_releases_those_who_wait_for_room() -> None:
    stop = threading.Event()
    gate = Pace(1, None, stop)
    entered(gate)
    with ThreadPoolExecutor(3) as pool:
        waiting = [pool.submit(gate.enter, 1) for _ in range(3)]
        stop.set()
        assert [each.result(timeout=10) for each in waiting] == [None] * 3
    assert gate.in_flight == 1


def test_a_stop_releases_those_who_wait_for_their_turn() -> None:
    stop = threading.Event()
    gate = Pace(2, 0.001, stop)
    gate.leave(entered(gate))
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(gate.enter, 1)
        until(lambda: gate.in_flight == 1)
        stop.set()
        assert waiting.result(timeout=10) is None
    assert gate.in_flight == 0


def test_nobody_enters_after_a_stop() -> None:
    time = Time(stop_at=105.0)
    gate = pace(1, 0.1, time)
    gate.leave(entered(gate))
    assert gate.enter(1) is None
    assert gate.enter(1) is None
    assert gate.in_flight == 0
