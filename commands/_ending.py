"""How a command ends: what ends it early is told in one line, and in JSON in its document; its exit code."""

import gc
import select
import sys
from collections.abc import Callable

from botocore.exceptions import BotoCoreError, ClientError

from cncbops.aws_errors import explain
from cncbops.cli import silence
from cncbops.early_signals import INTERRUPTED, loaded
from cncbops.errors import CncbopsError, described

from ._output import LOOK_THERE, written
from ._screen import Screen
from ._signals import take_leave

NOT_HEALTHY = 4
"""The exit code of a look that went well at what is not: an ill region, a sandbox that does not run."""


def guarded(screen: Screen, work: Callable[[], int]) -> int:
    """The exit code of `work`; what ends it early is shown as one line, and in the JSON document."""
    gc.freeze()  # what is imported is no garbage
    gc.enable()
    try:
        loaded()
        return work()
    except CncbopsError as error:
        return _failed(screen, error)
    except (BotoCoreError, ClientError) as error:
        explained = explain(error, "call AWS")
        explained.__cause__ = error
        return _failed(screen, explained)
    except KeyboardInterrupt:
        return _break_off(screen)


def _break_off(screen: Screen) -> int:
    """End a command that a signal has ended before it had more to say; the exit code."""
    if screen.shows_text:
        take_leave("interrupted\n")
    if document := screen.broken_off():
        with written(LOOK_THERE):
            sys.stdout.buffer.write(document)
    return INTERRUPTED


def streamed(screen: Screen, work: Callable[[], int]) -> int:
    """The exit code of `work`, which writes lines to standard output, and of an error to standard error alone.

    Where nobody reads on it ends: whoever did has seen enough.
    """
    try:
        return guarded(screen, work)
    except BrokenPipeError:
        silence(sys.stdout.fileno())
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
        screen.show_json({**screen.unfinished(), "status": "failed", "error": described(error)}, LOOK_THERE)
    return error.exit_code
