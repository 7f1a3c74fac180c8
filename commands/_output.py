"""Standard output, which may be full, or read no more."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from cncbops.cli import silence
from cncbops.errors import CannotRun

LOOK_THERE = "Send it where there is room; of what was executed `cncbops runs ls` tells"
RUN_AGAIN = "Send it where there is room, and run it again"
"""Advice where standard output takes no more: what only reads leaves nothing anywhere else."""


@contextmanager
def written(advice: str) -> Iterator[None]:
    """Have all that is written to standard output be there at the end. Raises CannotRun where it takes no more.

    A reader that is gone has seen enough: that changes nothing of what the command does, or how it ends.
    """
    try:
        with taken(advice):
            yield
    except BrokenPipeError:
        silence(sys.stdout.fileno())


@contextmanager
def taken(advice: str) -> Iterator[None]:
    """The same; raises BrokenPipeError, too, where nobody reads on."""
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except KeyboardInterrupt:
        silence(sys.stdout.fileno())  # no document may follow on what was written of one
        raise
    except OSError as error:
        silence(sys.stdout.fileno())
        what = f"standard output cannot be written: {error.strerror}"
        raise CannotRun(what, advice) from error
