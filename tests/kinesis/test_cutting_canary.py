"""The canary: the first records of each function have batches of their own, which come first."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cncbops.faults.unit import Unit
from cncbops.kinesis.batching import Batch, BatchLimits
from cncbops.kinesis.cutting import Cutter, Stock
from tests.delivery.batches import record
from tests.kinesis.cuts import ALL, all_places, cuts, places
from tests.kinesis.work import inputs, limits

sizes = st.integers(1, 9) | st.just(ALL)


def of_canary(batches: Sequence[Batch], function: str) -> list[int]:
    return all_places([batch for batch in batches if batch.is_canary and batch.function == function])


@given(inputs, limits, st.integers(0, 4), st.integers(0, 9), sizes)
def test_the_first_records_of_each_function_are_its_canary_however_they_come(
    found: list[Unit], limits: dict[str, BatchLimits], lanes: int, canary: int, size: int
) -> None:
    batches = [batch for each in cuts(Cutter(limits, lanes, canary), found, size) for batch in each]
    assert sorted(all_places(batches)) == list(range(len(found)))
    for function in "fg":
        first = [each.place for each in found if each.function == function][:canary]
        assert sorted(of_canary(batches, function)) == first


@given(inputs, limits, st.integers(0, 4), st.integers(0, 9), sizes)
def test_it_comes_before_all_others_of_its_function_and_waits_for_no_further_record(
    found: list[Unit], limits: dict[str, BatchLimits], lanes: int, canary: int, size: int
) -> None:
    others, come = set[str](), 0
    for batches in cuts(Cutter(limits, lanes, canary), found, size):
        for batch in batches:
            assert not (batch.is_canary and batch.function in others)
            others |= set() if batch.is_canary else {batch.function}
        sent = {place for function in "fg" for place in of_canary(batches, function)}
        assert sent == _first(found[: come + size], canary) - _first(found[:come], canary)
        come += size


def _first(found: Sequence[Unit], canary: int) -> set[int]:
    return {each.place for function in "fg" for each in [one for one in found if one.function == function][:canary]}


@pytest.mark.parametrize("lanes", [0, 1])
def test_its_count_goes_on_from_cut_to_cut(lanes: int) -> None:
    cutter, stock, found = Cutter({"": BatchLimits(9, 10_000)}, lanes, 5), Stock(), []
    for first in (0, 2, 4, 6):
        batches, stock = cutter.cut([record(first), record(first + 1)], stock, flush=False)
        found.append((places(batches), dict(stock.canary), [each.place for each in stock.carried]))
    assert found == [
        ([[0, 1]], {"": 3}, []),
        ([[2, 3]], {"": 1}, []),
        ([[4]], {"": 0}, [5]),
        ([], {"": 0}, [5, 6, 7]),
    ]


def test_a_canary_that_nothing_came_of_is_not_counted() -> None:
    _, stock = Cutter({"f": BatchLimits(9, 10_000)}, 4, 5).cut((), Stock(), flush=True)
    assert stock == Stock()


def test_a_canary_of_none_is_over_before_it_begins() -> None:
    batches, stock = Cutter({"": BatchLimits(9, 10_000)}, 4, 0).cut([record(0)], Stock(), flush=True)
    assert ([batch.is_canary for batch in batches], stock.canary) == ([False], {"": 0})


def test_without_a_canary_no_batch_is_of_one() -> None:
    batches, stock = Cutter({"": BatchLimits(9, 10_000)}, 4).cut([record(0)], Stock(), flush=True)
    assert ([batch.is_canary for batch in batches], stock.canary) == ([False], {})


def test_its_batches_are_cut_within_the_functions_limits() -> None:
    batches, _ = Cutter({"": BatchLimits(2, 10_000)}, 1, 5).cut([record(n) for n in range(7)], Stock(), flush=True)
    assert [(batch.is_canary, len(batch.records)) for batch in batches] == [
        (True, 2),
        (True, 2),
        (True, 1),
        (False, 2),
    ]
