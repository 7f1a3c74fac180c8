"""What `cncbops lake find` does: look for events, and tell where they lie."""

import sys
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import replace
from typing import Any

import orjson

from cncbops.errors import CannotRun
from cncbops.inspection.facts import event_facts
from cncbops.inspection.reading import Counts, LakeReader, Wanted

from ._ending import require_reader, streamed
from ._lake import FLAWED, Asked, failures_of, reader_of, show_reading
from ._lake_view import show_event
from ._options import General
from ._reading_view import reading_line, show_flaws
from ._screen import Screen, screen_for
from ._signals import leaving_at_once, not_all
from ._words import number, visible

_LOOK = (
    "See what there is with `cncbops lake ls SOURCE`, its types with `cncbops lake stats SOURCE`; choose less narrowly"
)
MOST_FOUND = 10
"""Without a limit; but of events with one id the first is enough."""


def carry_out(asked: Asked, event_id: str | None, general: General) -> int:
    """Print the events that fit, and where they lie; the exit code."""
    screen = screen_for(general)
    return streamed(screen, lambda: _find(asked, event_id, general, screen))


def _wanted(asked: Asked, event_id: str | None) -> Wanted:
    """What is looked for: an event that is named is found, whatever it is. Raises BadInput."""
    wanted = asked.wanted()
    if event_id is None:
        return replace(wanted, limit=wanted.limit or MOST_FOUND)
    selection = wanted.selection if wanted.selection.types else replace(wanted.selection, types=("*",))
    return replace(wanted, selection=selection, limit=wanted.limit or 1, event_id=event_id)


def _find(asked: Asked, event_id: str | None, general: General, screen: Screen) -> int:
    reader, _ = reader_of(asked, _wanted(asked, event_id), general, screen)
    with screen.streaming() as out, closing(_found(reader)) as found, leaving_at_once(farewell=not_all(screen)):
        while (facts := _next(found, reader.counts, screen)) is not None:
            if screen.json:
                line = {**facts, "event": orjson.Fragment(facts["event"])}
                sys.stdout.buffer.write(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))
            else:
                show_event(out, facts)
            sys.stdout.flush()
    return show_reading(screen, reader.counts) if reader.counts.matched else _tell_none(screen, reader.counts)


def _found(reader: LakeReader) -> Generator[dict[str, Any], None, None]:
    with closing(reader.chunks()) as chunks:
        for chunk in chunks:
            require_reader()
            for event in chunk.events:
                yield event_facts(chunk, event)


def _next(found: Iterator[dict[str, Any]], counts: Counts, screen: Screen) -> dict[str, Any] | None:
    """The next event, if there is one; a line tells people that it is looked for."""
    with reading_line(screen, lambda: f"{counts.objects.read:,} objects read  {counts.read:,} events"):
        return next(found, None)


def _tell_none(screen: Screen, counts: Counts) -> int:
    """Say that nothing was found; the exit code tells whether all could be looked at."""
    faults = f"; {number(counts.faults, 'fault event')} left out, which --type fault asks for" if counts.faults else ""
    what = f"no event fits, of {counts.read:,} read in {number(counts.objects.read, 'object')}{faults}"
    nothing = CannotRun(what, _LOOK)
    if not screen.quiet:
        show_flaws(screen.err, counts.flaws, visible(failures_of(counts)))
    screen.show_error(nothing)
    return FLAWED if counts.flaws else nothing.exit_code
