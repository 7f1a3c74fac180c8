"""Sizes and partition keys of any number of events in bounded memory, by sketches of Apache DataSketches.

Each is exact up to a number of values, and then an estimate that knows how good it is.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import datasketches
import numpy as np

HOTTEST = 10
_SIZES_K = 8_000
"""Quantiles are off by at most 0.07 % of all events, at 99 % confidence; exact up to as many events."""
_DISTINCT_LG_K = 17
"""Distinct keys are exact up to some 240,000, and then within 0.6 %, at 95 % confidence."""
_HOTTEST_LG_K = 15
"""Counts are exact up to some 24,000 keys, and then off by at most 0.011 % of all events."""
_TWO_DEVIATIONS = 2
_LARGEST = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Quantiles:
    """Sizes in bytes. Median and p99 are those of an event at most `rank_error` of all events away."""

    median: int
    p99: int
    largest: int
    rank_error: float


class Sizes:
    """The sizes of events."""

    def __init__(self) -> None:
        self._sketch = datasketches.kll_ints_sketch(_SIZES_K)
        self.total = self.count = 0

    def add(self, sizes: Sequence[int]) -> None:
        """Add sizes in bytes."""
        self.total += sum(sizes)
        self.count += len(sizes)
        self._sketch.update(np.minimum(sizes, _LARGEST).astype(np.int32))

    def quantiles(self) -> Quantiles | None:
        """What is known of them; None without any."""
        if not self.count:
            return None
        sketch = self._sketch
        median, p99 = (int(each) for each in sketch.get_quantiles([0.5, 0.99], True))
        error = sketch.normalized_rank_error(False) if sketch.is_estimation_mode() else 0.0
        return Quantiles(median, p99, int(sketch.get_max_value()), error)


@dataclass(frozen=True, slots=True)
class Distinct:
    """How many different values there are; within `low` and `high` at 95 % confidence, the same three if exact."""

    count: int
    low: int
    high: int


@dataclass(frozen=True, slots=True)
class Hot:
    """A partition key and how many events have it: surely at least `low` and at most `high`."""

    key: str
    count: int
    low: int
    high: int


class Keys:
    """The partition keys of events."""

    def __init__(self) -> None:
        self._distinct = datasketches.update_theta_sketch(_DISTINCT_LG_K)
        self._hottest = datasketches.frequent_strings_sketch(_HOTTEST_LG_K)

    def add(self, keys: Sequence[str | None]) -> None:
        """Add the keys of some events."""
        distinct, hottest = self._distinct.update, self._hottest.update
        for key, count in Counter(keys).items():
            if key is not None:
                distinct(key)
                hottest(key, count)

    def distinct(self) -> Distinct:
        """How many keys there are."""
        sketch = self._distinct
        bounds = sketch.get_lower_bound(_TWO_DEVIATIONS), sketch.get_upper_bound(_TWO_DEVIATIONS)
        return Distinct(round(sketch.get_estimate()), *map(round, bounds))

    def hottest(self) -> list[Hot]:
        """The keys that most events have, those of most first; only such as surely are among the hot ones."""
        found = self._hottest.get_frequent_items(datasketches.frequent_items_error_type.NO_FALSE_POSITIVES)
        ranked = sorted(found, key=lambda item: (-item[1], item[0]))
        return [Hot(key, count, low, high) for key, count, low, high in ranked[:HOTTEST]]
