"""What a session may rely on, whether its places are threads of this process or several processes."""

import gc
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cncbops.aws import Aws, AwsAccess
from cncbops.errors import BadInput, CannotRun, CncbopsError
from cncbops.execution import crew, processes
from cncbops.execution.crew import READERS
from cncbops.execution.executor import Executor, PlaceLost, Threads
from cncbops.execution.processes import Processes
from cncbops.execution.station import Outfit
from cncbops.recipients import Recipients
from tests.execution.looks import await_gone, is_alive

CONCURRENCY = 4
PATIENCE_S = 20.0
MUCH = b"x" * 8 * 1024 * 1024


class Odd(Exception):
    """An error that cannot be copied: its constructor wants more than it hands on."""

    def __init__(self, one: str, other: str) -> None:
        super().__init__(one)
        self.other = other


class Bench:
    """A station at which tasks do as they are told: `cut` at once, `read` and `attempt` among others."""

    def close(self) -> None:
        """It holds nothing."""

    def __init__(self, outfit: Outfit) -> None:
        assert outfit.lanes == 7

    def cut(self, value: Any) -> Any:
        return value

    abandon = cut

    def read(self, how: str, *told: str) -> object:
        if how == "meet":  # until as many are here as can be at a time
            folder, most = Path(told[0]), int(told[1])
            (folder / told[2]).touch()
            until(lambda: len(list(folder.iterdir())) >= most)
        elif how == "pid":
            return os.getpid()
        elif how == "searched":
            return len(gc.get_objects())
        elif how == "hang":
            Path(told[0]).touch()
            time.sleep(PATIENCE_S * 10)
        elif how == "odd":
            raise Odd("one", "other")
        elif how == "refuse":
            raise BadInput("no such profile", "Choose another")
        elif how == "unsendable":
            return lambda: None
        return how

    attempt = read


def nothing(*_: object) -> None:
    """Of what a bench does not use; it goes to other processes by its name."""


def outfit(**changed: Any) -> Outfit:
    facts = {
        "aws": Aws(AwsAccess(region="us-east-1")),
        "s3": nothing,
        "recipients": Recipients(),
        "reader": nothing,
        "lanes": 7,
        "objects_ahead": 1,
        "portion_bytes": 1_000_000,
        "canary": None,
        "names_records": False,
        "sends": True,
    }
    return Outfit(**{**facts, **changed})


@pytest.fixture(autouse=True)
def bench(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crew, "Station", Bench)


@pytest.fixture(params=["threads", "processes"])
def executor(request: pytest.FixtureRequest) -> Iterator[Executor]:
    made: Executor = (
        Threads(outfit(), CONCURRENCY) if request.param == "threads" else Processes(outfit(), CONCURRENCY, 2)
    )
    yield made
    made.close()


@pytest.fixture
def several() -> Iterator[Processes]:
    made = Processes(outfit(), CONCURRENCY, 3)
    yield made
    made.close()


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, "it was waited for in vain"
        time.sleep(0.002)  # the pace of looking, not the condition


def outcomes(executor: Executor, count: int) -> list[Any]:
    """What so many tasks came to, in the order in which it came."""
    found: list[Any] = []
    deadline = time.monotonic() + PATIENCE_S
    while len(found) < count:
        assert time.monotonic() < deadline, f"{len(found)} of {count} came"
        for then, outcome in executor.ended(0.25):
            then(outcome)
            found.append(outcome)
    return found


def submit(executor: Executor, *tasks: tuple[Any, ...], place: int = 0) -> None:
    for method, *arguments in tasks:
        executor.submit(place, method, *arguments, then=lambda _: None)


def pids(executor: Executor) -> list[int]:
    for place in executor.places:
        submit(executor, ("attempt", "pid"), place=place)
    return outcomes(executor, len(executor.places))


# Both


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


@pytest.mark.parametrize(("method", "most"), [("attempt", CONCURRENCY), ("read", READERS)])
def test_so_many_go_at_a_time_at_each_place(method: str, most: int, executor: Executor, tmp_path: Path) -> None:
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
    submit(executor, *[("attempt", f"{number}") for number in range(CONCURRENCY)])
    executor.close()


# Processes


def test_each_place_is_a_process_of_its_own(several: Processes) -> None:
    found = pids(several)
    assert len(set(found)) == 3
    assert os.getpid() not in found


def test_no_process_searches_for_garbage_what_it_was_forked_with() -> None:
    """Else it soon has a copy of its own of all that."""
    held = [[number] for number in range(20_000)]
    several = Processes(outfit(), CONCURRENCY, 2)
    for place in several.places:
        submit(several, ("read", "searched"), place=place)
    found = outcomes(several, len(several.places))
    several.close()
    assert max(found) < len(held)


def test_an_outcome_that_cannot_be_sent_is_a_defect_not_silence(several: Processes) -> None:
    submit(several, ("attempt", "unsendable"))
    with pytest.raises(Exception, match=r"[Pp]ickle|lambda"):
        outcomes(several, 1)


