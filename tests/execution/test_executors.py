"""What a session may rely on, whether its places are threads of this process or several processes."""

import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cncbops.errors import BadInput, CannotRun, CncbopsError
from cncbops.execution import crew, processes
from cncbops.execution.executor import Executor, PlaceLost, Threads
from cncbops.execution.processes import Processes
from tests.execution.bench import CONCURRENCY, PATIENCE_S, Bench, outcomes, outfit, pids, submit, until
from tests.execution.contract import *  # noqa: F403
from tests.execution.looks import await_gone, is_alive


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


def has_answered(executor: Processes, place: int) -> bool:
    return bool(select.select([executor._channels[place]], [], [], 0)[0])


def test_what_a_process_answered_before_it_was_killed_is_taken_first(several: Processes) -> None:
    victim = pids(several)[0]
    submit(several, ("cut", "before"), place=(place := place_of(several, victim)))
    submit(several, ("cut", "before"), place=place)
    several._send_out()
    until(lambda: has_answered(several, place))
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
    until(lambda: all(has_answered(several, other) for other in others))
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
from cncbops.execution import crew
from tests.execution.bench import CONCURRENCY, Bench, outfit, pids, submit
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
