"""Where output goes: what was asked for, as text or a JSON document, to standard output, all else to standard error."""

import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson

from cncbops.errors import CncbopsError

from ._console import console_of, itself
from ._flow import say
from ._options import Local
from ._output import RUN_AGAIN, taken, written
from ._words import visible

if TYPE_CHECKING:
    from rich.console import Console


@dataclass(frozen=True)
class Screen:
    """One command's two streams and its tone. JSON mode is silent but for its document.

    `unfinished` makes what that says of a command which ends before it has more; None where it is lines in its place.
    `told` is set once it is out: no other may follow.
    """

    json: bool
    quiet: bool
    verbose: bool
    unfinished: Callable[[], Mapping[str, Any]] | None = None
    told: threading.Event = field(default_factory=threading.Event)

    @property
    def out(self) -> "Console":
        """For what was asked for."""
        return console_of(itself(sys.stdout))

    @property
    def err(self) -> "Console":
        """For everything else."""
        return console_of(itself(sys.stderr))

    @property
    def out_is_terminal(self) -> bool:
        """Whether people read what was asked for as it comes; NO_COLOR, which makes `out` plain, changes nothing."""
        return sys.stdout.isatty()

    @property
    def shows_text(self) -> bool:
        """Whether people read along."""
        return not (self.json or self.quiet)

    def note(self, text: str) -> None:
        """Tell people something that they may not expect."""
        if self.shows_text:
            from rich.text import Text

            say(self.err, Text("note: ", style="bold").append(visible(text), style="not bold"))

    def show_json(self, document: Mapping[str, Any], advice: str = RUN_AGAIN) -> None:
        """The one document that standard output carries in JSON mode. Raises CannotRun, with advice, if it does not."""
        with written(advice):
            sys.stdout.buffer.write(_json(document))
            self.told.set()

    def broken_off(self) -> bytes:
        """What standard output has to hold where a signal ends the command before it has more to say."""
        if not (self.json and self.unfinished) or self.told.is_set():
            return b""
        return _json({**self.unfinished(), "status": "interrupted"})

    @contextmanager
    def printing(self) -> "Iterator[Console]":
        """Standard output, all of it written at the end. Raises CannotRun where it takes no more."""
        with written(RUN_AGAIN):
            yield self.out

    @contextmanager
    def streaming(self) -> "Iterator[Console]":
        """The same for lines as they come. Raises BrokenPipeError, too, where nobody reads on."""
        with taken(RUN_AGAIN):
            yield self.out

    def show_error(self, error: CncbopsError) -> None:
        """One line: what failed, on what, what to do next; the traceback only when verbose."""
        if self.verbose:
            self.err.out("".join(traceback.format_exception(error)), end="")
        from rich.text import Text

        line = Text("error: ", style="bold red").append(Text(visible(str(error)), style="not bold default"))
        say(self.err, line)


def _json(document: Mapping[str, Any]) -> bytes:
    return orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def screen_for(options: Local, document: Mapping[str, Any] | None = None) -> Screen:
    """The screen of a command line; `document` is what JSON says of it whatever comes, unless it has lines there."""
    return Screen(options.json, options.quiet, options.verbose, None if document is None else lambda: document)
