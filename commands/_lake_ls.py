"""What `cncbops lake ls` does: list objects, or add them up."""

import sys
import time
from contextlib import closing
from itertools import islice
from typing import Any

import orjson
from msgspec import structs

from cncbops.inspection.facts import object_facts
from cncbops.inspection.volumes import Volumes
from cncbops.lake.visits import Listing
from cncbops.tally import Objects

from ._ending import guarded, streamed
from ._flow import say
from ._lake import Asked, Opened, opened
from ._lake_view import ObjectLines, show_volumes
from ._options import General
from ._plan_view import unread
from ._reading_view import reading_line
from ._screen import Screen, screen_for
from ._signals import leaving_at_once, not_all
from ._words import number, size

_FLUSH_S = 0.1


def carry_out(asked: Asked, general: General, *, summary: bool) -> int:
    """List objects, or add them up; the exit code."""
    screen = screen_for(general, {"command": "lake ls"} if summary else None)
    if summary:
        return guarded(screen, lambda: _summary(asked, general, screen))
    return streamed(screen, lambda: _ls(asked, general, screen))


def _listing(asked: Asked, general: General, screen: Screen) -> tuple[Listing, Opened]:
    """What there is, and where. Raises BadInput, CannotRun."""
    window = asked.choice.selection().window
    place = opened(asked, window, general, screen)
    return Listing(place.sources, place.s3, window, Objects()), place


def _ls(asked: Asked, general: General, screen: Screen) -> int:
    listing, _ = _listing(asked, general, screen)
    count, flushed = 0, 0.0
    with screen.streaming(), closing(listing.wanted()) as wanted, leaving_at_once(farewell=not_all(screen)):
        lines = ObjectLines(heads=screen.out_is_terminal)
        for lake_object in islice(wanted, asked.choice.limit):
            facts = object_facts(lake_object)
            if screen.json:
                sys.stdout.buffer.write(orjson.dumps(facts, option=orjson.OPT_APPEND_NEWLINE))
            else:
                sys.stdout.write(lines.of(facts))
            flushed = _flush_soon(flushed)
            count += 1
            listing.objects.bytes += lake_object.size
    if screen.shows_text:
        told = f"{number(count, 'object')}, {size(listing.objects.bytes)}{unread(_listed(listing.objects))}"
        say(screen.err, told)
    return 0


def _listed(objects: Objects) -> dict[str, Any]:
    """What a listing counts of objects: it reads none."""
    return {
        name: count
        for name, count in structs.asdict(objects).items()
        if name in ("listed", "skipped", "skipped_as", "bytes")
    }


def _flush_soon(flushed: float) -> float:
    """Pass on what was written ten times a second, not each line by itself; when that was done last, in seconds."""
    now = time.monotonic()
    if now - flushed < _FLUSH_S:
        return flushed
    sys.stdout.flush()
    return now


def _summary(asked: Asked, general: General, screen: Screen) -> int:
    listing, place = _listing(asked, general, screen)
    volumes, objects = Volumes(), listing.objects
    with (
        closing(listing.wanted()) as wanted,
        reading_line(screen, lambda: f"{objects.listed:,} objects, {size(objects.bytes)}"),
        leaving_at_once(document=screen.broken_off),
    ):
        for lake_object in islice(wanted, asked.choice.limit):
            volumes.add(lake_object)
            objects.bytes += lake_object.size
    facts = {"objects": _listed(objects), **volumes.facts()}
    if screen.json:
        screen.show_json({"command": "lake ls", **place.facts, **facts})
    else:
        with screen.printing() as out:
            show_volumes(out, facts)
    return 0
