"""Whether a selection chooses all that another does is never said where an event shows that it does not."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cncbops.lake.layout import TimeWindow
from cncbops.selection.covering import covers
from cncbops.selection.pattern import FilterCriteria
from cncbops.selection.selection import Selection, Selector
from tests.selection.test_selection import event

GLOBS = st.lists(st.text("ab*?[]!", min_size=1, max_size=5) | st.sampled_from(["fault", "f*", "*"]), max_size=2).map(
    tuple
)
MOMENTS = st.none() | st.integers(0, 3)
SELECTIONS = st.builds(
    Selection,
    types=GLOBS,
    partition_keys=st.frozensets(st.sampled_from("ab"), max_size=2),
    shards=st.frozensets(st.sampled_from("ab"), max_size=2),
    window=st.builds(TimeWindow, MOMENTS, MOMENTS),
)
EVENTS = [
    event(0, event_type, partition_key=key, shard_id=key, timestamp=at)
    for event_type in ("fault", "a", "ab", "ba", "a]", "!b", "[a]")
    for key in "ab"
    for at in range(3)
]


@given(wide=SELECTIONS, narrow=SELECTIONS)
def test_what_covers_another_chooses_all_that_it_does(wide: Selection, narrow: Selection) -> None:
    if covers(wide, narrow):
        assert _chosen(narrow) <= _chosen(wide)


@given(SELECTIONS)
def test_each_covers_itself_and_what_is_asked_of_it_in_addition(selection: Selection) -> None:
    assert covers(selection, selection)
    assert covers(replace(selection, partition_keys=frozenset()), selection)


def _chosen(selection: Selection) -> set[int]:
    return set(map(id, Selector(selection).select(EVENTS)))


@pytest.mark.parametrize(
    ("wide", "narrow", "expected"),
    [
        ((), ("thing-*",), True),
        ((), ("*",), False),
        ((), ("fault",), False),
        (("*",), (), True),
        (("thing-*",), ("thing-created", "thing-up*"), True),
        (("thing-created", "thing-updated"), ("thing-updated",), True),
        (("thing-?",), ("thing-*",), False),
        (("thing-created",), ("thing-*",), False),
        (("thing-created",), (), False),
    ],
)
def test_globs(wide: tuple[str, ...], narrow: tuple[str, ...], expected: bool) -> None:
    assert covers(Selection(types=wide), Selection(types=narrow)) is expected


def test_of_filters_any_may_match() -> None:
    one, two = '{"data":{"a":[1]}}', '{"data":{"a":[2]}}'
    both, first = (Selection(filters=FilterCriteria.parse(each)) for each in ([one, two], [one]))
    assert (covers(both, first), covers(first, both), covers(first, Selection())) == (True, False, False)
