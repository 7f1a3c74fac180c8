"""What `cncbops faults` does: read faults, and list, group or show them."""

import re
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from itertools import chain, islice
from pathlib import Path
from typing import Any

import orjson
from msgspec import structs

from cncbops.aws import Aws
from cncbops.errors import CannotRun
from cncbops.faults.grouping import Groups
from cncbops.faults.reading import FaultReader, Found
from cncbops.faults.resolving import Resolver
from cncbops.faults.sources import FaultSource, stored
from cncbops.inventory.listed import listed_from
from cncbops.lake.listing import LISTERS
from cncbops.lake.sources import LocalSource
from cncbops.lake.visits import OBJECTS_AHEAD
from cncbops.reports.fault_facts import count_facts, facts_of, group_facts, whole_fault
from cncbops.reports.summary import EXIT_CODES
from cncbops.session.queued import Queues, require_readable

from ._access import access_of
from ._ending import guarded, streamed
from ._faults_asked import Choice
from ._faults_view import LinePrinter, show_counts, show_fault, show_groups, show_next_step
from ._inventory import read_inventory
from ._options import General
from ._reading_view import reading_line, show_flaws
from ._requests import fault_sources_of
from ._screen import Screen, screen_for
from ._staged import Staged, told_names
from ._state import state_folder
from ._words import number, visible

FLAWED = EXIT_CODES["partial"]
_PLACE = re.compile(r"(.+):([1-9][0-9]{0,17})(?:\.([1-9][0-9]{0,17}))?", re.DOTALL)


def carry_out_ls(choice: Choice, stage: Staged | None, limit: int | None, general: General) -> int:
    """List faults; the exit code. An error is told on standard error alone, also where the list is JSON."""
    screen = screen_for(general)

    def work() -> int:
        return _ls(_at_stage(choice, stage, general, screen), limit, general, screen)

    return streamed(screen, work)


def carry_out_stats(choice: Choice, stage: Staged | None, general: General) -> int:
    """Group faults; the exit code."""
    screen = screen_for(general, {"command": "faults stats"})

    def work() -> int:
        return _stats(_at_stage(choice, stage, general, screen), general, screen)

    return guarded(screen, work)


def carry_out_show(
    choice: Choice,
    stage: Staged | None,
    fault_id: str | None,
    line: int | None,
    general: General,
    *,
    show_payload: bool,
) -> int:
    """Show one fault; the exit code."""
    screen = screen_for(general, {"command": "faults show"})

    def work() -> int:
        chosen, place = _placed(_at_stage(choice, stage, general, screen), line)

        def fits(found: Found) -> bool:
            return fault_id in (None, found.fault.id) and place.holds(found)

        return _show(chosen, fits, general, screen, show_payload=show_payload)

    return guarded(screen, work)


def _at_stage(choice: Choice, stage: Staged | None, general: General, screen: Screen) -> Choice:
    """The choice with what was not typed as a stage has it. Raises CncbopsError."""
    if stage is None:
        return choice
    names = stage.names(general)
    choice = choice.named(names)
    told_names(names, screen)
    return choice


@dataclass(frozen=True)
class _Place:
    """Where in an object a fault lies, as far as it was said."""

    line: int | None
    part: int | None

    def holds(self, found: Found) -> bool:
        return self.line in (None, found.document.line) and self.part in (None, found.document.part)


def place_apart(text: str) -> re.Match[str] | None:
    """A place as `ls` writes it: its source, line and part; None for what is a source, or a path that exists."""
    return None if Path(text).exists() else _PLACE.fullmatch(text)


def _placed(choice: Choice, line: int | None) -> tuple[Choice, _Place]:
    """A choice whose only source is written as a place, taken apart."""
    sources = choice.sources or []
    found = place_apart(sources[0]) if len(sources) == 1 and line is None else None
    if found is None:
        return choice, _Place(line, None)
    return replace(choice, sources=[found[1]]), _Place(int(found[2]), int(found[3] or 0))


@dataclass(frozen=True)
class _Faults:
    """The chosen faults of `sources`, one by one, and who reads and counts them."""

    sources: tuple[FaultSource, ...]
    inventory: Mapping[str, Any] | None
    reader: FaultReader
    found: Iterator[Found]

    def reading_line(self, screen: Screen) -> AbstractContextManager[object]:
        """A line of what has been read so far, on a terminal."""
        counts = self.reader.counts
        return reading_line(screen, lambda: f"{counts.objects.read:,} objects read  {counts.faults:,} faults")


