"""The gate: how many at once, how many a second, and how it gives way. Time is the test's own."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

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


@contextmanager
def waiting_at(gate: Pace, stop: threading.Event, count: int = 1) -> Iterator[list["Future[int | None]"]]:
    """So many threads that try to enter; they are released at the end, also if the test fails."""
    with ThreadPoolExecutor(count) as pool:
        try:
            yield [pool.submit(gate.enter, 1) for _ in range(count)]
        finally:
            stop.set()


def started(gate: Pace, time: Time, count: int) -> list[float]:
    """When invocations of one event each start, one after the other."""
    starts = []
    for _ in range(count):
        gate.leave(entered(gate))
        starts.append(time.now)
    return starts


def test_rate_and_pause_can_be_read() -> None:
    gate = pace(1, 5.0)
    assert (gate.rate, gate.paused) == (5.0, False)
    gate.set_rate(None)
    gate.set_paused(True)
    assert (gate.rate, gate.paused) == (None, True)


def test_a_raised_rate_frees_those_who_wait_at_the_old_one() -> None:
    stop = threading.Event()
    gate = Pace(8, 0.1, stop)
    gate.leave(entered(gate))
    with waiting_at(gate, stop, 4) as waiting:
        until(lambda: gate.in_flight == 4)
        gate.set_rate(1000.0)
        assert not wait(waiting, timeout=0.5).not_done
        assert all(each.result() is not None for each in waiting)


def test_the_rate_taken_away_frees_those_who_wait() -> None:
    stop = threading.Event()
    gate = Pace(8, 0.001, stop)
    gate.leave(entered(gate))
    with waiting_at(gate, stop, 4) as waiting:
        until(lambda: gate.in_flight == 4)
        gate.set_rate(None)
        assert not wait(waiting, timeout=0.5).not_done


def test_a_lowered_rate_holds_those_who_wait_at_the_old_one() -> None:
    stop = threading.Event()
    gate = Pace(8, 5.0, stop)
    gate.leave(entered(gate))
    with waiting_at(gate, stop) as waiting:
        until(lambda: gate.in_flight == 1)
        gate.set_rate(0.001)
        assert not wait(waiting, timeout=0.5).done


@pytest.mark.parametrize(("old", "new"), [(0.01, 1000.0), (1000.0, 0.01), (None, 10.0), (10.0, 10.0)])
def test_a_new_rate_is_held_from_the_first_event_on(old: float | None, new: float) -> None:
    time = Time()
    gate = pace(4, old, time)
    started(gate, time, 5)
    gate.set_rate(new)
    changed = time.now
    starts = started(gate, time, 10)
    assert changed <= starts[0] <= changed + 1 / new + 1e-6
    assert [later - earlier for earlier, later in pairwise(starts)] == pytest.approx([1 / new] * 9)


@given(st.lists(st.tuples(st.floats(0.0, 2.0), st.sampled_from([0.5, 3.0, 40.0])), max_size=20))
def test_no_change_of_the_rate_makes_a_burst(changes: list[tuple[float, float]]) -> None:
    """However the rate changes, an event starts only after the time that the one before it took at these rates."""
    time = Time()
    gate = pace(1, 40.0, time)
    started(gate, time, 1)
    owed, rate = 1.0, 40.0
    for pause_s, new in changes:
        time.now += pause_s
        owed, rate = max(0.0, owed - pause_s * rate), new
        gate.set_rate(new)
        before = time.now
        started(gate, time, 1)
        assert time.now - before == pytest.approx(owed / rate, abs=1e-3)
        owed = 1.0


def test_nobody_enters_in_a_pause() -> None:
    stop = threading.Event()
    gate = Pace(8, None, stop)
    gate.set_paused(True)
    with waiting_at(gate, stop, 3) as waiting:
        assert not wait(waiting, timeout=0.3).done
        assert gate.in_flight == 0
        gate.set_paused(False)
        assert not wait(waiting, timeout=10).not_done
    assert gate.in_flight == 3


@pytest.mark.parametrize("rate", [1000.0, None])
def test_a_pause_holds_those_who_wait_for_their_turn_at_whatever_rate(rate: float | None) -> None:
    stop = threading.Event()
    gate = Pace(8, 4.0, stop)
    gate.leave(entered(gate))
    with waiting_at(gate, stop) as waiting:
        until(lambda: gate.in_flight == 1)
        gate.set_paused(True)
        assert not wait(waiting, timeout=0.4).done
        gate.set_rate(rate)
        assert not wait(waiting, timeout=0.4).done
        gate.set_paused(False)
        assert not wait(waiting, timeout=0.5).not_done


def test_what_is_under_way_when_a_pause_begins_may_end() -> None:
    gate = pace(2)
    token = entered(gate)
    gate.set_paused(True)
    gate.leave(token, Kind.TAKEN)
    assert gate.in_flight == 0


def test_a_pause_is_not_made_up_for() -> None:
    time = Time()
    gate = pace(4, 10.0, time)
    started(gate, time, 3)
    gate.set_paused(True)
    time.now += 60
    gate.set_paused(False)
    assert started(gate, time, 3) == pytest.approx([160.3, 160.4, 160.5])


def test_a_stop_releases_those_who_wait_in_a_pause() -> None:
    stop = threading.Event()
    gate = Pace(8, 0.001, stop)
    gate.leave(entered(gate))
    with waiting_at(gate, stop) as early:
        until(lambda: gate.in_flight == 1)
        gate.set_paused(True)
        with waiting_at(gate, stop) as late:
            stop.set()
            assert [each.result(timeout=10) for each in early + late] == [None, None]
    assert gate.in_flight == 0


def test_functions_beside_each_other_share_rate_and_pause_but_not_throttling() -> None:
    run = Pace(16, None, threading.Event())
    busy, calm = run.beside(8), run.beside(4)
    token = busy.enter(1)
    assert token is not None
    busy.leave(token, Kind.THROTTLED)
    assert (busy.limit, calm.limit, run.limit) == (4, 4, 8)
    assert (calm.enter(1), run.in_flight) == (0, 1)
    run.set_rate(7.0)
    run.set_paused(True)
    assert [(each.rate, each.paused) for each in (busy, calm)] == [(7.0, True)] * 2
