"""What `cncbops lake ls` does: list objects, or add them up."""

import sys
from contextlib import closing
from dataclasses import asdict
from itertools import islice

import orjson

from cncbops.inspection.facts import object_facts
from cncbops.inspection.volumes import Volumes
from cncbops.tally import Objects
from cncbops.visits import Listing

from ._lake import Asked, lake_client
from ._lake_view import ObjectLines, show_volumes
from ._options import General
from ._plan_view import unread
from ._reading_view import reading_line
from ._screen import Screen, guarded, screen_for, streamed
from ._words import number, size


def carry_out(asked: Asked, general: General, *, summary: bool) -> int:
    """List objects, or add them up; the exit code."""
    screen = screen_for(general)
    if summary:
        return guarded(screen, lambda: _summary(asked, general, screen), {"command": "lake ls"})
    return streamed(screen, lambda: _ls(asked, general, screen))


def _listing(asked: Asked, general: General, screen: Screen) -> tuple[Listing, list[str]]:
    """What there is, and the sources as text. Raises BadInput."""
    window = asked.choice.selection().window
    sources = asked.found(screen)
    listing = Listing(sources, lake_client(sources, general), window, Objects())
    return listing, [source.uri for source in sources]


def _ls(asked: Asked, general: General, screen: Screen) -> int:
    listing, _ = _listing(asked, general, screen)
    told = {"objects": 0, "bytes": 0}
    with screen.printing(), closing(listing.wanted()) as wanted:
        lines = ObjectLines(heads=screen.out.is_terminal)
        for lake_object in islice(wanted, asked.choice.limit):
            facts = object_facts(lake_object)
            if screen.json:
                sys.stdout.buffer.write(orjson.dumps(facts, option=orjson.OPT_APPEND_NEWLINE))
            else:
                sys.stdout.write(lines.of(facts))
            sys.stdout.flush()
            told["objects"] += 1
            told["bytes"] += lake_object.size
    if screen.shows_text:
        left_out = unread(asdict(listing.objects))
        screen.err.print(f"{number(told['objects'], 'object')}, {size(told['bytes'])}{left_out}", soft_wrap=True)
    return 0


def _summary(asked: Asked, general: General, screen: Screen) -> int:
    listing, sources = _listing(asked, general, screen)
    volumes = Volumes()
    with (
        closing(listing.wanted()) as wanted,
        reading_line(screen, lambda: f"{volumes.objects:,} objects, {size(volumes.bytes)}"),
    ):
        for lake_object in islice(wanted, asked.choice.limit):
            volumes.add(lake_object)
    facts = volumes.facts()
    left_out = {"skipped": listing.objects.skipped, "skipped_as": listing.objects.skipped_as}
    if screen.json:
        screen.show_json({"command": "lake ls", "source": sources, **facts, **left_out})
    elif not screen.quiet:
        with screen.printing() as out:
            show_volumes(out, facts, left_out)
    return 0
