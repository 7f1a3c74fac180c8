"""None in place of a batch: nothing more is pulled before something that is under way is settled."""

import threading
from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cncbops.delivery.lanes import deliver
from cncbops.delivery.outcome import Outcome, Settled
from cncbops.errors import CannotRun
from cncbops.kinesis.batching import Batch
from tests.delivery.batches import batch

WAIT_S = 20


def sent(batch: Batch) -> Outcome:
    return Outcome(delivered=batch.records)


def numbers(rounds: Sequence[Sequence[Settled]]) -> list[int]:
    return [record.place for settled in rounds for _, outcome in settled for record in outcome.delivered]


def test_the_source_goes_on_only_when_something_is_settled_and_taken() -> None:
    gate = threading.Event()
    taken: list[Settled] = []
    seen: list[int] = []

    def source() -> Iterator[Batch | None]:
        yield batch(1, (0,), first=0)
        yield batch(1, (1,), first=1)
        threading.Timer(0.05, gate.set).start()
        yield None
        seen.append(len(taken))
        yield batch(1, (2,), first=2)

    def send(batch: Batch) -> Outcome:
        assert gate.wait(WAIT_S)
        return sent(batch)

    for settled in deliver(source(), send, concurrency=8):
        taken.extend(settled)
    assert seen[0] >= 1
    assert sorted(numbers([taken])) == [0, 1, 2]


def test_as_often_as_it_is_asked_for_something_is_settled_until_nothing_is_under_way() -> None:
    taken: list[Settled] = []
    seen: list[int] = []

    def source() -> Iterator[Batch | None]:
        for number in range(3):
            yield batch(1, (0,), first=number)
        for _ in range(5):
            yield None
            seen.append(len(taken))

    for settled in deliver(source(), sent, concurrency=8):
        taken.extend(settled)
    assert seen[2:] == [3, 3, 3]
    assert seen == sorted(seen)


@pytest.mark.parametrize("nothing", [[None], [None, None]])
def test_where_nothing_is_under_way_nobody_waits(nothing: list[None]) -> None:
    assert list(deliver(nothing, sent, concurrency=2)) == []


def test_a_source_that_breaks_while_it_waits_raises_after_every_outcome() -> None:
    def source() -> Iterator[Batch | None]:
        yield batch(1, (0,), first=0)
        yield batch(1, (0,), first=1)
        yield None
        raise CannotRun("the queue is gone", "Look for it")

    rounds: list[Sequence[Settled]] = []
    with pytest.raises(CannotRun, match="the queue is gone"):
        rounds.extend(deliver(source(), sent, concurrency=2))
    assert sorted(numbers(rounds)) == [0, 1]


@settings(max_examples=50)
@given(st.lists(st.none() | st.sets(st.integers(0, 3), max_size=2).map(tuple), max_size=30), st.integers(1, 4))
def test_wherever_it_waits_every_batch_has_an_outcome(drawn: list[tuple[int, ...] | None], concurrency: int) -> None:
    source = (None if lanes is None else batch(1, lanes, first=number) for number, lanes in enumerate(drawn))
    rounds = list(deliver(source, sent, concurrency=concurrency))
    assert all(rounds)
    assert sorted(numbers(rounds)) == [number for number, lanes in enumerate(drawn) if lanes is not None]
