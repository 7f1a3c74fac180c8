"""Marks: at whatever moment a run ends, they say exactly what of it was settled."""

import random
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from cncbops.faults.unit import Unit
from cncbops.kinesis.batching import Batch, BatchLimits, Mark
from cncbops.kinesis.cutting import Cutter
from cncbops.kinesis.record import Record
from cncbops.session.progress import Progress
from tests.faults import units
from tests.faults.units import unit_of
from tests.kinesis.cuts import ALL, cut_for, cuts, marks
from tests.kinesis.work import inputs, limits

SESSION = 1
ALL_OF_IT = {SESSION: 1 << 31}
"""The session came to every record of their object."""

sizes = st.integers(1, 9) | st.just(ALL)
canaries = st.none() | st.integers(0, 6)


class Kept:
    """What is written down of batches as they are settled; the mark without order waits for all lower numbers."""

    def __init__(self, lanes: int) -> None:
        self._lanes = lanes
        self._marks: dict[tuple[int, int], Mark] = {}
        self._beyond: dict[int, Batch] = {}
        self._lowest = 0

    def settle(self, number: int, batch: Batch) -> None:
        assert set(marks(batch)) == set(batch.lanes or (0,))
        if batch.lanes:
            self._marks.update({(SESSION, lane): mark for lane, mark in marks(batch).items()})
            return
        self._beyond[number] = batch
        while self._lowest in self._beyond:
            self._marks[SESSION, 0] = marks(self._beyond.pop(self._lowest))[0]
            self._lowest += 1

    def settled(self, records: Sequence[Record]) -> set[int]:
        """The places that a further session would not send again, of a record in several lanes in each of them."""
        beyond = {record.place for batch in self._beyond.values() for record in batch.records}
        progress = Progress(self._lanes, self._marks, beyond)
        found = set()
        for record in records:
            said = {progress.is_settled(record.place, lane, ALL_OF_IT) for lane in record.lanes(self._lanes) or (0,)}
            assert len(said) == 1
            found |= {record.place} if said == {True} else set()
        return found


def settle_all(batches: Sequence[Batch], records: Sequence[Record], lanes: int, chance: random.Random) -> None:
    """Settle batches in an order that their lanes allow, and look after each at what a crash would leave."""
    kept, waiting, settled = Kept(lanes), dict(enumerate(batches)), set[int]()
    while waiting:
        number = chance.choice([each for each in waiting if not _is_behind(each, waiting)])
        batch = waiting.pop(number)
        kept.settle(number, batch)
        settled.update(record.place for record in batch.records)
        assert kept.settled(records) == settled


def _is_behind(number: int, waiting: dict[int, Batch]) -> bool:
    mine = set(waiting[number].lanes)
    return any(other < number and mine & set(batch.lanes) for other, batch in waiting.items())


@given(inputs, limits, st.integers(0, 4), canaries, sizes, st.integers(-1, 9), st.randoms(use_true_random=False))
def test_marks_say_exactly_what_is_settled_in_whatever_order_the_lanes_allow(
    found: list[Unit],
    limits: dict[str, BatchLimits],
    lanes: int,
    canary: int | None,
    size: int,
    flush_at: int,
    chance: random.Random,
) -> None:
    cutter = Cutter(limits, lanes, canary)
    batches = [batch for each in cuts(cutter, found, size, flush_at=flush_at) for batch in each]
    settle_all(batches, found, lanes, chance)


def of_shards(shards: str, function: str = "fn") -> list[Unit]:
    """A unit of each of these shards, all of one key and so of one lane."""
    return [
        unit_of(units.kinesis(number, f"k{shard}", shard), number=number, function=function)
        for number, shard in enumerate(shards)
    ]


def marks_of(shards: str, lanes: int, size: int = ALL) -> list[tuple[int, set[int]]]:
    batches = cut_for({"fn": BatchLimits(2, 10_000)}, of_shards(shards), lanes, size)
    return [(mark.upto, set(mark.holes)) for batch in batches for mark in marks(batch).values()]


def test_a_lane_of_two_shards_does_not_go_back_where_the_later_shard_is_sent_first() -> None:
    assert marks_of("abba", 1) == [(3, {1, 2}), (3, set())]
    assert marks_of("abba", 0) == [(2, {0}), (3, set())]


def test_nor_does_it_where_what_was_left_goes_with_a_later_cut() -> None:
    assert marks_of("abbabaa", 1, 3)[-1] == (6, set())
    uptos = [upto for upto, _ in marks_of("abbabaa", 1, 3)]
    assert uptos == sorted(uptos)


@given(st.text("abc", max_size=40), st.integers(0, 1), sizes)
def test_a_mark_never_goes_back(shards: str, lanes: int, size: int) -> None:
    uptos = [upto for upto, _ in marks_of(shards, lanes, size)]
    assert uptos == sorted(uptos)


def test_without_order_a_record_that_is_sent_alone_covers_nothing_that_waits() -> None:
    records = [unit_of(units.kinesis(0)), unit_of(units.bucket(1), number=1)]
    alone, other = cut_for({"fn": BatchLimits(9, 10_000)}, records, 0)
    assert (marks(alone), marks(other)) == ({0: Mark(1, frozenset({0}))}, {0: Mark(1)})


def test_without_order_a_canary_covers_nothing_of_other_functions_before_it() -> None:
    records = [*of_shards("aaa", "f"), unit_of(units.kinesis(3), number=3, function="g")]
    found = cuts(Cutter(dict.fromkeys("fg", BatchLimits(9, 10_000)), 0, 1), records, ALL)
    of_canary, of_both, of_all = [marks(batch)[0] for batches in found for batch in batches]
    assert of_canary.holes >= of_both.holes
    assert (of_both, of_all) == (Mark(3, frozenset({1, 2})), Mark(3))


def test_without_order_marks_have_few_holes_however_many_shards_there_are() -> None:
    """They are written down with every batch."""
    found = marks_of("abcd" * 100, 0)
    assert max(len(holes) for _, holes in found) <= 2 * 4
