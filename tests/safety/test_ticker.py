"""Work beside a run: done again and again, ended by its first error, left without waiting."""

import threading
import time

import pytest

from cncbops.errors import CannotRun, CncbopsError
from cncbops.safety import ticker
from cncbops.safety.ticker import Ticker

TIMEOUT_S = 20.0


def unexpected(error: CncbopsError) -> None:
    raise AssertionError(error)


class Work:
    """Counts its calls, and remembers the thread; `fail` is raised from the call of that number on."""

    def __init__(self, fail_at: int = 0, error: Exception | None = None) -> None:
        self.thread = threading.current_thread()
        self.calls = 0
        self._fail_at, self._error = fail_at, error
        self._called = threading.Condition()

    def __call__(self) -> None:
        with self._called:
            self.thread = threading.current_thread()
            self.calls += 1
            self._called.notify_all()
            if self._error and self.calls >= self._fail_at:
                raise self._error

    def wait_for(self, calls: int) -> None:
        with self._called:
            assert self._called.wait_for(lambda: self.calls >= calls, TIMEOUT_S)


def test_work_is_done_again_and_again_in_another_thread_until_left() -> None:
    work = Work()
    with Ticker(0.001, work, unexpected):
        work.wait_for(5)
        assert work.thread is not threading.current_thread()
        assert work.thread.daemon
    assert not work.thread.is_alive()


def test_leaving_does_not_wait_for_the_interval() -> None:
    work = Work()
    started = time.monotonic()
    with Ticker(3600, work, unexpected):
        pass
    assert time.monotonic() - started < ticker.LEAVE_S / 2
    assert work.calls == 0


def test_leaving_waits_for_work_under_way() -> None:
    began, go_on, ended = threading.Event(), threading.Event(), threading.Event()

    def work() -> None:
        began.set()
        assert go_on.wait(TIMEOUT_S)
        ended.set()

    with Ticker(0.001, work, unexpected):
        assert began.wait(TIMEOUT_S)
        threading.Timer(0.05, go_on.set).start()
    assert ended.is_set()


def test_work_that_hangs_does_not_hold_back_the_leaving(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ticker, "LEAVE_S", 0.01)
    began, go_on = threading.Event(), threading.Event()
    hanging: list[threading.Thread] = []

    def work() -> None:
        hanging.append(threading.current_thread())
        began.set()
        go_on.wait(TIMEOUT_S)

    with Ticker(0.001, work, unexpected):
        assert began.wait(TIMEOUT_S)
    assert hanging[0].is_alive()
    go_on.set()
    hanging[0].join(TIMEOUT_S)
    assert len(hanging) == 1


def test_an_error_is_told_once_and_ends_the_ticking() -> None:
    work = Work(3, CannotRun("cannot look", "Look again"))
    told: list[CncbopsError] = []
    with Ticker(0.001, work, told.append):
        work.wait_for(3)
        work.thread.join(TIMEOUT_S)
        assert not work.thread.is_alive()
    assert [str(error) for error in told] == ["cannot look. Look again"]
    assert work.calls == 3


def test_a_defect_is_told_and_ends_the_thread_with_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    died: list[threading.ExceptHookArgs] = []
    monkeypatch.setattr(threading, "excepthook", died.append)
    told: list[tuple[CncbopsError, int]] = []
    work = Work(1, ZeroDivisionError())
    with Ticker(0.001, work, lambda error: told.append((error, len(died)))):
        work.wait_for(1)
        work.thread.join(TIMEOUT_S)
    ((error, died_before),) = told
    assert (type(error), "broke down" in error.what, died_before) == (CannotRun, True, 0)
    assert [args.exc_type for args in died] == [ZeroDivisionError]
    assert died[0].exc_traceback is not None
    assert work.calls == 1


def test_an_error_of_the_run_passes_through() -> None:
    work = Work()
    with pytest.raises(KeyError), Ticker(3600, work, unexpected):
        raise KeyError
