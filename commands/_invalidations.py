"""What `cncbops invalidate ls` and `status` do: look at invalidations, and wait for their end where that is asked."""

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from cncbops.aws import Aws
from cncbops.cdn.batches import Batch
from cncbops.cdn.edge import COMPLETED, Denied, Edge, Invalidation, Unanswered
from cncbops.cdn.session import Pauses, Requests, Session
from cncbops.errors import BadInput
from cncbops.reports.invalidation import invalidation_facts
from cncbops.reports.summary import EXIT_CODES
from cncbops.safety.limits import parse_duration

from ._access import access_of
from ._ending import guarded
from ._invalidate_view import progress_line, show_invalidations, show_statuses
from ._options import General
from ._paths_asked import distribution_named, name_apart
from ._screen import Screen, screen_for
from ._signals import stop_on_signal
from ._staged import Staged
from ._words import visible

AT_A_TIME = 4


def carry_out_ls(typed: Sequence[str], stage: Staged | None, limit: int, general: General) -> int:
    """List a distribution's invalidations; the exit code."""
    screen = screen_for(general, {"command": "invalidate ls"})
    return guarded(screen, lambda: _ls(typed, stage, limit, general, screen))


def carry_out_status(typed: Sequence[str], stage: Staged | None, timeout: str | None, general: General) -> int:
    """Show invalidations, with a `timeout` once they are completed; the exit code."""
    screen = screen_for(general, {"command": "invalidate status"})
    return guarded(screen, lambda: _status(typed, stage, timeout, general, screen))


def _ls(typed: Sequence[str], stage: Staged | None, limit: int, general: General, screen: Screen) -> int:
    edge, _ = _edge(typed, stage, general)
    rows = [invalidation_facts(each) for each in _with_items(edge, edge.newest(limit))]
    if screen.json:
        screen.show_json({"command": "invalidate ls", "distribution": edge.distribution, "invalidations": rows})
    elif not rows:
        screen.note(f"{edge.distribution} has no invalidation")
    elif not screen.quiet:
        with screen.printing() as out:
            show_invalidations(out, visible(rows))
    return 0


def _status(typed: Sequence[str], stage: Staged | None, timeout: str | None, general: General, screen: Screen) -> int:
    timeout_s = parse_duration(timeout) if timeout else None
    edge, ids = _edge(typed, stage, general)
    if not ids:
        raise BadInput("no invalidation is named", f"See `cncbops invalidate ls {edge.distribution}` for their ids")
    found = [edge.find(each) for each in ids]
    ending = "succeeded"
    if timeout_s:
        ending = _await(edge, found, timeout_s, screen)
        found = [edge.find(each) for each in ids]
    rows = [invalidation_facts(each) for each in found]
    if screen.json:
        told: dict[str, Any] = {"status": ending, "distribution": edge.distribution, "invalidations": rows}
        screen.show_json({"command": "invalidate status", **told})
    elif not screen.quiet:
        with screen.printing() as out:
            show_statuses(out, visible(rows))
    return EXIT_CODES[ending]


def _edge(typed: Sequence[str], stage: Staged | None, general: General) -> tuple[Edge, Sequence[str]]:
    """The edge of the distribution that is named, and the rest of what was typed. Raises CncbopsError."""
    named, rest = name_apart(typed, stage)
    aws = Aws(access_of(general, {}))
    return Edge(aws, distribution_named(named, stage.names(general) if stage else None, aws).id), rest


def _with_items(edge: Edge, listed: Sequence[Invalidation]) -> list[Invalidation]:
    """The same with their paths, as far as these may be seen."""
    try:
        with ThreadPoolExecutor(AT_A_TIME, thread_name_prefix="invalidations") as pool:
            return list(pool.map(lambda each: edge.find(each.id), listed))
    except (Denied, Unanswered):
        return list(listed)


def _await(edge: Edge, found: Sequence[Invalidation], timeout_s: float, screen: Screen) -> str:
    """Wait until all are completed; how that ended, in a word."""
    stop = threading.Event()
    batches = [Batch(number, "", each.items or ()) for number, each in enumerate(found)]
    completed = {number for number, each in enumerate(found) if each.status == COMPLETED}
    requests = Requests(batches, {number: each.id for number, each in enumerate(found)}, completed)
    session = Session(edge, requests, _NoKeeper(), Pauses(stop, timeout_s))
    with stop_on_signal(stop, screen), progress_line(screen, session):
        session.follow()
    if session.halted:
        screen.note(session.halted)
    if not session.is_open(waits=True):
        return "succeeded"
    return "stopped" if session.halted else "interrupted"


class _NoKeeper:
    """Nothing is written down of invalidations that are only looked at."""

    def created(self, number: int, invalidation: Invalidation) -> None:
        """Nobody creates any."""

    def completed(self, number: int) -> None:
        """Who waits for it is told."""