def test_a_process_that_is_killed_is_a_place_lost_once_and_the_others_go_on(several: Processes, tmp_path: Path) -> None:
    victim = pids(several)[1]
    submit(several, ("attempt", "hang", str(tmp_path / "begun")), place=several.places[-1])
    several.ended(0.0)
    place = place_of(several, victim)
    submit(several, ("attempt", "hang", str(tmp_path / "hangs")), place=place)
    several.ended(0.0)
    until(lambda: (tmp_path / "hangs").exists())
    os.kill(victim, signal.SIGKILL)
    with pytest.raises(PlaceLost) as raised:
        outcomes(several, 1)
    assert raised.value.place == place
    assert f"worker process {victim} has ended (signal 9)" in raised.value.what
    assert several.places == tuple(sorted({0, 1, 2} - {place}))
    submit(several, ("cut", "lost"), place=place)
    for other in {0, 1, 2} - {place}:
        submit(several, ("cut", other), place=other)
    assert set(outcomes(several, 2)) == {0, 1, 2} - {place}
    assert list(several.ended(0.05)) == []


def test_when_the_last_place_is_lost_there_is_no_going_on(several: Processes) -> None:
    for victim in pids(several):
        os.kill(victim, signal.SIGKILL)
    for _ in range(3):
        with pytest.raises(PlaceLost):
            outcomes(several, 1)
    with pytest.raises(CannotRun, match="has ended \\(signal 9\\), and no other is left"):
        several.ended(0.0)


def place_of(executor: Processes, pid: int) -> int:
    for place in executor.places:
        submit(executor, ("attempt", "pid"), place=place)
        if outcomes(executor, 1) == [pid]:
            return place
    raise AssertionError("no place is this process")


def test_what_a_process_answered_before_it_was_killed_is_taken_first(several: Processes) -> None:
    victim = pids(several)[0]
    submit(several, ("cut", "before"), place=(place := place_of(several, victim)))
    submit(several, ("cut", "before"), place=place)
    several._send_out()
    until(several._pipes[place].poll)
    os.kill(victim, signal.SIGKILL)
    several._processes[place].join(PATIENCE_S)
    answered = []
    with pytest.raises(PlaceLost):  # noqa: PT012  what came before it counts
        while True:
            answered += several.ended(0.25)
    assert 1 <= len(answered) <= 2


def test_a_place_that_is_lost_is_told_of_however_busy_the_others_are(several: Processes) -> None:
    victim = pids(several)[0]
    place = place_of(several, victim)
    others = [other for other in range(3) if other != place]
    os.kill(victim, signal.SIGKILL)
    several._processes[place].join(PATIENCE_S)
    for other in others:
        submit(several, ("cut", "busy"), place=other)
    several._send_out()
    until(lambda: all(several._pipes[other].poll() for other in others))
    assert len(several.ended(PATIENCE_S)) == 2
    for other in others:
        submit(several, ("cut", "busy"), place=other)
    with pytest.raises(PlaceLost):
        several.ended(PATIENCE_S)
    assert outcomes(several, 2) == ["busy", "busy"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_to_all_of_a_group_ends_no_place_which_is_for_the_session_to_say(
    number: signal.Signals, several: Processes
) -> None:
    found = pids(several)
    for pid in found:
        os.kill(pid, number)
    assert sorted(pids(several)) == sorted(found)


def test_when_it_is_closed_its_processes_are_gone_whatever_they_do(tmp_path: Path) -> None:
    several = Processes(outfit(), CONCURRENCY, 3)
    found = pids(several)
    for place in range(3):
        submit(several, ("attempt", "hang", str(tmp_path / f"{place}")), place=place)
    several.ended(0.0)
    until(lambda: len(list(tmp_path.iterdir())) == 3)
    several.close()
    assert not any(map(is_alive, found))


def test_where_a_process_cannot_be_begun_none_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[Any] = []
    fork = processes.multiprocessing.get_context("fork")

    class Context:
        def Pipe(self) -> Any:
            return fork.Pipe()

        def Process(self, **asked: Any) -> Any:
            if len(begun) == 2:
                raise BlockingIOError("no more processes")
            begun.append(fork.Process(**asked))
            return begun[-1]

    monkeypatch.setattr(processes.multiprocessing, "get_context", lambda _: Context())
    with pytest.raises(BlockingIOError):
        Processes(outfit(), CONCURRENCY, 3)
    assert [each.is_alive() for each in begun] == [False, False]


OWNER = """
import os, sys, time
from tests.execution.test_executors import CONCURRENCY, Bench, crew, outfit, pids, submit
from cncbops.execution.processes import Processes
crew.Station = Bench
several = Processes(outfit(), CONCURRENCY, 3)
print(*pids(several), flush=True)
for place in range(3):
    submit(several, ("attempt", "hang", sys.argv[1] + f"/{place}"), place=place)
several.ended(0.0)
time.sleep(600)
"""


def test_processes_end_when_the_one_that_began_them_is_killed(tmp_path: Path) -> None:
    root = Path(__file__).parents[2]
    owner = subprocess.Popen([sys.executable, "-c", OWNER, tmp_path], cwd=root, stdout=subprocess.PIPE)
    assert owner.stdout
    found = list(map(int, owner.stdout.readline().split()))
    assert len(found) == 3
    until(lambda: len(list(tmp_path.iterdir())) == 3)
    owner.kill()
    owner.wait()
    owner.stdout.close()
    await_gone(found)


# Errors


@pytest.mark.parametrize("kind", [CncbopsError, BadInput, CannotRun])
def test_an_error_is_the_same_after_a_way_between_processes(kind: type[CncbopsError]) -> None:
    import pickle

    found = pickle.loads(pickle.dumps(kind("it is gone", "Look for it")))
    assert type(found) is kind
    assert (str(found), found.exit_code) == ("it is gone. Look for it", kind.exit_code)
