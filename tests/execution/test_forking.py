"""Whether a session works in several processes is decided before this one has other threads, and as late as can be."""

import os
from collections.abc import Callable

import pytest

from cncbops.errors import CannotRun
from cncbops.execution import crew
from cncbops.execution.executor import Executor
from cncbops.execution.forking import Forking
from tests.execution.bench import CONCURRENCY, Bench, outfit, pids
from tests.execution.looks import children_of


@pytest.fixture(autouse=True)
def bench(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crew, "Station", Bench)


def processes() -> int:
    """That this one has begun and that have not ended."""
    return len(children_of(os.getpid()))


def made(forking: Forking, is_small: Callable[[], bool]) -> Executor:
    return forking.executor(outfit(), CONCURRENCY, 2, is_small)


def test_what_is_small_and_found_out_without_threads_has_no_process_forked_at_any_time() -> None:
    before, seen = processes(), list[int]()
    executor = made(Forking(), lambda: not seen.append(processes()))
    assert (executor.places, seen, processes()) == ((0,), [before], before)
    executor.close()


def test_before_threads_that_find_it_out_processes_are_forked_once_and_ended_where_it_is_small() -> None:
    before, forking, seen = processes(), Forking(), list[int]()

    def is_small() -> bool:
        forking.before_threads()
        forking.before_threads()
        return not seen.append(processes())

    executor = made(forking, is_small)
    assert (executor.places, seen, processes()) == ((0,), [before + 2], before)
    executor.close()


@pytest.mark.parametrize("has_threads", [False, True])
def test_where_there_is_work_for_several_it_is_theirs(*, has_threads: bool) -> None:
    before, forking = processes(), Forking()
    executor = made(forking, lambda: has_threads and bool(forking.before_threads()))
    forking.before_threads()  # of later ones it is no matter
    assert processes() == before + 2
    assert os.getpid() not in pids(executor)
    executor.close()
    assert processes() == before


def test_no_process_is_left_where_it_cannot_be_found_out() -> None:
    before, forking = processes(), Forking()

    def is_small() -> bool:
        forking.before_threads()
        raise CannotRun("no such bucket", "Check it")

    with pytest.raises(CannotRun, match="no such bucket"):
        made(forking, is_small)
    assert processes() == before
