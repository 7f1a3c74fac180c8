"""Batches in lanes: one at a time in each, several at once, and no further ahead than their bound.

A batch may have several lanes, whose turns it all awaits, or none, and then goes at once.
"""

import _thread
import signal
import threading
import time
from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from queue import SimpleQueue
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cncbops.delivery import lanes
from cncbops.delivery.lanes import PULLED_PER_WORKER, deliver
from cncbops.delivery.outcome import Outcome, Settled
from cncbops.errors import CannotRun
from cncbops.kinesis.batching import Batch
from tests.delivery.batches import batch

BROKEN = CannotRun("the listing failed", "Try again")
WAIT_S = 20


class Source:
    """Batches of one record each, in the lanes given; counts how many were pulled."""

    def __init__(self, lanes: Sequence[tuple[int, ...]], error: Exception | None = None) -> None:
        self._lanes, self._error = lanes, error
        self.pulled = 0

    def __iter__(self) -> Iterator[Batch]:
        for number, mine in enumerate(self._lanes):
            self.pulled += 1
            yield batch(1, mine, first=number)
        if self._error:
            raise self._error


class Sends:
    """What a worker does: notes who is under way with whom. With `gate`, nobody ends before it opens."""

    def __init__(self, gate: threading.Event | None = None) -> None:
        self._gate, self._lock = gate, threading.Condition()
        self._lanes_under_way: Counter[int] = Counter()
        self._under_way = self._asked_again = self.most = self.most_in_a_lane = self.most_untaken = 0
        self.begun: list[int] = []

    def __call__(self, batch: Batch) -> Outcome:
        with self._lock:
            self.begun.append(int(batch.records[0].sequence_number))
            self._under_way += 1
            self._lanes_under_way.update(batch.lanes)
            self.most = max(self.most, self._under_way)
            self.most_untaken = max(self.most_untaken, len(self.begun) - self._asked_again)
            self.most_in_a_lane = max(self.most_in_a_lane, *self._lanes_under_way.values(), 0)
            self._lock.notify_all()
        if self._gate:
            assert self._gate.wait(WAIT_S)
        with self._lock:
            self._under_way -= 1
            self._lanes_under_way.subtract(batch.lanes)
        return Outcome(delivered=batch.records)

    def wait_for(self, begun: int) -> None:
        with self._lock:
            assert self._lock.wait_for(lambda: len(self.begun) >= begun, WAIT_S)

    def begins(self, begun: int, within_s: float) -> bool:
        """Whether so many are begun within a time, in which nothing is asked for."""
        with self._lock:
            return self._lock.wait_for(lambda: len(self.begun) >= begun, within_s)

    def ask_again(self, taken: int) -> None:
        """Note that so many outcomes were taken and that the next is about to be asked for."""
        with self._lock:
            self._asked_again += taken


def numbers(rounds: list[Sequence[Settled]]) -> list[int]:
    return [int(record.sequence_number) for settled in rounds for _, outcome in settled for record in outcome.delivered]


@settings(deadline=None, max_examples=50)
@given(st.lists(st.sets(st.integers(0, 4), max_size=3).map(tuple), max_size=40), st.integers(1, 6))
def test_every_batch_has_an_outcome_and_each_lane_keeps_its_order(
    found: list[tuple[int, ...]], concurrency: int
) -> None:
    sends = Sends()
    rounds = list(deliver(Source(found), sends, concurrency=concurrency))
    assert sorted(numbers(rounds)) == list(range(len(found)))
    assert all(rounds)
    assert all(batch.records == outcome.delivered for settled in rounds for batch, outcome in settled)
    assert sends.most <= concurrency
    assert sends.most_in_a_lane <= 1
    for lane in range(5):
        mine = [number for number in sends.begun if lane in found[number]]
        assert mine == sorted(mine)


@pytest.mark.parametrize("lanes_of", [[(number,) for number in range(8)], [()] * 8], ids=["many lanes", "no lanes"])
def test_as_many_are_under_way_as_the_concurrency_allows(lanes_of: list[tuple[int, ...]]) -> None:
    meet = threading.Barrier(4, timeout=WAIT_S)

    def send(batch: Batch) -> Outcome:
        meet.wait()
        return Outcome(delivered=batch.records)

    assert len(numbers(list(deliver(Source(lanes_of), send, concurrency=4)))) == 8


@pytest.mark.parametrize(
    "lanes_of",
    [[(number,) for number in range(100)], [(0,)] * 100, [()] * 100],
    ids=["many lanes", "one lane", "no lanes"],
)
def test_the_source_is_pulled_no_further_ahead_than_its_bound(lanes_of: list[tuple[int, ...]]) -> None:
    source, gate = Source(lanes_of), threading.Event()
    sends = Sends(gate)
    rounds = deliver(source, sends, concurrency=2)
    threading.Timer(0.1, gate.set).start()
    taken = 0
    for settled in rounds:
        assert source.pulled - taken <= 2 * PULLED_PER_WORKER
        taken += len(settled)
    assert taken == source.pulled == 100


@settings(deadline=None, max_examples=30)
@given(st.lists(st.sets(st.integers(0, 4), max_size=3).map(tuple), max_size=15), st.integers(1, 4))
def test_no_more_are_begun_and_not_taken_than_the_concurrency_allows(
    found: list[tuple[int, ...]], concurrency: int
) -> None:
    sends, taken = Sends(), 0
    for settled in deliver(Source(found), sends, concurrency=concurrency):
        assert not sends.begins(taken + concurrency + 1, within_s=0.002)
        taken += len(settled)
        sends.ask_again(len(settled))
    assert taken == len(found)
    assert sends.most_untaken <= concurrency


