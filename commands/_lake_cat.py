"""What `cncbops lake cat` does: print events, as fast as they are read."""

import os
import sys
from contextlib import closing
from dataclasses import replace

from cncbops.inspection.lines import event_lines

from ._lake import Asked, reader_of, show_reading
from ._options import General
from ._screen import Screen, guarded, screen_for


def carry_out(asked: Asked, general: General) -> int:
    """Print events; the exit code. An error is told on standard error alone: on standard output are events."""
    screen = screen_for(general)
    return guarded(replace(screen, json=False), lambda: _cat(asked, general, screen), {})


def _cat(asked: Asked, general: General, screen: Screen) -> int:
    reader = reader_of(asked, general, screen)
    out = sys.stdout.buffer
    try:
        with screen.printing(), closing(reader.chunks()) as chunks:
            for chunk in chunks:
                out.write(event_lines(chunk.events))
                out.flush()
    except BrokenPipeError:
        # Whoever reads has seen enough; what Python still holds back must go somewhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return show_reading(screen, reader.counts)
