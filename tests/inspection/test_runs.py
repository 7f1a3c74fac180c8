"""Runs of whole numbers are the set of these, and their holes what is not in it."""

from hypothesis import given
from hypothesis import strategies as st

from cncbops.inspection.runs import MOST_RUNS, Hole, Runs

BATCHES = st.lists(st.lists(st.integers(-60, 60), max_size=30), max_size=12)


def runs_of(*batches: list[int]) -> Runs:
    runs = Runs()
    for batch in batches:
        runs.add(batch)
    return runs


@given(BATCHES)
def test_holes_are_what_is_missing_between_the_first_and_the_last(batches: list[list[int]]) -> None:
    numbers = {number for batch in batches for number in batch}
    runs = runs_of(*batches)
    assert runs.covered == len(numbers)
    missing = [number for hole in runs.holes() for number in range(hole.after + 1, hole.before)]
    assert missing == [each for each in range(min(numbers, default=0), max(numbers, default=0)) if each not in numbers]
    assert all(hole.missing > 0 and {hole.after, hole.before} <= numbers for hole in runs.holes())


@given(BATCHES, st.integers(-60, 60), st.integers(1, 50))
def test_numbers_are_counted_within_a_hole_of_others(batches: list[list[int]], after: int, missing: int) -> None:
    numbers = {number for batch in batches for number in batch}
    hole = Hole(after, after + missing + 1)
    assert runs_of(*batches).count_within(hole) == len(numbers & set(range(hole.after + 1, hole.before)))


def test_there_is_an_end_to_runs_and_it_is_told() -> None:
    runs = runs_of(list(range(0, 2 * MOST_RUNS, 2)))
    assert not runs.is_full
    runs.add([3])
    assert (len(runs), runs.is_full) == (MOST_RUNS - 1, False)
    runs.add([-10, -20])
    assert (len(runs), runs.is_full) == (MOST_RUNS, True)