@contextmanager
def _faults(choice: Choice, general: General, screen: Screen) -> Iterator[_Faults]:
    """The chosen faults, to be read while the body runs. Raises BadInput, CannotRun."""
    selection = choice.selection()
    sources = listed_from(
        fault_sources_of(choice.sources or (), choice.bucket, choice.prefix, screen), choice.inventory
    )
    aws = Aws(access_of(general, {}))
    in_aws = not all(isinstance(source, LocalSource) for source in sources)
    s3 = aws.s3(OBJECTS_AHEAD + LISTERS) if in_aws else None
    inventory = read_inventory(sources, s3, selection.window, screen).facts
    with (
        closing(Resolver(aws, lambda: s3)) as resolver,
        Queues(sources, aws, executes=False) as queues,
        ExitStack() as held,
    ):
        reader = FaultReader(stored(sources), selection, s3, resolver)
        found = held.enter_context(closing(reader.found()))
        require_readable(queues)
        yield _Faults(sources, inventory, reader, chain(found, _in_messages(reader, queues)))


def _in_messages(reader: FaultReader, queues: Queues) -> Iterator[Found]:
    """The faults in the messages of queues, which get all of them back."""
    for item in filter(None, queues.messages(threading.Event())):
        queues.leave(item)
        yield from reader.in_message(item.object, item.content or b"", item.attributes)


def _ls(choice: Choice, limit: int | None, general: General, screen: Screen) -> int:
    with _faults(choice, general, screen) as faults, screen.streaming() as out:
        tell = _json_line if screen.json else _nothing if screen.quiet else LinePrinter(out).print
        for each in islice(faults.found, limit):
            tell(facts_of(each))
    reader = faults.reader
    counts, failures = count_facts(reader.counts), visible(_failures(reader))
    if screen.shows_text:
        show_counts(screen.err, counts, None)
    if not screen.quiet:
        show_flaws(screen.err, reader.counts.flaws, failures)
    return FLAWED if reader.counts.flaws else 0


def _json_line(facts: dict[str, Any]) -> None:
    sys.stdout.buffer.write(orjson.dumps(facts, option=orjson.OPT_APPEND_NEWLINE))


def _nothing(_: dict[str, Any]) -> None:
    """Quiet: the exit code tells."""


def _failures(reader: FaultReader) -> list[dict[str, Any]]:
    return [structs.asdict(failure) for failure in reader.counts.failures]


def _stats(choice: Choice, general: General, screen: Screen) -> int:
    groups = Groups()
    with _faults(choice, general, screen) as faults, faults.reading_line(screen):
        for each in faults.found:
            groups.add(each.fault, each.place)
    reader = faults.reader
    rows, counts, failures = list(map(group_facts, groups.ranked())), count_facts(reader.counts), _failures(reader)
    uris = [source.uri for source in faults.sources]
    if screen.json:
        told = {"counts": counts, "groups": rows, "others": groups.others, "failures": failures}
        screen.show_json({"command": "faults stats", "source": uris, "inventory": faults.inventory, **told})
    elif not screen.quiet:
        with screen.printing() as out:
            show_groups(out, visible(rows), groups.others)
        show_counts(screen.err, counts, len(rows))
        show_flaws(screen.err, reader.counts.flaws, visible(failures))
        show_next_step(screen.err, rows, uris, list(choice.options()), state_folder(general.state_dir))
    return FLAWED if reader.counts.flaws else 0


def _show(
    choice: Choice, fits: Callable[[Found], bool], general: General, screen: Screen, *, show_payload: bool
) -> int:
    with _faults(choice, general, screen) as faults, faults.reading_line(screen):
        found = next(filter(fits, faults.found), None)
    if found is None:
        raise _none_fits(faults.reader)
    facts, events = whole_fault(found, show_payload=show_payload)
    document = {"command": "faults show", **facts}
    if screen.json:
        shown = [{**event.about, "event": orjson.Fragment(event.text)} for event in events]
        screen.show_json({**document, "events": shown})
    elif not screen.quiet:
        with screen.printing() as out:
            show_fault(out, document, events)
    return 0 if found.is_whole else FLAWED


def _none_fits(reader: FaultReader) -> CannotRun:
    counts = reader.counts
    broken = f"; {number(counts.broken, 'document')} broken" if counts.broken else ""
    what = f"no fault fits, of {counts.faults:,} in {number(counts.objects.read, 'object')}{broken}"
    return CannotRun(what, "See what there is with `cncbops faults ls SOURCE`, and choose less narrowly")
