"""Looking again and again: a live view on a terminal, elsewhere a line for each change."""

import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import NoReturn

import orjson
from rich.console import Console, Group, RenderableType
from rich.live import Live

from cncbops.health.report import Judged, changes

from ._health_view import change_lines, table_of, verdicts
from ._screen import Screen

Now = Callable[[], datetime]


def watch(look: Callable[[], Judged], now: Now, every_s: float, screen: Screen) -> NoReturn:
    """Look every so many seconds, one round after the other, until a signal ends it: KeyboardInterrupt."""
    out = screen.out
    if out.is_terminal and screen.shows_text:
        _draw(rounds(look, every_s), now, out)
    _tell(rounds(look, every_s), now, screen)


def rounds(look: Callable[[], Judged], every_s: float) -> Iterator[Judged]:
    """A round at each tick, or when the one before is over, if it takes longer."""
    pause = threading.Event()
    while True:
        began = time.monotonic()
        yield look()
        pause.wait(max(0.0, began + every_s - time.monotonic()))


def _tell(found: Iterator[Judged], now: Now, screen: Screen) -> NoReturn:
    """Print all of the first round, then what changes."""
    before: Judged | None = None
    for after in found:
        new = changes(before, after, now())
        with screen.streaming():
            if screen.json:
                sys.stdout.buffer.writelines(orjson.dumps(each, option=orjson.OPT_APPEND_NEWLINE) for each in new)
            elif not screen.quiet:
                sys.stdout.writelines(f"{line}\n" for line in change_lines(new))
        before = after
    raise AssertionError("rounds do not end")


def _draw(found: Iterator[Judged], now: Now, console: Console) -> NoReturn:
    """Keep the newest round on the terminal; ages go on between rounds."""
    newest: Judged | None = None

    def picture() -> RenderableType:
        return _picture(newest, now(), console) if newest else "looking…"

    with Live(get_renderable=picture, console=console, refresh_per_second=1) as live:
        for each in found:
            newest = each
            live.refresh()
    raise AssertionError("rounds do not end")


def _picture(found: Judged, now: datetime, console: Console) -> RenderableType:
    """Verdicts and rows; what is not in order comes first where not all rows fit."""
    whole = Group(verdicts(found), table_of(found.rows, now, console.width))
    if len(console.render_lines(whole)) <= console.height:
        return whole
    rows = sorted(found.rows, key=lambda row: row.finding.status == "ok")
    return Group(verdicts(found), table_of(rows, now, console.width))
