"""Where text goes: results on standard output, everything else on standard error.

rich is imported where there is text: a document in JSON needs none of it.
"""

import gc
import os
import re
import select
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, NoReturn, TextIO, cast

import orjson
import platformdirs
from botocore.exceptions import BotoCoreError, ClientError

from cncbops.aws import explain
from cncbops.errors import CannotRun, CncbopsError, described

from ._options import Local
from ._words import visible

if TYPE_CHECKING:
    from rich.console import Console

INTERRUPTED = 130
NOT_HEALTHY = 4
"""The exit code of a look that went well at what is not: an ill region, a sandbox that does not run."""
STDOUT, STDERR = 1, 2
PIPE_WIDTH = 240
LOOK_THERE = "The work itself is over; look for its records in the state directory"
STOPPING = "\nstopping: what is under way is finished first; again to leave at once\n"
RUN_AGAIN = "Send it where there is room, and run it again"
"""Advice where standard output takes no more: what only reads leaves nothing anywhere else."""


@dataclass(frozen=True)
class Screen:
    """One command's two streams and its tone. JSON mode is silent but for its document.

    `unfinished` makes what that says of a command which ends before it has more; None where it is lines in its place.
    `told` is set once it is out: no other may follow.
    """

    json: bool
    quiet: bool
    verbose: bool
    unfinished: Callable[[], Mapping[str, Any]] | None = None
    told: threading.Event = field(default_factory=threading.Event)

    @property
    def out(self) -> "Console":
        """For what was asked for."""
        return _console(_itself(sys.stdout))

    @property
    def err(self) -> "Console":
        """For everything else."""
        return _console(_itself(sys.stderr))

    @property
    def shows_text(self) -> bool:
        """Whether people read along."""
        return not (self.json or self.quiet)

    def note(self, text: str) -> None:
        """Tell people something that they may not expect."""
        if self.shows_text:
            from rich.text import Text

            self.err.print(Text("note: ", style="bold").append(visible(text), style="not bold"), soft_wrap=True)

    def show_json(self, document: Mapping[str, Any]) -> None:
        """The one document that standard output carries in JSON mode. Raises CannotRun if it does not."""
        with _written(LOOK_THERE):
            sys.stdout.buffer.write(_json(document))
            self.told.set()

    def broken_off(self) -> bytes:
        """What standard output has to hold where a signal ends the command before it has more to say."""
        if not (self.json and self.unfinished) or self.told.is_set():
            return b""
        return _json({**self.unfinished(), "status": "interrupted"})

    @contextmanager
    def printing(self, advice: str = LOOK_THERE) -> "Iterator[Console]":
        """Standard output, all of it written at the end. Raises CannotRun, with advice, where it takes no more."""
        with _written(advice):
            yield self.out

    def show_error(self, error: CncbopsError) -> None:
        """One line: what failed, on what, what to do next; the traceback only when verbose."""
        if self.verbose:
            traceback.print_exception(error)
        from rich.text import Text

        line = Text("error: ", style="bold red").append(Text(visible(str(error)), style="not bold default"))
        self.err.print(line, soft_wrap=True)


@contextmanager
def _written(advice: str) -> Iterator[None]:
    """Have all that is written to standard output be there at the end. Raises CannotRun where it takes no more."""
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except KeyboardInterrupt:
        _silence()  # no document may follow on what was written of one
        raise
    except OSError as error:
        _silence()
        what = f"standard output cannot be written: {error.strerror}"
        raise CannotRun(what, advice) from error


def _json(document: Mapping[str, Any]) -> bytes:
    return orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def _silence() -> None:
    """Let what Python still holds back, and all that comes, go nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@lru_cache
def _console(stream: TextIO) -> "Console":
    """A console that is plain off a terminal and with NO_COLOR; piped text is wrapped by whoever reads it.

    One for each stream: what keeps a line at the bottom of a terminal has to know of all that is written there.
    """
    from rich.console import Console

    plain = not stream.isatty() or bool(os.environ.get("NO_COLOR"))
    if stream.isatty():
        return Console(file=stream, force_terminal=not plain, highlight=False)
    return Console(file=cast(TextIO, _WithoutPadding(stream)), force_terminal=False, width=PIPE_WIDTH, highlight=False)


def _itself(stream: TextIO) -> TextIO:
    """A stream; rich puts another in its place while it keeps a line there."""
    return getattr(stream, "rich_proxied_file", stream)


class _WithoutPadding:
    """A stream that is no terminal, whose lines lose the spaces with which a table fills them."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.encoding = stream.encoding

    def write(self, text: str) -> int:
        self._stream.write(re.sub(r" +$", "", text, flags=re.MULTILINE))
        return len(text)

    def flush(self) -> None:
        self._stream.flush()

    def isatty(self) -> bool:
        return False


