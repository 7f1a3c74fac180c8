"""The canary: every function's first records go first, and its others wait until all of these succeeded."""

import threading
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cncbops.delivery.lanes import PULLED_PER_WORKER, deliver
from cncbops.delivery.outcome import Outcome, Settled, Undelivered
from cncbops.kinesis.batching import Batch, Batcher, BatchLimits
from cncbops.kinesis.record import Record
from cncbops.session import canary as subject
from cncbops.session.canary import Canary
from tests.delivery.batches import record

WAIT_S = 20


class Halts:
    """Stops, as a session does, for each reason that it is told."""

    def __init__(self) -> None:
        self.stop = threading.Event()
        self.reasons: list[str] = []

    def __call__(self, reason: str) -> None:
        self.reasons.append(reason)
        self.stop.set()


@pytest.fixture
def halts() -> Halts:
    return Halts()


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(8) as threads:
        yield threads


def records(functions: Iterable[str]) -> list[Record]:
    """Records of their own keys, to the functions given, letter by letter."""
    return [
        msgspec.structs.replace(record(number, f"k{number}"), function=function)
        for number, function in enumerate(functions)
    ]


def batch(function: str, size: int = 1) -> Batch:
    made = Batch((), function)
    for each in records(function * size):
        made.add(each)
    return made


def failing(batch: Batch, count: int = 1) -> Outcome:
    bad = [Undelivered(each, "Error", "no") for each in batch.records[:count]]
    return Outcome(failed=bad[:1], unknown=bad[1:], delivered=batch.records[count:])


def given_out(canary: Canary, functions: str) -> list[Batch]:
    """A batch of each record, as a session gives them out: each canary is complete with its last record."""
    batches = []
    for piece, ends in canary.pieces(records(functions)):
        batches += list(canary.marked([batch(each.function) for each in piece]))
        if ends is not None:
            canary.complete(ends)
    return batches


class Waiting:
    """Enters in other threads, and knows when they wait there."""

    def __init__(self, canary: Canary, pool: ThreadPoolExecutor) -> None:
        self._canary, self._pool = canary, pool
        self._waits = threading.Semaphore(0)
        condition = canary._changed
        wait = condition.wait

        def waits(timeout: float | None = None) -> bool:
            self._waits.release()
            return wait(timeout)

        condition.wait = waits  # type: ignore[method-assign]

    def enter(self, batch: Batch) -> Future[bool]:
        """Enter with a batch that has to wait."""
        future = self._pool.submit(self._canary.enter, batch)
        assert self._waits.acquire(timeout=WAIT_S)
        assert not future.done()
        return future


@given(st.text("ab", max_size=30), st.integers(1, 8), st.integers(1, 9))
def test_pieces_are_the_records_in_order_and_one_ends_with_the_last_of_each_functions_canary(
    functions: str, size: int, chunk: int
) -> None:
    canary, whole = Canary(size, lambda _: None, threading.Event()), records(functions)
    pieces = [piece for at in range(0, len(whole), chunk) for piece in canary.pieces(whole[at : at + chunk])]
    assert [each for piece, _ in pieces for each in piece] == whole
    came = 0
    ends = {}
    for piece, ended in pieces:
        came += len(piece)
        if ended is not None:
            assert ended not in ends
            ends[ended] = came
    for name in "ab":
        mine = [number for number, function in enumerate(functions, start=1) if function == name]
        assert ends.get(name) == (mine[size - 1] if len(mine) >= size else None)


@pytest.mark.parametrize("size", [None, 0])
def test_without_a_canary_records_are_one_piece_and_nobody_waits(size: int | None, halts: Halts) -> None:
    canary, whole = Canary(size, halts, halts.stop), records("aab")
    assert list(canary.pieces(whole)) == [(whole, None)]
    (only,) = canary.marked([batch("a")])
    canary.end()
    assert not only.is_canary
    assert canary.enter(only)
    canary.leave(only, failing(only))
    assert halts.reasons == []


def test_the_batches_of_each_functions_canary_are_marked_and_no_others(halts: Halts) -> None:
    marked = given_out(Canary(2, halts, halts.stop), "aabaabbb")
    assert [(each.function, each.is_canary) for each in marked] == [
        *[("a", True), ("a", True), ("b", True), ("a", False), ("a", False)],
        *[("b", True), ("b", False), ("b", False)],
    ]


def test_others_wait_until_all_of_their_functions_canary_succeeded(halts: Halts, pool: ThreadPoolExecutor) -> None:
    canary = Canary(2, halts, halts.stop)
    first, second, third, fourth = given_out(canary, "aaaa")
    assert canary.enter(first)
    assert canary.enter(second)
    waiting = Waiting(canary, pool)
    futures = [waiting.enter(third), waiting.enter(fourth)]
    canary.leave(second, Outcome(delivered=second.records))
    assert not any(future.done() for future in futures)
    late = waiting.enter(batch("a"))
    canary.leave(first, Outcome(delivered=first.records))
    assert all(future.result(WAIT_S) for future in [*futures, late])
    assert halts.reasons == []


def test_a_function_does_not_wait_for_the_canary_of_another(halts: Halts) -> None:
    canary = Canary(1, halts, halts.stop)
    of_a, of_b, next_of_b = given_out(canary, "abb")
    assert canary.enter(of_a)
    assert canary.enter(of_b)
    canary.leave(of_b, Outcome(delivered=of_b.records))
    assert canary.enter(next_of_b)
    assert canary.enter(batch("c"))


