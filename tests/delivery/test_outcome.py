"""Counting invocations."""

from hypothesis import given
from hypothesis import strategies as st

from cncbops.delivery.answers import Kind
from cncbops.delivery.outcome import Calls

calls = st.lists(st.tuples(st.sampled_from(Kind), st.integers(0, 100), st.booleans()), max_size=30)


def counted(made: list[tuple[Kind, int, bool]]) -> Calls:
    found = Calls()
    for kind, size, repeats in made:
        found.count(kind, size, repeats=repeats)
    return found


@given(calls)
def test_every_invocation_is_in_exactly_one_count(made: list[tuple[Kind, int, bool]]) -> None:
    found = counted(made)
    assert found.total == len(made) == found.succeeded + found.failed + found.throttled + found.unknown
    assert found.succeeded == sum(kind is Kind.TAKEN for kind, _, _ in made)
    assert found.retried == sum(repeats for _, _, repeats in made)
    assert found.bytes == sum(size for _, size, _ in made)


@given(calls, calls)
def test_counts_add_up(first: list[tuple[Kind, int, bool]], second: list[tuple[Kind, int, bool]]) -> None:
    found = counted(first)
    found.add(counted(second))
    assert found == counted(first + second)
