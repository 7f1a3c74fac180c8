"""What people see of the reading of a source: how far it is, and what went wrong with it."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.text import Text

from ._flow import say
from ._screen import Screen


def reading_line(screen: Screen, tell: Callable[[], str]) -> AbstractContextManager[object]:
    """A line that tells what has been read so far, while in its block; on a terminal only."""
    if not (screen.shows_text and screen.err.is_terminal):
        return nullcontext()

    def line() -> Text:
        return Text(tell(), no_wrap=True, overflow="ellipsis")

    return Live(get_renderable=line, console=screen.err, refresh_per_second=5, transient=True)


def show_flaws(console: Console, count: int, failures: Sequence[Mapping[str, Any]]) -> None:
    """Print what went wrong by name, as far as it is known."""
    for failure in failures:
        where = f"{failure['object']}:{failure['line']}" if failure["line"] else failure["object"]
        line = Text(f"{failure['error']}: ", style="bold red").append(
            f"{where}: {failure['message']}", "not bold default"
        )
        say(console, line)
    if count > len(failures):
        say(console, Text(f"these are the first {len(failures):,} of {count:,}", style="dim"))
