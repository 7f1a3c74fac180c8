"""What a session may rely on, wherever its places are. To be imported where an `executor` is made."""

import time
from pathlib import Path

import pytest

from cncbops.errors import BadInput
from cncbops.execution.crew import READERS
from cncbops.execution.executor import Executor
from tests.execution.bench import MUCH, PATIENCE_S, Odd, outcomes, submit

__all__ = [
    "test_an_error_that_ends_runs_comes_whole",
    "test_an_outcome_may_be_large_while_a_task_is",
    "test_every_task_ends_once_with_its_own_outcome_at_every_place",
    "test_nothing_ends_where_nothing_was_begun_and_that_is_waited_for_no_longer_than_asked",
    "test_so_many_go_at_a_time_at_each_place",
    "test_what_a_task_raises_is_a_defect_and_raised_where_outcomes_are_taken",
    "test_what_ends_is_taken_as_it_comes_and_waits_for_nobody",
    "test_what_is_closed_has_ended_all_that_was_under_way",
]


def test_every_task_ends_once_with_its_own_outcome_at_every_place(executor: Executor) -> None:
    came: dict[int, list[object]] = {}
    for number in range(200):
        method = ("cut", "read", "attempt")[number % 3]
        then = came.setdefault(number, []).append
        executor.submit(executor.places[number % len(executor.places)], method, f"value-{number}", then=then)
    outcomes(executor, 200)
    assert came == {number: [f"value-{number}"] for number in range(200)}
    assert executor.ended(0.0) == []


def test_nothing_ends_where_nothing_was_begun_and_that_is_waited_for_no_longer_than_asked(executor: Executor) -> None:
    begun = time.monotonic()
    assert list(executor.ended(0.05)) == []
    assert 0.04 < time.monotonic() - begun < 5


def test_what_ends_is_taken_as_it_comes_and_waits_for_nobody(executor: Executor, tmp_path: Path) -> None:
    submit(executor, ("attempt", "meet", str(tmp_path), "2", "first"))
    submit(executor, ("cut", "at once"))
    assert outcomes(executor, 1) == ["at once"]
    (tmp_path / "second").touch()
    assert outcomes(executor, 1) == ["meet"]


@pytest.mark.parametrize("method", ["attempt", "read"])
def test_so_many_go_at_a_time_at_each_place(method: str, executor: Executor, tmp_path: Path) -> None:
    most = READERS if method == "read" else executor.room(executor.places[0])
    names = [f"{place}-{number}" for place in executor.places for number in range(most)]
    for name in names:
        submit(executor, (method, "meet", str(tmp_path), str(len(names)), name), place=int(name[0]))
    assert outcomes(executor, len(names)) == ["meet"] * len(names)


def test_what_a_task_raises_is_a_defect_and_raised_where_outcomes_are_taken(executor: Executor) -> None:
    submit(executor, ("attempt", "odd"))
    with pytest.raises((Odd, RuntimeError)) as raised:
        outcomes(executor, 1)
    told = "".join([str(raised.value), *getattr(raised.value, "__notes__", [])])
    assert isinstance(raised.value, Odd) or ("Odd: one" in told and "in read" in told)


def test_an_error_that_ends_runs_comes_whole(executor: Executor) -> None:
    submit(executor, ("read", "refuse"))
    with pytest.raises(RuntimeError) as raised:
        outcomes(executor, 1)
    error = raised.value.__cause__
    assert isinstance(error, BadInput)
    assert (error.what, error.next_step) == ("no such profile", "Choose another")


def test_an_outcome_may_be_large_while_a_task_is(executor: Executor) -> None:
    """Else both ends wait for the other to read what they say."""
    submit(executor, *[("cut", MUCH)] * 3)
    assert [len(each) for each in outcomes(executor, 3)] == [len(MUCH)] * 3
    for number in range(4):
        submit(executor, ("abandon", MUCH), ("attempt", "now"))
        executor.ended(0.0 if number else 0.02)
    submit(executor, ("cut", "last"))
    deadline = time.monotonic() + PATIENCE_S
    found: list[object] = []
    while "last" not in found:
        assert time.monotonic() < deadline
        found += [outcome for _, outcome in executor.ended(0.25)]


def test_what_is_closed_has_ended_all_that_was_under_way(executor: Executor) -> None:
    submit(executor, *[("attempt", f"{number}") for number in range(executor.room(executor.places[0]))])
    executor.close()
