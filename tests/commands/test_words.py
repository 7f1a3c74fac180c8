"""Numbers, sizes and spans of time in words."""

import pytest
from cncbops.commands._words import a_rate, number, size, span, workers_in_words


@pytest.mark.parametrize(("count", "said"), [(0, "0 lines"), (1, "1 line"), (2_000, "2,000 lines")])
def test_a_count_takes_the_plural_unless_it_is_one(count: int, said: str) -> None:
    assert number(count, "line") == said


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
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


@pytest.mark.parametrize(
    ("cluster", "count", "lost", "said"),
    [
        (None, 1, 0, ""),
        (None, 2, 0, "2 processes"),
        (None, 2, 1, "2 processes; 1 lost"),
        ("tcp://h:8786", 1, 0, "1 at tcp://h:8786"),
        ("tcp://h:8786", 2_000, 12, "2,000 at tcp://h:8786; 12 lost"),
    ],
)
def test_where_it_was_done_is_said_unless_it_was_just_here(
    cluster: str | None, count: int, lost: int, said: str
) -> None:
    assert workers_in_words({"cluster": cluster, "count": count, "lost": lost}) == said


def test_nothing_is_said_of_what_was_never_begun() -> None:
    assert workers_in_words(None) == ""


@pytest.mark.parametrize(
    ("rate", "said"),
    [(0.0, "0"), (0.0004, "less than 0.001"), (0.5, "0.5"), (12.34, "12.3"), (99.96, "100"), (134_512.3, "134,512")],
)
def test_a_rate_is_told_also_where_it_is_less_than_one(rate: float, said: str) -> None:
    assert a_rate(rate) == said
