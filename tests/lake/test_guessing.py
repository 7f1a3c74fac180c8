"""Where keys are cut that nobody knows yet."""

from itertools import islice

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cncbops.lake.guessing import cuts


@pytest.mark.parametrize(
    ("first", "last", "guesses"),
    [
        ("x/00000", "x/00999", ["x/019480", "x/028971"]),
        ("f/00a4", "f/00f4", ["f/014000", "f/018c00"]),
        ("s-03-00-05-x", "s-03-20-50-x", ["s-03-3900", "s-03-5800"]),
        ("é/a", "é/c", ["é/de66", "é/fccc"]),
    ],
)
def test_a_page_further_is_as_far_as_a_page_went(first: str, last: str, guesses: list[str]) -> None:
    assert list(islice(cuts([first, last]), 2)) == guesses


@pytest.mark.parametrize("page", [["日", "本"], ["a", "a/b"], ["x/8", "x/8/9"], ["a-", "a."]])
def test_where_nothing_is_counted_nothing_is_guessed(page: list[str]) -> None:
    assert list(islice(cuts(page), 1)) == []


@settings(deadline=None)
@given(st.sets(st.text(st.sampled_from("ab09Zf-/é"), min_size=1, max_size=8), min_size=2, max_size=9))
def test_guesses_rise_from_the_last_key_on(keys: set[str]) -> None:
    page = sorted(keys)
    found = list(islice(cuts(page), 40))
    assert found == sorted(found)
    assert all(guess > page[-1] for guess in found[1:])
