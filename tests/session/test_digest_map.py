"""A digest is met once, whatever others were, and however many are held in memory: in C as in Python."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cncbops.session import digest_map
from cncbops.session.digest_map import DigestSet, FirstNumbers

ALIKE = st.binary(min_size=16, max_size=16).map(lambda some: bytes(each & 1 for each in some))
"""So alike that most have the same place, and some are all zeros."""


@pytest.fixture(params=["C", "Python"], autouse=True, scope="module")
def _as(request: pytest.FixtureRequest) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "Python":
            patch.setattr(digest_map, "hot", None)
        yield


def again_of(digests: list[bytes]) -> list[int]:
    """The indices of those that were met before, worked out without a set of ours."""
    met = set[bytes]()
    return [at for at, digest in enumerate(digests) if digest in met or met.add(digest)]


@given(st.lists(ALIKE, max_size=60), st.integers(1, 60), st.integers(1, 80))
def test_what_was_met_is_met_again(digests: list[bytes], at_once: int, most_held: int) -> None:
    met, again = DigestSet(most_held), []
    for start in range(0, len(digests), at_once):
        again += [start + at for at in met.again(b"".join(digests[start : start + at_once]))]
    assert again == again_of(digests)


@pytest.mark.parametrize("most_held", [700, 100_000])
@pytest.mark.parametrize("first", [b"", b"\xff\xff\xff\xff"], ids=["spread", "at the end"])
def test_many_are_met_once_wherever_they_have_their_place(first: bytes, most_held: int) -> None:
    digests = [(first + (number * 0x9E3779B97F4A7C15 % 2**96).to_bytes(12) + bytes(4))[:16] for number in range(5_000)]
    met = DigestSet(most_held)
    for start in range(0, len(digests), 500):
        assert met.again(b"".join(digests[start : start + 500])) == []
    assert met.again(b"".join(digests)) == [*range(len(digests))]


def test_those_that_are_taken_come_in_their_order_and_are_held_no_more() -> None:
    held = DigestSet(100_000)._held
    digests = [bytes([number * 37 % 256] * 16) for number in range(256)]
    assert held.add(b"".join(digests)) == []
    assert len(held) == 256
    assert held.take() == b"".join(sorted(digests))
    assert (len(held), held.take()) == (0, b"")
    assert held.add(digests[0] * 2) == [1]


@given(st.lists(st.tuples(ALIKE, st.integers(0, 2**63 - 1)), max_size=60), st.integers(1, 60), st.integers(1, 80))
def test_what_was_told_first_of_a_digest_is_known(told: list[tuple[bytes, int]], at_once: int, most_held: int) -> None:
    numbers, firsts, expected = FirstNumbers(most_held), list[int](), dict[bytes, int]()
    for start in range(0, len(told), at_once):
        some = told[start : start + at_once]
        firsts += numbers.firsts(b"".join([digest for digest, _ in some]), [number for _, number in some])
    assert firsts == [expected.setdefault(digest, number) for digest, number in told]


@pytest.mark.parametrize("most_held", [700, 100_000])
def test_the_numbers_of_many_are_known(most_held: int) -> None:
    digests = [(number * 0x9E3779B97F4A7C15 % 2**96).to_bytes(16) for number in range(5_000)]
    numbers = FirstNumbers(most_held)
    for start in range(0, len(digests), 500):
        new = range(start, start + 500)
        assert list(numbers.firsts(b"".join(digests[start : start + 500]), new)) == list(new)
    assert list(numbers.firsts(b"".join(digests), [7] * len(digests))) == [*range(len(digests))]
