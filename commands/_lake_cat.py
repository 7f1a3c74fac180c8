"""What `cncbops lake cat` does: print events, as fast as they are read."""

import sys
from collections.abc import Callable
from contextlib import closing
from functools import partial

from cncbops.aws import Aws
from cncbops.errors import BadInput
from cncbops.inspection.lines import document_lines, event_lines, record_lines
from cncbops.inspection.reading import Chunk
from cncbops.kinesis.record import record_source

from ._access import access_of
from ._ending import require_reader, streamed
from ._lake import Asked, reader_of, show_reading
from ._options import General
from ._screen import Screen, screen_for
from ._signals import leaving_at_once, not_all
from ._words import visible


def carry_out(asked: Asked, general: General, *, envelope: bool, record: bool) -> int:
    """Print events; the exit code."""
    screen = screen_for(general)

    def work() -> int:
        return _cat(asked, _form(general, envelope=envelope, record=record), general, screen)

    return streamed(screen, work)


def _form(general: General, *, envelope: bool, record: bool) -> Callable[[Chunk], bytes]:
    """How events are printed. Raises BadInput."""
    if envelope and record:
        raise BadInput(
            "--envelope and --record", "Give one of them: the lake's line, or the record that a replay sends"
        )
    if record:
        return partial(record_lines, source=record_source(Aws(access_of(general, {})).region))
    return document_lines if envelope else event_lines


def _cat(asked: Asked, form: Callable[[Chunk], bytes], general: General, screen: Screen) -> int:
    reader, _ = reader_of(asked, asked.wanted(), general, screen)
    write = _write_visibly if screen.out_is_terminal else _write
    with screen.streaming(), closing(reader.chunks()) as chunks, leaving_at_once(farewell=not_all(screen)):
        for chunk in chunks:
            if chunk.events:
                write(form(chunk))
            else:
                require_reader()
    return show_reading(screen, reader.counts)


def _write(lines: bytes) -> None:
    sys.stdout.buffer.write(lines)
    sys.stdout.buffer.flush()


def _write_visibly(lines: bytes) -> None:
    """For a terminal, which would take control characters for orders."""
    sys.stdout.write("\n".join(map(visible, lines.decode(errors="replace").split("\n"))))
