"""What was delivered is sorted in C as it is in Python."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cncbops.faults.identity import parted
from cncbops.ledger import sorting

hot = pytest.importorskip("cncbops.native.hot", reason="no compiler was there when it was installed")

DIGESTS = st.binary(min_size=16, max_size=16).map(lambda some: bytes([some[0] & 1, *some[1:15], some[15] & 1]))
ORIGINS = st.integers(0, 300).map(lambda number: number.to_bytes(4))


@st.composite
def rows(draw: st.DrawFn, *, of_each: int) -> tuple[bytes, bytes, bytes]:
    """A row of some digests for each of the others, which none has where there are none."""
    others = draw(st.lists(DIGESTS, min_size=1, max_size=20))
    digests = draw(st.lists(DIGESTS, min_size=of_each * len(others), max_size=of_each * len(others), unique=True))
    return draw(ORIGINS), b"".join(digests), b"".join(others)


@given(st.integers(0, 3).flatmap(lambda of_each: st.lists(rows(of_each=of_each), max_size=20)))
@pytest.mark.parametrize("has_others", [False, True], ids=["faults", "records"])
def test_entries_are_sorted_in_c_as_in_python(has_others: bool, found: list[tuple[bytes, bytes, bytes]]) -> None:
    entries, size = sorting.entries_of(found, has_others=has_others), 36 if has_others else 20
    apart = [entries[start : start + size] for start in range(0, len(entries), size)]
    assert apart == sorted(apart)
    assert Counter(each[:16] for each in apart) == Counter(
        digest for _, digests, _ in found for digest in parted(digests)
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sorting, "hot", None)
        assert entries == sorting.entries_of(found, has_others=has_others)


@pytest.mark.parametrize(
    "row", [(bytes(4), bytes(17), bytes(16)), (bytes(3), bytes(16), bytes(16)), (bytes(4), bytes(16), b"")]
)
def test_what_is_no_row_of_digests_is_refused(row: tuple[bytes, bytes, bytes]) -> None:
    with pytest.raises(ValueError, match="no row of digests"):
        hot.sorted_entries([row], True)