def screen_for(options: Local, document: Mapping[str, Any] | None = None) -> Screen:
    """The screen of a command line; `document` is what JSON says of it whatever comes, unless it has lines there."""
    return Screen(options.json, options.quiet, options.verbose, None if document is None else lambda: document)


def guarded(screen: Screen, work: Callable[[], int]) -> int:
    """The exit code of `work`; what ends it early is shown as one line, and in the JSON document."""
    gc.freeze()  # what is imported is no garbage
    gc.enable()
    try:
        return work()
    except CncbopsError as error:
        return _failed(screen, error)
    except (BotoCoreError, ClientError) as error:
        explained = explain(error, "call AWS")
        explained.__cause__ = error
        return _failed(screen, explained)
    except KeyboardInterrupt:
        return break_off(screen)


def break_off(screen: Screen) -> int:
    """End a command that a signal has ended before it had more to say; the exit code."""
    if document := screen.broken_off():
        with _written(LOOK_THERE):
            sys.stdout.buffer.write(document)
    return INTERRUPTED


def streamed(screen: Screen, work: Callable[[], int]) -> int:
    """The exit code of `work`, which writes lines to standard output, and of an error to standard error alone.

    Where nobody reads on it ends: whoever did has seen enough.
    """
    try:
        return guarded(screen, work)
    except BrokenPipeError:
        _silence()
        return 0


def require_reader() -> None:
    """Raise BrokenPipeError if nobody reads standard output any more, for work that seldom has something to write."""
    looked = select.poll()
    looked.register(sys.stdout, 0)
    if any(found & (select.POLLERR | select.POLLHUP) for _, found in looked.poll(0)):
        raise BrokenPipeError


def _failed(screen: Screen, error: CncbopsError) -> int:
    screen.show_error(error)
    if screen.json and screen.unfinished and not screen.told.is_set():
        screen.show_json({**screen.unfinished(), "status": "failed", "error": described(error)})
    return error.exit_code


@contextmanager
def stop_on_signal(
    stop: threading.Event, screen: Screen, farewell: str = "", stopping: str = STOPPING
) -> Iterator[None]:
    """Let the first SIGINT or SIGTERM set `stop`, and a second one leave at once, each with its words.

    In JSON the second is told by the document, if that is not out.
    """
    signalled = threading.Event()

    def handle(_number: int, _frame: FrameType | None) -> None:
        if signalled.is_set():
            os.write(STDERR, farewell.encode())
            with suppress(OSError):
                os.write(STDOUT, screen.broken_off())
            _leave(INTERRUPTED)
        signalled.set()
        stop.set()
        if screen.shows_text:
            # Not by sys.stderr: the signal may have come while that was being written to.
            os.write(STDERR, stopping.encode())

    with _handling(handle):
        yield


@contextmanager
def leaving_on_signal(farewell: str = "", document: Callable[[], bytes] = lambda: b"") -> Iterator[None]:
    """Let the first SIGINT or SIGTERM end the process in the midst of its requests: where none changes anything.

    `farewell` is said then, `document` makes what standard output gets.
    """

    def handle(_number: int, _frame: FrameType | None) -> None:
        if os.isatty(STDERR):
            os.write(STDERR, b"\n")  # a line that tells how far it is, or an event, may have begun
        os.write(STDERR, farewell.encode())
        with suppress(OSError):
            os.write(STDOUT, document())
        _leave(INTERRUPTED)

    with _handling(handle):
        yield


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
    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _leave(code: int) -> NoReturn:
    """End the process with what is under way, and give the terminal its cursor back."""
    if os.isatty(STDERR):
        os.write(STDERR, b"\x1b[?25h")
    os._exit(code)


def state_folder(given: Path | None) -> Path:
    """Where runs leave their records: as given, else the user's state directory."""
    return given or Path(platformdirs.user_state_path("cncbops"))
