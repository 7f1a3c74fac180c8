"""Which event of a key is the newest."""

from itertools import groupby
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cncbops.session import newest
from cncbops.session.newest import KeyClaims, Newest, rank_of
from cncbops.session.picks import picks_of


class Met(NamedTuple):
    key: bytes
    arrival_ms: int
    sequence: int
    number: int

    @property
    def rank(self) -> bytes:
        return rank_of(self.arrival_ms, str(self.sequence), self.number)

    @property
    def order(self) -> tuple[int, int, int]:
        return self.arrival_ms, self.sequence, self.number


NUMBERS = st.sampled_from([0, 1, 9, 10, 255, 256, 10**55, 10**56, 2**64])
PLACES = st.integers(0, 2**40)


@given(st.lists(st.tuples(NUMBERS.filter(lambda each: each <= 2**63), NUMBERS, PLACES), min_size=2, max_size=2))
def test_the_greater_rank_is_that_of_the_newer_event(two: list[tuple[int, int, int]]) -> None:
    one, other = (Met(b"", *each) for each in two)
    assert (one.rank < other.rank) == (one.order < other.order)


def test_what_no_stream_has_is_ranked_as_well() -> None:
    assert rank_of(-5, "", 0) < rank_of(0, "", 1) < rank_of(10**30, "", 0) < rank_of(10**30, "9" * 300, 0)


@given(
    st.lists(st.tuples(st.sampled_from([b"a" * 16, b"b" * 16, b"c" * 16]), st.integers(0, 3), st.integers(8, 12))),
    st.integers(1, 9),
    st.integers(1, 4),
    st.none() | st.integers(0, 4),
    st.integers(1, 7),
)
def test_the_newest_of_each_key_is_picked_however_many_are_told_and_kept_at_a_time(
    facts: list[tuple[bytes, int, int]], at_a_time: int, most_fresh: int, most: int | None, per_object: int
) -> None:
    met = [Met(*each, number=(at // per_object) << 32 | at % per_object) for at, each in enumerate(facts)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(newest, "MOST_FRESH", most_fresh)
        register = Newest()
        for start in range(0, len(met), at_a_time):
            some = met[start : start + at_a_time]
            ranks = [(each.key, each.rank) for each in sorted(some, key=lambda each: each.rank)]
            register.repeated(KeyClaims(len(some), dict(ranks)))
    found: dict[bytes, Met] = {}
    for each in met:
        found[each.key] = max(found.get(each.key, each), each, key=lambda one: one.order)
    places = sorted(each.number for each in found.values())
    expected = [
        (number, picks_of(place & 0xFFFFFFFF for place in same))
        for number, same in groupby(places[:most], lambda place: place >> 32)
    ]
    assert (register.met, register.count_keys()) == (len(met), len(places))
    assert list(register.picks(most)) == expected
