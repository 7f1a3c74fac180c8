"""Numbers, sizes and spans of time in words."""

import pytest
from cncbops.commands._words import number, size, span


@pytest.mark.parametrize(("count", "said"), [(0, "0 lines"), (1, "1 line"), (2_000, "2,000 lines")])
def test_a_count_takes_the_plural_unless_it_is_one(count: int, said: str) -> None:
    assert number(count, "line") == said


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (1_000, "1.0 KB"),
        (181_000, "181.0 KB"),
        (5_000_000, "5.0 MB"),
        (2.5e12, "2.5 TB"),
        (7e15, "7,000.0 TB"),
    ],
)
def test_sizes_go_by_thousands(count: float, said: str) -> None:
    assert size(count) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.2, "about 0 s"), (59.6, "about 1 min 00 s"), (125, "about 2 min 05 s"), (3_725, "about 1 h 02 min")],
)
def test_spans_are_rounded(seconds: float, said: str) -> None:
    assert span(seconds) == said
