"""Signals while a command's modules are loaded: nothing is under way yet, and the process ends at once.

What is typed is read only as far as needed to tell what standard output has to hold then.
"""

import os
import re
import signal
from collections.abc import Sequence
from contextlib import suppress
from types import FrameType

INTERRUPTED = 130
ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""What ends a command that is at work, and goes to all processes of its group or terminal."""

_STDOUT = 1
_GROUPS = {"config", "failover", "faults", "lake", "runs"}
"""Commands whose next word is part of their name."""
_MEMBERS = {"invalidate ls", "invalidate status"}
"""Of another command, names whose second word is one of theirs."""
_TEXT = {"completion", "demo"}
_LINES = {"faults ls", "lake cat", "lake find", "lake ls"}
_LINES_BY = ("--all", "--watch")
_NO_LINES_BY = "--summary"
_SHORT = re.compile("-[a-z]*o")
_JOINED = re.compile("(--output=|-[a-z]*?o)(?P<form>[a-z]+)")


def leave_on_signal(arguments: Sequence[str]) -> None:
    """Let SIGINT and SIGTERM end the process, in JSON with a document, until `loaded`."""
    leaving = _Leaving(document_of(arguments))
    signal.signal(signal.SIGTERM, leaving)
    if signal.getsignal(signal.SIGINT) != signal.SIG_IGN:  # as in the background of a shell
        signal.signal(signal.SIGINT, leaving)


def loaded() -> None:
    """Let the two be a KeyboardInterrupt from now on: the command tells how it ends."""
    for number in (signal.SIGINT, signal.SIGTERM):
        if isinstance(signal.getsignal(number), _Leaving):
            signal.signal(number, signal.default_int_handler)


class _Leaving:
    """Handles a signal; what it writes is made before, as a handler must not import what may be half imported."""

    def __init__(self, document: str) -> None:
        self._written = document.encode()

    def __call__(self, _number: int, _frame: FrameType | None) -> None:
        with suppress(OSError):  # nobody reads any more
            os.write(_STDOUT, self._written)
        os._exit(INTERRUPTED)


def document_of(arguments: Sequence[str]) -> str:
    """The document of a command line that has one; empty where it is text, or lines."""
    name = _name_of(arguments)
    if not _wants_json(arguments) or name in _TEXT or (name in _LINES and _NO_LINES_BY not in arguments):
        return ""
    if any(argument.partition("=")[0] in _LINES_BY for argument in arguments):
        return ""
    import json  # here: a command line that speaks no JSON may need none of it

    return json.dumps({"command": name, "status": "interrupted"}, indent=2) + "\n"


def _name_of(arguments: Sequence[str]) -> str:
    """What the document calls the command."""
    first, both = "".join(arguments[:1]), " ".join(arguments[:2])
    return both if first in _GROUPS or both in _MEMBERS else first


def _wants_json(arguments: Sequence[str]) -> bool:
    """Whether the last option that says a form, alone or behind other letters, says JSON; else the environment."""
    form = os.environ.get("CNCBOPS_OUTPUT")
    for before, argument in zip(["", *arguments], arguments, strict=False):
        if before == "--output" or _SHORT.fullmatch(before):
            form = argument
        elif said := _JOINED.fullmatch(argument):
            form = said["form"]
    return form == "json"
