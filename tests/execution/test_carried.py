"""What is carried over between places comes to the next cut as it left the last, whoever it goes by way of."""

import pickle
from dataclasses import replace

import pytest

from cncbops.execution.carried import Carried
from cncbops.execution.rooms import ROOM_BYTES, Rooms
from cncbops.execution.station import _to_go
from cncbops.kinesis.batching import BatchLimits
from cncbops.kinesis.cutting import Cutter, Stock
from tests.delivery.batches import record

IN_MESSAGES, IN_ROOMS = None, "rooms"


def rooms_for(way: str | None) -> Rooms | None:
    return Rooms() if way else None


def hop(carried: Carried, rooms: Rooms | None) -> Carried:
    arrived: Carried = pickle.loads(pickle.dumps(carried))
    arrived.come_to(rooms)
    return arrived


@pytest.mark.parametrize("way", [IN_MESSAGES, IN_ROOMS])
@pytest.mark.parametrize("count", [0, 1, 3])
@pytest.mark.parametrize("hops", [0, 1, 2])
def test_records_are_carried_as_they_are(way: str | None, count: int, hops: int) -> None:
    records, rooms = [record(number) for number in range(count)], rooms_for(way)
    carried = Carried(records, rooms)
    for _ in range(hops):
        carried = hop(carried, rooms)
        assert (len(carried), bool(carried)) == (count, bool(count))
    assert list(carried) == records
    assert list(carried[:]) == records


def test_who_hands_records_on_leaves_them_packed() -> None:
    arrived = pickle.loads(pickle.dumps(Carried([record(0)])))
    assert arrived.__getstate__()[1] is arrived.__getstate__()[1]


def test_what_lies_in_rooms_is_in_no_message() -> None:
    told = pickle.dumps(Carried([record(0, padding=10_000)], Rooms()))
    assert len(told) < 500


def test_what_was_carried_last_is_there_until_the_next_is_through() -> None:
    rooms = Rooms()
    last = hop(Carried([record(0)], rooms), rooms)
    for number in range(1, 5):
        begun = Carried([record(number)], rooms, last)  # where that ends with its place, the cut is made again
        assert list(hop(last, rooms)) == [record(number - 1)]
        last = hop(begun, rooms)


def test_what_no_room_holds_goes_in_the_message() -> None:
    rooms, records = Rooms(), [record(0, padding=ROOM_BYTES)]
    last = hop(Carried([record(1)], rooms), rooms)
    assert list(hop(Carried(records, rooms, last), rooms)) == records
    assert list(last) == [record(1)]


@pytest.mark.parametrize("way", [IN_MESSAGES, IN_ROOMS])
@pytest.mark.parametrize("count", [0, 1])
def test_they_come_through_thousands_of_cuts_in_which_nothing_was_found(way: str | None, count: int) -> None:
    cutter, rooms, stock = Cutter({"": BatchLimits(9, 10_000)}, 4), rooms_for(way), Stock([record(0)] * count)
    for _ in range(3_000):
        stock = _to_go(stock, Stock(), rooms)
        assert isinstance(stock.carried, Carried)
        _, stock = cutter.cut((), replace(stock, carried=hop(stock.carried, rooms)), flush=False)
    (batch,), _ = cutter.cut([record(1)], stock, flush=True)
    assert [each.place for each in batch.records] == [0, 1][1 - count :]
