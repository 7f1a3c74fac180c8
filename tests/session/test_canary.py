"""The canary: every function's first records go first, and its others wait until all of these succeeded."""

from collections.abc import Iterable, Mapping

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cncbops.delivery.outcome import Outcome, Settled, Undelivered, Waybill
from cncbops.kinesis.batching import BatchLimits
from cncbops.kinesis.record import Record
from cncbops.session.canary import Canary
from tests.delivery.batches import batch_of, record
from tests.ledger.runs import Cuts, Sent


class Halts:
    """Stops, as a session does, for the first reason that it is told."""

    def __init__(self) -> None:
        self.reason: str | None = None

    def __call__(self, reason: str) -> None:
        self.reason = self.reason or reason


@pytest.fixture
def halts() -> Halts:
    return Halts()


def records(functions: Iterable[str]) -> list[Record]:
    """Records of their own keys, to the functions given, letter by letter."""
    return [
        msgspec.structs.replace(record(number, f"k{number}"), function=function, group=function)
        for number, function in enumerate(functions)
    ]


def sent(function: str, size: int = 1, *, canary: bool = False) -> Sent:
    """A batch to a function that was given out."""
    made = batch_of(*records(function * size), lanes=())
    made.function, made.is_canary = function, canary
    return Sent.of(made)


def delivered(each: Sent) -> Settled:
    return Settled(each.bill, Outcome(delivered=list(each.records)))


def failing(each: Sent, count: int = 1) -> Settled:
    """Of the first `count` records one failed, and of the others nobody knows."""
    bad = [Undelivered(one, "Error", "no") for one in each.records[:count]]
    return Settled(each.bill, Outcome(failed=bad[:1], unknown=bad[1:], delivered=list(each.records[count:])))


def admitted(canary: Canary, *batches: Sent) -> list[Waybill]:
    """Those of the batches that come out at once."""
    return [ready for each in batches for ready in canary.admit(each.bill)]


def left(canary: Canary, settled: Settled) -> list[Waybill]:
    """What comes out when a batch is settled."""
    return list(canary.leave(settled))


def complete(canary: Canary, *functions: str, left: int = 0, is_over: bool = False) -> None:
    canary.complete(dict.fromkeys(functions, left), is_over=is_over)


@given(st.text("ab", max_size=30), st.integers(1, 8), st.integers(1, 9), st.sampled_from([0, 16]))
def test_the_canary_of_each_function_are_its_first_records_however_they_come(
    functions: str, size: int, chunk: int, lanes: int
) -> None:
    limits, whole = {name: BatchLimits(3, 100_000) for name in "ab"}, records(functions)
    cuts = Cuts(limits, lanes, size)
    batches = [each for at in range(0, len(whole), chunk) for each in cuts.add(whole[at : at + chunk])]
    batches += cuts.add([], flush=True)
    for name in "ab":
        mine = [each.place for each in whole if each.function == name]
        marked = [each for each in batches if each.bill.function == name and each.bill.is_canary]
        assert sorted(place for each in marked for place in each.bill.places) == mine[:size]
        if mine:
            assert cuts.stock.canary[name] == max(0, size - len(mine))
    order = {each.bill.number: each.bill for each in batches}
    for bill in order.values():
        others = [other for other in order.values() if other.function == bill.function and not other.is_canary]
        assert not bill.is_canary or all(other.number > bill.number for other in others), "it is given out first"


@pytest.mark.parametrize("size", [None, 0])
def test_without_a_canary_nobody_waits_whatever_fails(size: int | None, halts: Halts) -> None:
    cuts, canary = Cuts({name: BatchLimits(1, 100_000) for name in "ab"}, 0, size), Canary(halts)
    batches = cuts.add(records("aab"), flush=True)
    assert not any(each.bill.is_canary for each in batches)
    assert admitted(canary, *batches) == [each.bill for each in batches]
    canary.complete(cuts.stock.canary, is_over=True)
    assert left(canary, failing(batches[0])) == []
    assert admitted(canary, sent("a"))
    assert halts.reason is None


def test_others_wait_in_their_order_until_all_of_their_functions_canary_succeeded(halts: Halts) -> None:
    canary = Canary(halts)
    first, second = sent("a", canary=True), sent("a", canary=True)
    others = [sent("a"), sent("a")]
    assert admitted(canary, first, second, *others) == [first.bill, second.bill]
    complete(canary, "a")
    assert left(canary, delivered(second)) == []
    late = sent("a")
    assert admitted(canary, late) == []
    assert canary.holds
    assert left(canary, delivered(first)) == [each.bill for each in [*others, late]]
    assert not canary.holds
    assert admitted(canary, sent("a"))
    assert halts.reason is None


