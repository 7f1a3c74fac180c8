"""Batches in lanes: one at a time in each, in the order in which they come, and no more at hand than their bound.

A batch may have several lanes, whose turns it all awaits, or none, and then goes at once.
"""

import random
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cncbops.delivery.lanes import PULLED_AT_A_TIME, PULLED_BYTES, Lanes
from cncbops.delivery.outcome import Waybill
from tests.delivery.batches import waybill

lanes_of_each = st.lists(st.sets(st.integers(0, 4), max_size=3).map(tuple), max_size=40)


def filled(found: Sequence[tuple[int, ...]], concurrency: int = 8) -> Lanes:
    lanes = Lanes(concurrency)
    for number, mine in enumerate(found):
        lanes.put(waybill(number, mine))
    return lanes


def begin(lanes: Lanes) -> Waybill | None:
    """The next batch, of functions that all have room."""
    return lanes.next(lambda _: True)


def begun(lanes: Lanes) -> list[int]:
    """Begin all that may begin: their numbers."""
    found = []
    while batch := begin(lanes):
        found.append(batch.number)
    return found


@given(lanes_of_each, st.randoms(use_true_random=False))
def test_every_batch_is_begun_and_each_lane_has_one_at_a_time_in_its_order(
    found: list[tuple[int, ...]], chance: random.Random
) -> None:
    lanes, coming = Lanes(8), [waybill(number, mine) for number, mine in enumerate(found)]
    under_way: list[Waybill] = []
    order: list[int] = []
    while coming or under_way or not lanes.is_empty:
        for _ in range(chance.randint(0, 5)):
            if coming:
                lanes.put(coming.pop(0))
        while chance.random() < 0.7 and (batch := begin(lanes)):
            assert not {lane for other in under_way for lane in other.lanes} & set(batch.lanes)
            under_way.append(batch)
            order.append(batch.number)
        if under_way and chance.random() < 0.7:
            lanes.settle(under_way.pop(chance.randrange(len(under_way))))
    assert sorted(order) == list(range(len(found)))
    for lane in range(5):
        mine = [number for number in order if lane in found[number]]
        assert mine == sorted(mine)


@given(lanes_of_each)
def test_whatever_may_begin_is_there_to_be_begun(found: list[tuple[int, ...]]) -> None:
    """What is first in all of its lanes waits for nothing."""
    taken: set[int] = set()
    first = []
    for number, mine in enumerate(found):
        if taken.isdisjoint(mine):
            first.append(number)
        taken.update(mine)
    assert begun(filled(found)) == first


def test_without_lanes_all_begin_at_once_in_the_order_in_which_they_come() -> None:
    assert begun(filled([()] * 8)) == list(range(8))


def test_in_one_lane_a_batch_begins_when_the_one_before_it_is_settled() -> None:
    lanes = filled([(0,), (0,), (0,)])
    for number in range(3):
        batch = begin(lanes)
        assert batch is not None
        assert (batch.number, begin(lanes)) == (number, None)
        lanes.settle(batch)
    assert lanes.is_empty


def test_a_batch_of_several_lanes_awaits_its_turn_in_each_of_them() -> None:
    lanes = filled([(0,), (1,), (0, 1), (1,)])
    first, second = begin(lanes), begin(lanes)
    assert first
    assert second
    assert begin(lanes) is None
    lanes.settle(first)
    assert begin(lanes) is None
    lanes.settle(second)
    third = begin(lanes)
    assert third
    assert (third.number, begin(lanes)) == (2, None)
    lanes.settle(third)
    assert begun(lanes) == [3]


def test_functions_without_room_do_not_hold_up_others_and_keep_their_places() -> None:
    lanes = Lanes(8)
    for number, function in enumerate("ffgf"):
        lanes.put(waybill(number, (number,), function=function))

    def next_of(functions: str) -> int | None:
        batch = lanes.next(lambda each: each.function in functions)
        return batch.number if batch else None

    assert [next_of("g"), next_of("g"), next_of("f"), next_of("fg"), next_of("fg")] == [2, None, 0, 1, 3]


def test_there_is_room_for_some_more_than_may_be_begun_at_a_time() -> None:
    lanes, count = Lanes(2), 0
    while lanes.has_room():
        lanes.put(waybill(count, (0,)))
        count += 1
    assert count == 2 * PULLED_AT_A_TIME


@pytest.mark.parametrize("lane", [(0,), ()])
def test_room_comes_back_when_a_batch_is_settled_not_when_it_is_begun(lane: tuple[int, ...]) -> None:
    lanes = filled([lane] * PULLED_AT_A_TIME, concurrency=1)
    batch = begin(lanes)
    assert batch
    assert not lanes.has_room()
    lanes.settle(batch)
    assert lanes.has_room()


def test_bytes_bound_what_is_at_hand_as_well() -> None:
    lanes = Lanes(100)
    lanes.put(waybill(0, size=2 * PULLED_BYTES - 1))
    assert lanes.has_room()
    lanes.put(waybill(1, size=1))
    assert not lanes.has_room()
    first = begin(lanes)
    assert first
    lanes.settle(first)
    assert lanes.has_room()


def test_bytes_that_are_on_their_way_take_room() -> None:
    lanes = Lanes(100, pulled_bytes=5)
    lanes.put(waybill(0, size=4))
    assert [lanes.has_room(more) for more in (0, 5, 6)] == [True, True, False]


def test_lanes_are_empty_once_all_that_was_put_in_is_settled() -> None:
    lanes = filled([(0,), ()])
    batches = [begin(lanes), begin(lanes)]
    assert not lanes.is_empty
    for batch in filter(None, batches):
        lanes.settle(batch)
    assert lanes.is_empty
    assert begin(lanes) is None


def test_places_take_turns_so_that_all_of_them_send() -> None:
    lanes, batches = Lanes(8), [waybill(number) for number in range(6)]
    for number, batch in enumerate(batches):
        batch.place = number // 3
        lanes.put(batch)
    first = [begin(lanes) for _ in range(4)]
    assert [batch.place for batch in first if batch] == [0, 1, 0, 1]
    for batch in first:
        if batch and batch.place:
            lanes.settle(batch)
    assert [batch.place for batch in (begin(lanes), begin(lanes)) if batch] == [1, 0]
