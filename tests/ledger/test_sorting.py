"""What was delivered is sorted in C as it is in Python."""

import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cncbops.ledger import sorting
from cncbops.ledger.schema import STEPS

hot = pytest.importorskip("cncbops.native.hot", reason="no compiler was there when it was installed")

DIGESTS = st.binary(min_size=16, max_size=16).map(lambda some: bytes([some[0] & 1, *some[1:15], some[15] & 1]))
CAUSES = st.integers(0, 300).map(lambda number: number.to_bytes(4))


@st.composite
def rows(draw: st.DrawFn, *, of_each: int) -> tuple[bytes, bytes, bytes]:
    """A row of some digests for each of the others, which none has where there are none."""
    others = draw(st.lists(DIGESTS, min_size=1, max_size=20))
    digests = draw(st.lists(DIGESTS, min_size=of_each * len(others), max_size=of_each * len(others), unique=True))
    return draw(CAUSES), b"".join(digests), b"".join(others)


@given(st.integers(0, 3).flatmap(lambda of_each: st.lists(rows(of_each=of_each), max_size=20)))
@pytest.mark.parametrize("kind", [sorting._FAULTS, sorting._RECORDS], ids=["faults", "records"])
def test_entries_are_sorted_in_c_as_in_python(kind: sorting._Kind, found: list[tuple[bytes, bytes, bytes]]) -> None:
    entries = kind.entries_of(found)
    apart = [entries[start : start + kind.size] for start in range(0, len(entries), kind.size)]
    assert [each[:20] for each in apart] == sorted(each[:20] for each in apart)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sorting, "hot", None)
        assert b"".join(sorted(apart)) == kind.entries_of(found)


@pytest.mark.parametrize(
    "row", [(bytes(4), bytes(17), bytes(16)), (bytes(3), bytes(16), bytes(16)), (bytes(4), bytes(16), b"")]
)
def test_what_is_no_row_of_digests_is_refused(row: tuple[bytes, bytes, bytes]) -> None:
    with pytest.raises(ValueError, match="no row of digests"):
        hot.sorted_entries([row], True)


@pytest.mark.parametrize("native", [hot, None], ids=["C", "Python"])
def test_of_runs_that_deliver_the_same_fault_in_turns_the_last_is_known(
    native: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sorting, "hot", native)
    ledger = sqlite3.connect(":memory:", isolation_level=None)
    for statement in (statement for step in STEPS for statement in step):
        ledger.execute(statement)
    one, other = b"1" * 16, b"2" * 16
    for run, fault in ((1, other), (2, one), (1, one)):
        ledger.execute(
            "INSERT INTO resubmitted_lately (run, fault, fingerprint, records) VALUES (?, ?, 'group', ?)",
            (run, fault, bytes(16)),
        )
    for run in (1, 2):
        ledger.execute(
            "INSERT INTO sessions VALUES (?, 1, 'resubmit', 'me', 'here', 1, '0', 1, 1, 2, 'completed', NULL, NULL, 0)",
            (run,),
        )
    sorting.sort_in(ledger, None)
    assert ledger.execute("SELECT run FROM resubmitted WHERE fault = ?", (one,)).fetchall() == [(1,)]
