"""Many paths under one folder become one wildcard."""

from hypothesis import given
from hypothesis import strategies as st

from cncbops.cdn.collapsing import collapsing, reduced
from cncbops.cdn.paths import Coverage

PATHS = st.lists(st.text("ab/", min_size=1, max_size=8).map("/".__add__), max_size=40)


def test_more_than_so_many_paths_under_one_folder_become_its_wildcard() -> None:
    things = [f"/things/{number}" for number in range(4)]
    assert collapsing(things, 4) == []
    assert collapsing(things, 3) == ["/things/*"]


def test_a_folder_that_is_one_wildcard_by_now_counts_as_one_for_those_above() -> None:
    deep = [f"/a/{folder}/{number}" for folder in "bc" for number in range(5)]
    assert collapsing(deep, 3) == ["/a/b/*", "/a/c/*"]
    assert collapsing(deep, 1) == ["/a/*"]
    assert collapsing([f"/a/{number}/x" for number in range(9)], 3) == ["/a/*"]


def test_the_root_is_never_collapsed_and_a_query_names_no_folder() -> None:
    assert collapsing([f"/{number}" for number in range(9)], 1) == []
    assert collapsing([f"/list?of=/x/{number}" for number in range(9)], 1) == []
    assert collapsing([f"#tag/x/{number}" for number in range(9)], 1) == []


def test_what_is_beside_a_folder_stays() -> None:
    left = reduced(["/a", "/a/1", "/a/", "/a/2", "/a-b", "/a/1"], 2)
    assert left.items == ["/a", "/a-b", "/a/*"]
    assert (left.duplicates, left.covered, left.collapsed, left.before) == (1, {}, {"/a/*": 3}, 5)


@given(PATHS, st.integers(1, 5))
def test_collapsing_covers_all_that_was_given_and_never_makes_it_more(paths: list[str], most: int) -> None:
    left = reduced(paths, most)
    assert len(left.items) <= left.before
    assert len(paths) == left.duplicates + sum(left.collapsed.values()) + len(left.items) - len(left.collapsed)
    cover = Coverage(item for item in left.items if item.endswith("*"))
    assert all(path in left.items or cover.of(path) for path in paths)
    assert all(count > most for count in left.collapsed.values())
