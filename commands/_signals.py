"""What Ctrl-C, SIGTERM and a terminal that hangs up do to a command: it stops when what is under way is finished, or
is left at once."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import NoReturn

from cncbops.early_signals import ENDING, INTERRUPTED

from ._flow import flowing
from ._screen import Screen

STDOUT, STDERR = 1, 2
ECHO_S = 0.5
"""Within which another one but Ctrl-C is the same: GNU timeout sends it to a command, and once more to its group."""

STOPPING = "\nstopping: what is under way is finished first; again to leave at once\n"


@contextmanager
def stop_on_signal(
    stop: threading.Event,
    screen: Screen,
    farewell: str = "",
    stopping: str = STOPPING,
    leaving: Callable[[], None] = lambda: None,
) -> Iterator[None]:
    """Let the first SIGINT, SIGTERM or SIGHUP set `stop`, and a second one leave at once, each with its words.

    In JSON the second is told by the document, if that is not out. `leaving` is done before, in a moment.
    """
    signalled: dict[int, float] = {}  # by number, when it came first

    def handle(number: int, _frame: FrameType | None) -> None:
        now_s = time.monotonic()
        if number != signal.SIGINT and now_s - signalled.get(number, -ECHO_S) < ECHO_S:
            return
        if signalled:
            _say(farewell)
            leaving()
            with suppress(OSError):
                os.write(STDOUT, screen.broken_off())
            _leave(INTERRUPTED)
        signalled[number] = now_s
        stop.set()
        if screen.shows_text:
            # Not by sys.stderr: the signal may have come while that was being written to.
            _say(stopping)

    with _handling(handle):
        yield


@contextmanager
def leaving_on_signal(farewell: str = "", document: Callable[[], bytes] = lambda: b"") -> Iterator[None]:
    """Let the first such signal end the process in the midst of its requests: where none changes anything.

    `farewell` is said then, `document` makes what standard output gets.
    """

    def handle(_number: int, _frame: FrameType | None) -> None:
        take_leave(farewell)
        with suppress(OSError):
            os.write(STDOUT, document())
        _leave(INTERRUPTED)

    with _handling(handle):
        yield


def take_leave(farewell: str) -> None:
    """Say that a signal ends a command, on a line of its own."""
    if os.isatty(STDERR):
        os.write(STDERR, b"\n")  # a line that tells how far it is, or an event, may have begun
    _say(farewell)


@contextmanager
def leaving_at_once(unread: int = 0, farewell: str = "", document: Callable[[], bytes] = lambda: b"") -> Iterator[None]:
    """The same, and let a reader that has seen enough end the process, with the exit code `unread`.

    For what only reads, and writes to standard output.
    """
    with leaving_on_signal(farewell, document):
        try:
            yield
        except BrokenPipeError:
            _leave(unread)


def not_all(screen: Screen) -> str:
    """What is said where lines end before their time, also in JSON: no document tells it."""
    return "" if screen.quiet else "interrupted: this is not all\n"


@contextmanager
def _handling(handle: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    is_kept = signal.getsignal(signal.SIGHUP) == signal.SIG_IGN  # as nohup has it
    before = {number: signal.signal(number, handle) for number in ENDING if number != signal.SIGHUP or not is_kept}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _say(text: str) -> None:
    with suppress(OSError):  # as where `2>&1 | tee` got the same Ctrl-C, and is gone by now
        os.write(STDERR, flowing(text, STDERR).encode())


def _leave(code: int) -> NoReturn:
    """End the process with what is under way, and give the terminal its cursor back."""
    if os.isatty(STDERR):
        os.write(STDERR, b"\x1b[?25h")
    os._exit(code)
