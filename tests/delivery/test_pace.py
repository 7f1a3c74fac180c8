"""The gate: how many at once, how many a second, and how it gives way. Time is the test's own."""

import math
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cncbops.delivery.answers import Kind
from cncbops.delivery.pace import Pace, Turn
from tests.delivery.places import Clock


def pace(concurrency: int, rate: float | None = None, time: Clock | None = None) -> Pace:
    return Pace(concurrency, rate, time or Clock())


def entered(gate: Pace, events: int = 1) -> Turn:
    turn = gate.enter(events)
    assert turn is not None
    return turn


def started(gate: Pace, time: Clock, count: int, events: int = 1) -> list[float]:
    """When invocations of so many events each start, one after the other."""
    starts = []
    for _ in range(count):
        turn = entered(gate, events)
        time.now += gate.left_s(turn)
        assert gate.left_s(turn) <= 1e-6  # what rounding to the microsecond left
        starts.append(time.now)
        gate.leave(turn)
    return starts


@pytest.mark.parametrize(("rate", "events"), [(50.0, 10), (50.0, 100), (0.5, 1), (1000.0, 1)])
def test_the_rate_is_held_on_average_from_the_first_event_on(rate: float, events: int) -> None:
    time = Clock()
    starts = started(pace(4, rate, time), time, 20, events)
    assert starts[0] == 100.0
    gaps = [later - earlier for earlier, later in pairwise(starts)]
    assert gaps == pytest.approx([events / rate] * 19, abs=1e-6)


def test_turns_that_are_booked_ahead_come_one_after_the_other_at_the_rate() -> None:
    gate = pace(4, 10.0)
    turns = [entered(gate, 5) for _ in range(4)]
    assert [gate.left_s(turn) for turn in turns] == pytest.approx([0.0, 0.5, 1.0, 1.5])


def test_turns_that_are_given_back_are_booked_again() -> None:
    gate = pace(4, 10.0)
    turns = [entered(gate, 5) for _ in range(4)]
    gate.give_back(turns[3])
    gate.give_back(turns[2])
    assert gate.in_flight == 2
    assert [gate.left_s(entered(gate, events)) for events in (1, 5)] == pytest.approx([1.0, 1.1])


def test_without_a_rate_every_turn_has_come() -> None:
    gate = pace(4)
    assert [gate.left_s(entered(gate, 100)) for _ in range(4)] == [0.0] * 4


def test_time_that_passed_idle_is_not_made_up_for() -> None:
    time = Clock()
    gate = pace(4, 10.0, time)
    gate.leave(entered(gate))
    time.now += 60
    assert started(gate, time, 3) == pytest.approx([160.0, 160.1, 160.2])


@given(st.integers(1, 5), st.lists(st.booleans(), max_size=40))
def test_no_more_than_the_concurrency_enter_at_once(concurrency: int, enters: list[bool]) -> None:
    gate, inside = pace(concurrency), list[Turn]()
    for each in enters:
        if not each and inside:
            gate.leave(inside.pop())
            continue
        assert gate.has_room == (len(inside) < concurrency)
        turn = gate.enter(1)
        assert (turn is not None) == (len(inside) < concurrency)
        inside += [turn] if turn else []
        assert gate.in_flight == len(inside)


def test_whoever_is_not_let_in_books_no_turn() -> None:
    gate = pace(1, 10.0)
    turn = entered(gate)
    assert [gate.enter(100) for _ in range(5)] == [None] * 5
    gate.leave(turn)
    assert gate.left_s(entered(gate)) == pytest.approx(0.1)


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
    gate = pace(2)
    first, second = entered(gate), entered(gate)
    gate.leave(first, Kind.THROTTLED)
    assert gate.enter(1) is None
    gate.leave(second)
    assert gate.enter(1) is not None


def test_rate_and_pause_can_be_read() -> None:
    gate = pace(1, 5.0)
    assert (gate.rate, gate.paused) == (5.0, False)
    gate.set_rate(None)
    gate.set_paused(True)
    assert (gate.rate, gate.paused) == (None, True)


def waiting_at(gate: Pace, count: int) -> list[Turn]:
    """So many that wait for their turn, behind one that has had it."""
    gate.leave(entered(gate))
    return [entered(gate) for _ in range(count)]


