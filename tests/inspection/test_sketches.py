"""Sizes and keys are exact while they are few, and as near as is said when they are many."""

import random
from bisect import bisect_left, bisect_right
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from cncbops.inspection.sketches import Keys, Sizes


def at_rank(ordered: list[int], rank: float) -> int:
    """The smallest size that so many of all do not exceed."""
    return next(size for place, size in enumerate(ordered, start=1) if place >= rank * len(ordered))


@given(st.lists(st.integers(0, 2**31 - 1), min_size=1, max_size=300))
def test_sizes_of_few_events_are_exact(values: list[int]) -> None:
    sizes = Sizes()
    sizes.add(values)
    found, ordered = sizes.quantiles(), sorted(values)
    assert found is not None
    assert (found.median, found.p99, found.largest) == (at_rank(ordered, 0.5), at_rank(ordered, 0.99), ordered[-1])
    assert (sizes.total, sizes.count, found.rank_error) == (sum(values), len(values), 0.0)


def test_sizes_of_many_events_are_as_near_as_is_said() -> None:
    chance, sizes, values = random.Random(5), Sizes(), []
    for _ in range(50):
        some = [int(chance.paretovariate(1.2) * 200) for _ in range(4_000)]
        sizes.add(some)
        values += some
    found, ordered = sizes.quantiles(), sorted(values)
    assert found is not None
    assert found.largest == ordered[-1]
    assert 0 < found.rank_error < 0.001
    for rank, size in ((0.5, found.median), (0.99, found.p99)):
        low, high = (bisect(ordered, size) / len(ordered) for bisect in (bisect_left, bisect_right))
        assert low - found.rank_error <= rank <= high + found.rank_error


def test_there_are_no_quantiles_of_nothing() -> None:
    assert Sizes().quantiles() is None


@given(st.lists(st.text(min_size=1, max_size=2), max_size=300))
def test_few_keys_are_exact(values: list[str]) -> None:
    keys, counts = Keys(), Counter(values)
    keys.add([*values, None])
    distinct = keys.distinct()
    assert distinct.count == distinct.low == distinct.high == len(counts)
    ranked = sorted(counts.items(), key=lambda each: (-each[1], each[0]))[:10]
    assert [(hot.key, hot.count, hot.low, hot.high) for hot in keys.hottest()] == [(k, n, n, n) for k, n in ranked]


def test_many_keys_are_as_near_as_is_said() -> None:
    keys, chance = Keys(), random.Random(6)
    values = [f"hot-{int(chance.paretovariate(0.7))}" if chance.random() < 0.3 else f"k-{n}" for n in range(300_000)]
    for start in range(0, len(values), 8_192):
        keys.add(values[start : start + 8_192])
    counts, distinct = Counter(values), keys.distinct()
    assert distinct.low <= len(counts) <= distinct.high
    assert distinct.high - distinct.low < 0.013 * len(counts)
    hottest = keys.hottest()
    assert [hot.key for hot in hottest[:3]] == ["hot-1", "hot-2", "hot-3"]
    for hot in hottest:
        assert hot.low <= counts[hot.key] <= hot.high
        assert hot.high - hot.low <= 0.00011 * len(values)