@pytest.mark.parametrize("lanes_of", [[(number,) for number in range(12)], [()] * 12], ids=["many lanes", "no lanes"])
def test_while_a_list_is_held_back_no_worker_goes_on_to_another_batch(lanes_of: list[tuple[int, ...]]) -> None:
    gate, taken = threading.Event(), 0
    sends = Sends(gate)

    def source() -> Iterator[Batch]:
        for number, mine in enumerate(lanes_of):
            yield batch(1, mine, first=number)
            if number == 3:
                sends.wait_for(3)
                gate.set()

    for settled in deliver(source(), sends, concurrency=3):
        assert not sends.begins(taken + 3 + 1, within_s=0.02)
        taken += len(settled)
        sends.ask_again(len(settled))
    assert (taken, sends.most_untaken) == (12, 3)


def test_bytes_bound_the_pulling_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lanes, "PULLED_BYTES", 1)
    source = Source([(number,) for number in range(20)])
    taken = 0
    for settled in deliver(source, Sends(), concurrency=8):
        taken += len(settled)
        assert source.pulled <= taken
    assert taken == 20


def test_outcomes_come_and_lanes_go_on_while_the_source_still_gives() -> None:
    sends, taken = Sends(), 0

    def slow_source() -> Iterator[Batch]:
        for number in range(6):
            sends.wait_for(number)  # which an outcome left lying would never let happen in one lane
            yield batch(1, (0,), first=number)

    for settled in deliver(slow_source(), sends, concurrency=4):
        taken += len(settled)
    assert (taken, sends.begun) == (6, list(range(6)))


def test_a_source_that_breaks_raises_only_after_every_outcome() -> None:
    rounds: list[Sequence[Settled]] = []
    with pytest.raises(CannotRun, match="the listing failed"):
        rounds.extend(deliver(Source([(0,), (0,), (0, 1), (1,), ()], BROKEN), Sends(), concurrency=2))
    assert sorted(numbers(rounds)) == [0, 1, 2, 3, 4]


def test_a_run_that_is_given_up_begins_no_further_batch() -> None:
    all_pulled, gate = threading.Event(), threading.Event()
    sends = Sends(gate)

    def source() -> Iterator[Batch]:
        for number in range(50):
            yield batch(1, (number,), first=number)
            if number == 2 * PULLED_PER_WORKER - 2:
                all_pulled.set()  # but for the one that makes it full

    def send(batch: Batch) -> Outcome:
        if batch.lanes != (0,):
            return sends(batch)
        assert all_pulled.wait(WAIT_S)
        return Outcome()

    rounds = cast("Generator[Sequence[Settled]]", deliver(source(), send, concurrency=2))
    ((first, _),) = next(rounds)
    assert first.lanes == (0,)
    sends.wait_for(1)
    threading.Timer(0.05, gate.set).start()
    rounds.close()
    assert sends.begun == [1]


def test_a_defect_in_a_worker_is_raised_and_ends_the_run() -> None:
    def defective(batch: Batch) -> Outcome:
        raise ZeroDivisionError(batch.lanes)

    source = Source([(0,)] * 50)
    with pytest.raises(ZeroDivisionError):
        list(deliver(source, defective, concurrency=2))
    assert source.pulled < 50


@pytest.mark.parametrize("defective", [{0}, {1}, {2}, {0, 2}])
def test_what_comes_beside_a_defect_is_told_before_it_is_raised_and_nothing_begins_after(
    defective: set[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    there, gate = threading.Semaphore(0), threading.Event()

    class Outcomes(SimpleQueue[Any]):
        def put(self, *outcome: Any) -> None:
            super().put(*outcome)
            there.release()

    def source() -> Iterator[Batch]:
        yield from (batch(1, (number,), first=number) for number in range(4))
        gate.set()
        assert all(there.acquire(timeout=WAIT_S) for _ in range(3))

    def send(batch: Batch) -> Outcome:
        outcome = sends(batch)
        if batch.lanes[0] in defective:
            raise ZeroDivisionError(batch.lanes)
        return outcome

    monkeypatch.setattr(lanes, "SimpleQueue", Outcomes)
    sends, rounds = Sends(gate), deliver(source(), send, concurrency=3)
    assert sorted(numbers([next(rounds)])) == sorted({0, 1, 2} - defective)
    with pytest.raises(ZeroDivisionError):
        next(rounds)
    assert sorted(sends.begun) == [0, 1, 2]


def test_a_signal_that_does_not_wake_the_waiting_thread_is_heeded_while_it_waits() -> None:
    """As one that comes between the interpreter's last look and the wait: a slow function is no reason to miss it."""
    heeded = threading.Event()

    def send(batch: Batch) -> Outcome:
        time.sleep(0.1)  # so that the other thread waits, which nothing tells
        _thread.interrupt_main(signal.SIGUSR1)
        assert heeded.wait(WAIT_S)
        return Outcome(delivered=batch.records)

    before = signal.signal(signal.SIGUSR1, lambda *_: heeded.set())
    try:
        assert len(list(deliver(Source([(0,)]), send, concurrency=1))) == 1
    finally:
        signal.signal(signal.SIGUSR1, before)