def test_a_raised_rate_frees_those_who_wait_at_the_old_one() -> None:
    gate = pace(8, 0.1)
    waiting = waiting_at(gate, 4)
    assert [gate.left_s(turn) for turn in waiting] == [10.0, 20.0, 30.0, 40.0]
    gate.set_rate(1000.0)
    assert [gate.left_s(turn) for turn in waiting] == pytest.approx([0.001, 0.002, 0.003, 0.004])


def test_the_rate_taken_away_frees_those_who_wait() -> None:
    gate = pace(8, 0.001)
    waiting = waiting_at(gate, 4)
    gate.set_rate(None)
    assert [gate.left_s(turn) for turn in waiting] == [0.0] * 4


def test_a_lowered_rate_holds_those_who_wait_at_the_old_one() -> None:
    gate = pace(8, 5.0)
    (turn,) = waiting_at(gate, 1)
    gate.set_rate(0.001)
    assert gate.left_s(turn) == pytest.approx(1000.0)


@pytest.mark.parametrize(("old", "new"), [(0.01, 1000.0), (1000.0, 0.01), (None, 10.0), (10.0, 10.0)])
def test_a_new_rate_is_held_from_the_first_event_on(old: float | None, new: float) -> None:
    time = Clock()
    gate = pace(4, old, time)
    started(gate, time, 5)
    gate.set_rate(new)
    changed = time.now
    starts = started(gate, time, 10)
    assert changed <= starts[0] <= changed + 1 / new + 1e-6
    assert [later - earlier for earlier, later in pairwise(starts)] == pytest.approx([1 / new] * 9)


@given(st.lists(st.tuples(st.floats(0.0, 2.0), st.sampled_from([0.5, 3.0, 40.0])), max_size=20))
@example([(0.0, 0.5), (0.0006, 40.0)])
def test_no_change_of_the_rate_makes_a_burst(changes: list[tuple[float, float]]) -> None:
    """However the rate changes, an event starts only after the time that the one before it took at these rates."""
    time = Clock()
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
    gate = pace(8)
    gate.set_paused(True)
    assert not gate.has_room
    assert [gate.enter(1) for _ in range(3)] == [None] * 3
    assert gate.in_flight == 0
    gate.set_paused(False)
    assert gate.enter(1) is not None


@pytest.mark.parametrize("rate", [1000.0, None])
def test_a_pause_holds_those_who_wait_for_their_turn_at_whatever_rate(rate: float | None) -> None:
    time = Clock()
    gate = pace(8, 4.0, time)
    (turn,) = waiting_at(gate, 1)
    gate.set_paused(True)
    time.now += 60
    assert gate.left_s(turn) == math.inf
    gate.set_rate(rate)
    time.now += 60
    assert gate.left_s(turn) == math.inf
    gate.set_paused(False)
    assert gate.left_s(turn) <= 0.001


def test_what_is_under_way_when_a_pause_begins_may_end() -> None:
    gate = pace(2)
    token = entered(gate)
    gate.set_paused(True)
    gate.leave(token, Kind.TAKEN)
    assert gate.in_flight == 0


def test_a_pause_is_not_made_up_for() -> None:
    time = Clock()
    gate = pace(4, 10.0, time)
    started(gate, time, 3)
    gate.set_paused(True)
    time.now += 60
    gate.set_paused(False)
    assert started(gate, time, 3) == pytest.approx([160.3, 160.4, 160.5])


def test_functions_beside_each_other_share_rate_and_pause_but_not_throttling() -> None:
    run = pace(16)
    busy, calm = run.beside(8), run.beside(4)
    busy.leave(entered(busy), Kind.THROTTLED)
    assert (busy.limit, calm.limit, run.limit) == (4, 4, 8)
    entered(calm)
    assert (busy.in_flight, calm.in_flight, run.in_flight) == (0, 1, 1)
    run.set_rate(7.0)
    run.set_paused(True)
    assert [(each.rate, each.paused) for each in (busy, calm)] == [(7.0, True)] * 2


def test_turns_of_functions_beside_each_other_are_of_one_rate() -> None:
    run = pace(16, 10.0)
    turns = [(gate, entered(gate)) for gate in (run.beside(8), run.beside(8)) for _ in range(2)]
    assert [gate.left_s(turn) for gate, turn in turns] == pytest.approx([0.0, 0.1, 0.2, 0.3])
