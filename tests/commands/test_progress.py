"""The line that is drawn while a run is under way."""

from hypothesis import given
from hypothesis import strategies as st

from commands._progress import _fitted

_PARTS = st.lists(st.text("ab1,", min_size=1, max_size=12), min_size=1, max_size=9)


@given(_PARTS, st.integers(1, 80))
def test_parts_are_shown_whole_and_as_many_as_fit(parts: list[str], width: int) -> None:
    shown = _fitted(parts, width).split("  ")
    assert shown == parts[: len(shown)]
    assert len(shown) == 1 or len("  ".join(shown)) <= width
    assert len(shown) == len(parts) or len("  ".join(parts[: len(shown) + 1])) > width
