"""Consoles for text: plain and without padding for a pipe, as it is drawn for a terminal.

rich is imported where there is text: a document in JSON needs none of it.
"""

import os
import re
import sys
from functools import lru_cache
from typing import TYPE_CHECKING, Literal, TextIO, cast

from ._flow import columns

if TYPE_CHECKING:
    from rich.console import Console

PIPE_WIDTH, USUAL_WIDTH = 240, 80


@lru_cache
def console_of(stream: TextIO) -> "Console":
    """A console without colours or weights off a terminal and with NO_COLOR; piped text is wrapped by whoever reads it.

    One for each stream: what keeps a line at the bottom of a terminal has to know of all that is written there.
    """
    from ._lasting import LastingConsole

    if not stream.isatty():
        return LastingConsole(
            file=cast(TextIO, _WithoutPadding(stream)),
            stderr=stream is itself(sys.stderr),
            force_terminal=False,
            width=PIPE_WIDTH,
            highlight=False,
        )
    # A terminal without colours is one still: where the cursor goes to, such as to draw a line anew, is no colour.
    colours: Literal["auto"] | None = None if os.environ.get("NO_COLOR") else "auto"
    console = LastingConsole(
        file=stream,
        stderr=stream is itself(sys.stderr),
        force_terminal=True,
        color_system=colours,
        highlight=False,
    )
    # A dumb one rich takes for 80 columns, and one of none if COLUMNS says so; of others it looks each time.
    if console.is_dumb_terminal or not console.width:
        console.size = columns(stream.fileno()) or USUAL_WIDTH, console.height
    return console


def itself(stream: TextIO) -> TextIO:
    """A stream; rich puts another in its place while it keeps a line there."""
    return getattr(stream, "rich_proxied_file", stream)


class _WithoutPadding:
    """A stream that is no terminal, whose lines lose the spaces with which a table fills them."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.encoding = stream.encoding

    def write(self, text: str) -> int:
        self._stream.write(re.sub(r" +$", "", text, flags=re.MULTILINE))
        return len(text)

    def flush(self) -> None:
        self._stream.flush()

    def isatty(self) -> bool:
        return False
