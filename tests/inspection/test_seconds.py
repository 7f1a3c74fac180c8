"""The busiest second is found exactly, or it is told that it may have more events."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from cncbops.inspection.seconds import BusiestSecond

TIMES = st.lists(st.lists(st.integers(0, 60_000), min_size=1, max_size=40), max_size=15)


def busiest(batches: list[list[int]], most: int) -> BusiestSecond:
    found = BusiestSecond(most)
    for batch in batches:
        found.add(batch)
    return found


def plainly(batches: list[list[int]]) -> tuple[int, int] | None:
    counts = Counter(time // 1_000 for batch in batches for time in batch)
    return min(counts.items(), key=lambda each: (-each[1], each[0]), default=None)


@given(TIMES)
def test_with_room_for_all_it_is_exact_in_any_order(batches: list[list[int]]) -> None:
    found = busiest(batches, 100)
    assert (found.found(), found.is_exact) == (plainly(batches), True)


@given(TIMES)
def test_with_room_for_few_it_is_exact_in_order(batches: list[list[int]]) -> None:
    times = sorted(time for batch in batches for time in batch)
    ordered = [times[start : start + 7] for start in range(0, len(times), 7)]
    found = busiest(ordered, 4)
    expected = plainly(batches)
    if found.is_exact:
        assert found.found() == expected
    assert (found.found() or (0, 0))[1] <= (expected or (0, 0))[1]


def test_a_late_event_makes_it_a_lower_bound() -> None:
    found = busiest([[second * 1_000] for second in range(50)], 10)
    assert found.is_exact
    found.add([0.5])
    assert not found.is_exact


def test_times_need_not_be_whole() -> None:
    assert busiest([[999.9, 1_000.1, 1_500.0]], 10).found() == (1, 2)
