"""A defect at a place: what ended beside it is told, and then it is raised."""

import multiprocessing
from collections.abc import Iterator, Sequence

import pytest

from cncbops.execution import crew
from cncbops.execution.executor import Executor, Threads
from cncbops.execution.processes import Processes
from cncbops.execution.station import Outfit
from tests.execution.bench import outfit

WAIT_S = 20
OUTFIT = outfit()
"""The station works with nothing of it."""

answered = multiprocessing.get_context("fork").Semaphore(0)


class Defective:
    """A Station that does at once what it is asked to, and fails at odd numbers."""

    def close(self) -> None:
        """It holds nothing."""

    def __init__(self, outfit: Outfit) -> None:
        """There is nothing to take up."""

    def cut(self, number: int) -> int:
        if number % 2:
            raise ZeroDivisionError(number)
        return number

    def abandon(self) -> None:
        answered.release()


@pytest.fixture(params=["threads", "a process"])
def executor(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Executor]:
    monkeypatch.setattr(crew, "Station", Defective)
    made: Executor = Threads(OUTFIT, 4) if request.param == "threads" else Processes(OUTFIT, 4, 1)
    yield made
    made.close()


def take(executor: Executor) -> None:
    """Do with all that ended what is to be done."""
    for then, result in executor.ended(WAIT_S):
        then(result)


@pytest.mark.parametrize("numbers", [[0, 1, 2], [1, 0, 2], [1, 3, 0]])
def test_what_ended_beside_a_defect_is_told_before_that_is_raised(executor: Executor, numbers: Sequence[int]) -> None:
    told: list[int] = []
    for number in numbers:
        executor.submit(0, "cut", number, then=told.append)
    executor.submit(0, "abandon", then=lambda _: None)
    if isinstance(executor, Processes):
        executor._send_out()  # which is else done where outcomes are asked for
    assert answered.acquire(timeout=WAIT_S)
    with pytest.raises(ZeroDivisionError):
        take(executor)
    assert told == [number for number in numbers if not number % 2]


def test_nothing_comes_of_nothing(executor: Executor) -> None:
    assert list(executor.ended(0.01)) == []