def test_what_is_settled_after_the_canary_lets_nobody_through(halts: Halts) -> None:
    canary = Canary(halts)
    other = sent("a")
    assert admitted(canary, other) == [other.bill]
    first, waiting = sent("a", canary=True), sent("a")
    assert admitted(canary, first, waiting) == [first.bill]
    assert left(canary, delivered(other)) == []
    assert canary.holds


def test_a_function_does_not_wait_for_the_canary_of_another(halts: Halts) -> None:
    canary = Canary(halts)
    of_a, of_b = sent("a", canary=True), sent("b", canary=True)
    next_of_a, next_of_b = sent("a"), sent("b")
    assert admitted(canary, of_a, of_b, next_of_a, next_of_b) == [of_a.bill, of_b.bill]
    assert left(canary, delivered(of_b)) == [next_of_b.bill]
    assert admitted(canary, sent("c"))
    assert canary.holds


@pytest.mark.parametrize("in_order", [True, False])
def test_a_canary_that_fails_halts_when_all_of_it_is_settled(in_order: bool, halts: Halts) -> None:
    canary = Canary(halts)
    first, second = sent("a", 2, canary=True), sent("a", canary=True)
    assert len(admitted(canary, first, second)) == 2
    complete(canary, "a", left=0 if in_order else 1)
    left(canary, failing(first, 2))
    assert halts.reason is None
    left(canary, delivered(second))
    if not in_order:  # all of it was settled before it was known to be all of it
        assert halts.reason is None
        complete(canary, "a")
    assert halts.reason == "2 of the canary's 3 records of a failed"


def test_what_waits_for_a_canary_that_fails_is_not_sent(halts: Halts) -> None:
    canary = Canary(halts)
    first, second = sent("a", canary=True), sent("a")
    admitted(canary, first, second)
    complete(canary, "a")
    assert left(canary, failing(first)) == []
    assert halts.reason
    assert admitted(canary, sent("a")) == []


def test_while_a_part_of_a_canary_failed_and_more_of_it_comes_that_goes_and_others_wait(halts: Halts) -> None:
    canary = Canary(halts)
    first, second, other = sent("a", canary=True), sent("a", canary=True), sent("a")
    admitted(canary, first)
    complete(canary, "a", left=1)
    left(canary, failing(first))
    assert admitted(canary, second, other) == [second.bill]
    complete(canary, "a")
    assert halts.reason is None
    assert left(canary, delivered(second)) == []
    assert halts.reason == "1 of the canary's 2 records of a failed"


def test_of_two_canaries_that_fail_the_first_is_the_reason(halts: Halts) -> None:
    canary = Canary(halts)
    of_a, of_b = sent("a", canary=True), sent("b", canary=True)
    admitted(canary, of_a, of_b)
    complete(canary, "a", "b")
    left(canary, failing(of_b))
    left(canary, failing(of_a))
    assert halts.reason == "1 of the canary's 1 records of b failed"


def test_the_reason_names_no_function_where_the_run_has_but_one(halts: Halts) -> None:
    canary, only = Canary(halts), sent("", canary=True)
    one = Sent(only.bill, records([""]))
    only.bill.places = [0]
    admitted(canary, one)
    complete(canary, "")
    left(canary, failing(one))
    assert halts.reason == "1 of the canary's 1 records failed"


@pytest.mark.parametrize("counts", [{"a": 9, "b": 9}, {"a": 9, "b": 0}])
def test_at_the_end_what_was_given_out_was_the_canary(counts: Mapping[str, int], halts: Halts) -> None:
    canary = Canary(halts)
    of_a, of_b = sent("a", canary=True), sent("b", canary=True)
    admitted(canary, of_a, of_b)
    canary.complete({"a": 9, "b": 9}, is_over=False)
    left(canary, delivered(of_a))
    left(canary, failing(of_b))
    assert halts.reason is None
    canary.complete(counts, is_over=True)
    assert halts.reason == "1 of the canary's 1 records of b failed"


def test_a_canary_that_succeeds_by_the_end_halts_nothing(halts: Halts) -> None:
    canary, only = Canary(halts), sent("a", canary=True)
    admitted(canary, only)
    complete(canary, "a", left=9, is_over=True)
    left(canary, delivered(only))
    assert halts.reason is None


def test_a_function_of_which_nothing_was_sent_yet_is_no_canary_that_failed(halts: Halts) -> None:
    canary = Canary(halts)
    complete(canary, "a", is_over=True)
    assert halts.reason is None
    assert not canary.holds
