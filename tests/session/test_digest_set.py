"""A digest is met once, wherever it stands among the others that begin as it does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cncbops.session.digest_set import DigestSet

ALIKE = st.binary(min_size=16, max_size=16).map(lambda some: bytes(each & 1 for each in some))
"""So alike that one is often found between two others that stand end to end."""


@given(st.lists(ALIKE, max_size=60), st.integers(1, 60), st.integers(1, 80))
def test_what_was_met_is_met_again(digests: list[bytes], at_once: int, most_held: int) -> None:
    met, again = DigestSet(most_held), []
    for start in range(0, len(digests), at_once):
        again += [start + at for at in met.again(digests[start : start + at_once])]
    assert again == [at for at, digest in enumerate(digests) if digest in digests[:at]]


@pytest.mark.parametrize("most_held", [1, 100])
def test_what_stands_across_two_digests_was_not_met(most_held: int) -> None:
    met = DigestSet(most_held)
    assert met.again([bytes(16), bytes(8) + b"12345678"]) == []
    assert met.again([bytes(12) + b"1234"]) == []
    assert met.again([bytes(12) + b"1234", bytes(8) + b"12345678", bytes(16)]) == [0, 1, 2]
