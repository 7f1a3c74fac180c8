"""Missing sequence numbers are told of where the others follow one another, and nowhere else."""

import random

from hypothesis import given
from hypothesis import strategies as st

from cncbops.inspection.numbering import Numbering

FIRST = 49583421700000000000000000000000000000000000000000000002


def numbering_of(numbers: list[int], together: int = 37) -> Numbering:
    numbering = Numbering()
    for start in range(0, len(numbers), together):
        numbering.add(numbers[start : start + together])
    return numbering


@given(st.sets(st.integers(2, 998), max_size=60), st.sampled_from([1, 16, 1000]))
def test_what_is_left_out_of_a_series_is_missing(left_out: set[int], step: int) -> None:
    numbering = numbering_of([FIRST + place * step for place in range(1_000) if place not in left_out])
    assert numbering.follows()
    assert (numbering.step, numbering.covered) == (step, 1_000 - len(left_out))
    missing = [numbering.number(place) for hole in numbering.holes() for place in range(hole.after + 1, hole.before)]
    assert missing == [FIRST + place * step for place in sorted(left_out)]


def test_order_does_not_matter_and_what_comes_twice_counts_once() -> None:
    numbers = [FIRST + number for number in range(5_000) if not 2_000 <= number < 2_100] * 2
    random.Random(1).shuffle(numbers)
    numbering = numbering_of(numbers)
    assert [hole.missing for hole in numbering.holes()] == [100]
    assert numbering.covered == 4_900


def test_numbers_that_leap_as_those_of_kinesis_tell_nothing_and_take_no_memory() -> None:
    chance, number, numbers = random.Random(2), FIRST, []
    for _ in range(5_000):
        number += chance.randrange(1, 2**144)
        numbers.append(number)
    numbering = numbering_of(numbers)
    assert not numbering.follows()
    assert numbering.is_hopeless
    assert numbering.holes() == []


def test_every_third_of_a_series_at_random_tells_nothing() -> None:
    chance = random.Random(3)
    numbering = numbering_of([FIRST + number for number in range(20_000) if chance.random() < 1 / 3])
    assert not numbering.follows()


def test_a_few_numbers_tell_nothing() -> None:
    assert not numbering_of([]).follows()
    assert not numbering_of([FIRST]).follows()
    assert not numbering_of([FIRST, FIRST + 7]).follows()


def test_a_numbering_that_began_anew_is_no_hole() -> None:
    numbering = numbering_of([*range(100, 200), *range(10**30, 10**30 + 100), *range(10**30 + 105, 10**30 + 200)])
    assert numbering.follows()
    assert [hole.missing for hole in numbering.holes()] == [5]
