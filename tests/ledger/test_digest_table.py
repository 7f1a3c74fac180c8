"""Entries are found in the generation that they were put into, and of several generations together, in their order."""

import sqlite3
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cncbops.ledger import digest_table
from cncbops.ledger.digest_table import DigestTable

SIZE = 18
# Few, of which many begin alike, also with as much as a row's number tells.
DIGESTS = st.tuples(st.sampled_from([0, 1, 255]), st.sampled_from([0, 7]), st.sampled_from([1, 2])).map(
    lambda some: bytes([some[0], *[0] * 3, some[1], *[9] * 10, some[2]])
)
ENTRIES = st.builds(lambda digest, rest: digest + bytes(rest), DIGESTS, st.tuples(st.integers(0, 1), st.integers(0, 9)))
GENERATIONS = st.lists(st.lists(ENTRIES, max_size=60).map(sorted), min_size=1, max_size=4)
NATIVE = pytest.mark.parametrize("native", [digest_table.hot, None], ids=["C", "Python"])


def table(told_by: int) -> DigestTable:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.execute("CREATE TABLE entries (number INTEGER PRIMARY KEY, entries BLOB NOT NULL)")
    return DigestTable(connection, "entries", SIZE, told_by)


def greatest(entries: Sequence[bytes], told_by: int) -> list[bytes]:
    """Of those that are told by the same bytes, the greatest, in their order."""
    return sorted({entry[:told_by]: entry for entry in sorted(entries)}.values())


@NATIVE
@given(found=GENERATIONS, told_by=st.sampled_from([16, SIZE]), portion=st.sampled_from([40, 400, 4_000]))
def test_each_entry_is_found(native: object, found: list[list[bytes]], told_by: int, portion: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(digest_table, "hot", native)
        patch.setattr(digest_table, "_ROW_BYTES", 60)
        patch.setattr(digest_table, "_PORTION_BYTES", portion)
        kept, numbers = table(told_by), range(3, 3 + len(found))
        for number, entries in zip(numbers, found, strict=True):
            kept.put(number, kept.merged(b"", b"".join(entries)))
        everything = [entry for entries in found for entry in entries]
        asked = {*(entry[:16] for entry in everything), bytes(16), b"\xff" * 16}
        for number, entries in zip(numbers, found, strict=True):
            assert list(kept.of(number, [*asked, *asked])) == greatest(entries, told_by)
        together = b"".join(kept.together(numbers, len(everything)))
        assert together == b"".join(greatest(everything, told_by))
        kept.drop(3)
        assert list(kept.of(3, asked)) == []
        assert b"".join(kept.together(numbers[1:], len(everything))) == b"".join(
            greatest([entry for entries in found[1:] for entry in entries], told_by)
        )


def test_a_digest_that_begins_amid_an_entry_is_not_found() -> None:
    kept, digest = table(SIZE), b"ab" * 8
    other = b"a" + digest[:15]
    kept.put(1, other + digest[15:] + b"b")
    assert digest in other + digest[15:] + b"b"
    assert list(kept.of(1, [digest])) == []


@pytest.mark.skipif(digest_table.hot is None, reason="no compiler was there when it was installed")
@pytest.mark.parametrize(("some", "size", "told_by"), [(b"abc", 2, 1), (b"ab", 2, 3), (b"ab", 2, 0)])
def test_what_are_no_entries_is_refused(some: bytes, size: int, told_by: int) -> None:
    assert digest_table.hot
    with pytest.raises(ValueError, match="no entries of that size"):
        digest_table.hot.merged_entries(some, b"", size, told_by)
