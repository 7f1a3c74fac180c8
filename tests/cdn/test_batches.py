"""Items are cut to requests: each in one, none too large, under the same name when it is tried again."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from cncbops.cdn.batches import (
    CHARS_A_REQUEST,
    MOST_SINGLES,
    MOST_WILDCARDS,
    SINGLES_A_REQUEST,
    WILDCARDS_A_REQUEST,
    Load,
    cut,
    reference,
)

COUNTS = st.tuples(st.integers(0, 3_500), st.integers(0, 40), st.integers(0, 5))


def items_of(singles: int, wildcards: int, tags: int) -> list[str]:
    return [
        *(f"/p/{number}" for number in range(singles)),
        *(f"/w/{number}/*" for number in range(wildcards)),
        *(f"#t{number}" for number in range(tags)),
    ]


@given(COUNTS)
def test_each_item_is_in_exactly_one_request_and_the_limits_are_kept(counts: tuple[int, int, int]) -> None:
    items = items_of(*counts)
    batches = cut(items, "E1", "run")
    assert Counter(item for batch in batches for item in batch.items) == Counter(items)
    assert [batch.number for batch in batches] == list(range(len(batches)))
    for batch in batches:
        load = Load.of(batch.items)
        assert load.singles + load.wildcards > 0
        assert load.singles <= SINGLES_A_REQUEST
        assert load.wildcards <= WILDCARDS_A_REQUEST


def test_a_few_paths_and_wildcards_are_one_request() -> None:
    assert len(cut(items_of(10, 2, 1), "E1", "run")) == 1
    assert len(cut(items_of(10_000, 0, 0), "E1", "run")) == 10


def test_long_paths_make_smaller_requests() -> None:
    batches = cut([f"/{number:03999d}" for number in range(600)], "E1", "run")
    assert [sum(map(len, batch.items)) <= CHARS_A_REQUEST for batch in batches] == [True] * 3


@given(st.lists(st.text("ab/", min_size=1), min_size=1, unique=True))
def test_a_reference_is_of_content_and_run_and_not_of_order(items: list[str]) -> None:
    assert reference("E1", "run", items) == reference("E1", "run", items[::-1])
    others = [reference("E1", "other", items), reference("E2", "run", items), reference("E1", "run", [*items, "/c"])]
    assert len({reference("E1", "run", items), *others}) == 4


def test_paths_and_wildcards_have_room_of_their_own() -> None:
    assert Load(1_000, 0).fits_beside(Load(MOST_SINGLES - 1_000, MOST_WILDCARDS + 1))
    assert not Load(1_001, 0).fits_beside(Load(MOST_SINGLES - 1_000, 0))
    assert Load(0, 5).fits_beside(Load(MOST_SINGLES + 1, MOST_WILDCARDS - 5))
    assert not Load(1, 5).fits_beside(Load(MOST_SINGLES, 0))