@pytest.mark.parametrize("in_order", [True, False])
def test_a_canary_that_fails_halts_once_when_all_of_it_is_settled(in_order: bool, halts: Halts) -> None:
    canary = Canary(3, halts, halts.stop)
    ((piece, ended), _) = canary.pieces(records("aaaa"))
    assert (len(piece), ended) == (3, "a")
    first, second = canary.marked([batch("a", 2), batch("a")])
    if in_order:
        canary.complete("a")
    canary.leave(first, failing(first, 2))
    assert halts.reasons == []
    canary.leave(second, Outcome(delivered=second.records))
    if not in_order:  # all of it was settled before it was known to be all of it
        assert halts.reasons == []
        canary.complete("a")
    assert halts.reasons == ["2 of the canary's 3 records of a failed"]
    canary.end()
    assert len(halts.reasons) == 1


def test_what_waits_for_a_canary_that_fails_is_not_sent(halts: Halts, pool: ThreadPoolExecutor) -> None:
    canary = Canary(1, halts, halts.stop)
    first, second = given_out(canary, "aa")
    assert canary.enter(first)
    other = Waiting(canary, pool).enter(second)
    canary.leave(first, failing(first))
    assert other.result(WAIT_S) is False
    assert not canary.enter(batch("b"))


def test_of_two_canaries_that_fail_one_halts(halts: Halts) -> None:
    canary = Canary(1, halts, halts.stop)
    of_a, of_b = given_out(canary, "ab")
    canary.leave(of_b, failing(of_b))
    canary.leave(of_a, failing(of_a))
    assert halts.reasons == ["1 of the canary's 1 records of b failed"]


def test_the_reason_names_no_function_where_the_run_has_but_one(halts: Halts) -> None:
    canary = Canary(1, halts, halts.stop)
    ((_, ended), _) = canary.pieces([record(0)])
    assert ended == ""
    (only,) = canary.marked([batch_of_nobody()])
    canary.complete("")
    canary.leave(only, failing(only))
    assert halts.reasons == ["1 of the canary's 1 records failed"]


def batch_of_nobody() -> Batch:
    made = Batch(())
    made.add(record(0))
    return made


def test_once_stopped_nobody_waits_and_nothing_is_sent(
    halts: Halts, pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subject, "_LOOK_S", 0.01)
    canary = Canary(1, halts, halts.stop)
    first, second, third = given_out(canary, "aaa")
    assert canary.enter(first)
    waiting = Waiting(canary, pool)
    futures = [waiting.enter(second), waiting.enter(third)]
    halts.stop.set()
    assert [future.result(WAIT_S) for future in futures] == [False, False]
    assert not canary.enter(first)


def test_at_the_end_what_was_given_out_was_the_canary(halts: Halts) -> None:
    canary = Canary(10, halts, halts.stop)
    of_a, of_b = given_out(canary, "ab")
    canary.leave(of_a, Outcome(delivered=of_a.records))
    canary.leave(of_b, failing(of_b))
    assert halts.reasons == []
    canary.end()
    assert halts.reasons == ["1 of the canary's 1 records of b failed"]


def test_a_canary_that_succeeds_by_the_end_halts_nothing(halts: Halts) -> None:
    canary = Canary(10, halts, halts.stop)
    (only,) = given_out(canary, "a")
    canary.end()
    canary.leave(only, Outcome(delivered=only.records))
    assert halts.reasons == []


def delivered(canary: Canary, whole: Sequence[Record], concurrency: int) -> list[Settled]:
    """What becomes of records sent in batches of one each; the first ends when no more are pulled before it does."""
    batcher, all_pulled = Batcher({"": BatchLimits(1, 100_000)}, 16), threading.Event()

    def batches() -> Iterator[Batch]:
        for piece, ends in canary.pieces(whole):
            for each in canary.marked(batcher.add(piece)):
                if each.number == concurrency * PULLED_PER_WORKER - 1:
                    all_pulled.set()
                yield each
            if ends is not None:
                canary.complete(ends)
        canary.end()

    def send(batch: Batch) -> Outcome:
        if not canary.enter(batch):
            return Outcome(not_sent=batch.records)
        assert all_pulled.wait(WAIT_S)
        outcome = Outcome(delivered=batch.records)
        canary.leave(batch, outcome)
        return outcome

    return [each for settled in deliver(batches(), send, concurrency=concurrency) for each in settled]


@pytest.mark.parametrize("concurrency", [1, 2, 4])
def test_workers_that_wait_for_a_canary_leave_room_for_those_of_its_batches_that_wait_for_their_lane(
    concurrency: int, halts: Halts
) -> None:
    keys = ["same"] * 3 + [f"other-{number}" for number in range(20)]
    whole = [record(number, key) for number, key in enumerate(keys)]
    give_up = threading.Timer(3, halts.stop.set)
    give_up.start()
    settled = delivered(Canary(3, halts, halts.stop), whole, concurrency)
    give_up.cancel()
    assert sum(len(outcome.delivered) for _, outcome in settled) == len(whole)
    assert not halts.stop.is_set()
