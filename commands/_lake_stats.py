"""What `cncbops lake stats` does: read events, and count them."""

import sys
import threading
from contextlib import closing
from typing import Any

from cncbops.early_signals import INTERRUPTED
from cncbops.errors import BadInput
from cncbops.inspection.metrics import DomainEvents
from cncbops.inspection.reading import Counts
from cncbops.inspection.statistics import Statistics
from cncbops.reports.lake_statistics import statistics_facts

from ._ending import guarded, streamed
from ._lake import FLAWED, Asked, failures_of, reader_of, show_reading
from ._lake_stats_view import show_statistics
from ._options import General
from ._reading_view import reading_line, show_flaws
from ._screen import Screen, screen_for
from ._signals import leaving_at_once, not_all, stop_on_signal
from ._words import visible


def carry_out(asked: Asked, general: General, *, metrics: bool) -> int:
    """Count events; the exit code."""
    screen = screen_for(general, {"command": "lake stats"})
    if metrics and not screen.json:
        return streamed(screen, lambda: _metrics(asked, general, screen))

    def work() -> int:
        if metrics:
            raise BadInput("--metrics prints lines of its own, no JSON", "Leave out --metrics, or -o json")
        return _stats(asked, general, screen)

    return guarded(screen, work)


def _metrics(asked: Asked, general: General, screen: Screen) -> int:
    reader, _ = reader_of(asked, asked.wanted(), general, screen)
    counted = DomainEvents()
    with (
        screen.streaming(),
        closing(reader.chunks()) as chunks,
        reading_line(screen, lambda: _line(reader.counts)),
        leaving_at_once(farewell=not_all(screen)),
    ):
        for chunk in chunks:
            sys.stdout.writelines(f"{line}\n" for line in counted.add(chunk))
        sys.stdout.writelines(f"{line}\n" for line in counted.finish())
    return show_reading(screen, reader.counts)


def _stats(asked: Asked, general: General, screen: Screen) -> int:
    stop = threading.Event()
    with closing(Statistics()) as statistics:
        reader, place = reader_of(asked, asked.wanted(), general, screen, statistics.meet, stop)
        counts = reader.counts
        with (
            closing(reader.chunks()) as chunks,
            stop_on_signal(stop, screen, stopping=""),
            reading_line(screen, lambda: _line(counts)),
        ):
            for chunk in chunks:
                statistics.add(chunk)
                if stop.is_set():
                    break
        statistics.finish()
        facts = statistics_facts(statistics, counts)
    status, exit_code = _end(counts, interrupted=stop.is_set())
    head = {"command": "lake stats", **place.facts, "status": status}
    _show(screen, {**head, **facts, "failures": failures_of(counts)}, counts.flaws)
    return exit_code


def _show(screen: Screen, document: dict[str, Any], flaws: int) -> None:
    if screen.json:
        screen.show_json(document)
    elif not screen.quiet:
        with screen.printing() as out:
            show_statistics(out, visible(document))
        show_flaws(screen.err, flaws, visible(document["failures"]))


def _end(counts: Counts, *, interrupted: bool) -> tuple[str, int]:
    if interrupted:
        return "interrupted", INTERRUPTED
    if counts.flaws:
        return "partial", FLAWED
    return ("succeeded" if counts.matched else "nothing"), 0


def _line(counts: Counts) -> str:
    return f"{counts.objects.read:,} objects read  {counts.read:,} events  {counts.matched:,} matched"
