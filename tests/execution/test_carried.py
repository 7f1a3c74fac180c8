"""What is carried over between places comes to the next cut as it left the last, whoever it goes by way of."""

import pickle

import pytest

from cncbops.execution.carried import Carried
from cncbops.execution.station import _to_go
from cncbops.kinesis.batching import BatchLimits
from cncbops.kinesis.cutting import Cutter, Stock
from tests.delivery.batches import record


@pytest.mark.parametrize("count", [0, 1, 3])
@pytest.mark.parametrize("hops", [0, 1, 2])
def test_records_are_carried_as_they_are(count: int, hops: int) -> None:
    records = [record(number) for number in range(count)]
    carried = Carried(records)
    for _ in range(hops):
        carried = pickle.loads(pickle.dumps(carried))
        assert (len(carried), bool(carried)) == (count, bool(count))
    assert list(carried) == records
    assert carried[:] == records


def test_who_hands_records_on_leaves_them_packed() -> None:
    arrived = pickle.loads(pickle.dumps(Carried([record(0)])))
    assert arrived.__getstate__()[1] is arrived.__getstate__()[1]


@pytest.mark.parametrize("count", [0, 1])
def test_they_come_through_thousands_of_cuts_in_which_nothing_was_found(count: int) -> None:
    cutter, stock = Cutter({"": BatchLimits(9, 10_000)}, 4), _to_go(Stock([record(0)] * count))
    for _ in range(3_000):
        _, left = cutter.cut((), pickle.loads(pickle.dumps(stock)), flush=False)
        stock = _to_go(left)
    (batch,), _ = cutter.cut([record(1)], stock, flush=True)
    assert [each.place for each in batch.records] == [0, 1][1 - count :]
