"""The entry point: finds the command that was asked for and runs it.

Start-up is part of the feel: a command's module is imported when the command is run, and the
overview needs nothing but the table below.
"""

import gc
import importlib
import os
import sys

from cncbops import __version__
from cncbops.early_signals import INTERRUPTED, leave_on_signal

COMMANDS = {
    "replay": "Send chosen events of a data lake to one function, as Kinesis records.",
    "resubmit": "Send the events of faults again, to the functions that raised them.",
    "invalidate": "Let the edges of a CloudFront distribution fetch paths anew.",
    "health": "Tell whether each region is fit to serve; look once, or keep watching.",
    "failover": "Take a region out of service, put it back, or see how all stand.",
    "lake": "Look into a data lake: list, print, find, count, compare.",
    "faults": "List faults, show one, and group them by cause.",
    "runs": "List runs, show one, go on with it, redrive what failed; pause or stop it.",
    "policy": "Print the least IAM policy that a command needs.",
    "config": "Tell what every option of a command is, and where that comes from.",
    "sandbox": "Start, stop and look at an embedded AWS with a lake and faults to try things on.",
    "completion": "Print what lets bash, zsh or fish complete commands, options and names.",
    "demo": "Live through incidents from start to end in the sandbox, in under a minute.",
}

COMPLETING = "_CNCBOPS_COMPLETE"
"""The variable by which a shell asks what the word before the cursor may become; typer derives it from the name."""

OVERVIEW = f"""\
Usage: cncbops COMMAND [ARGS]...

  Data-lake replay and fault recovery for event-sourced AWS systems. Whatever
  changes anything in AWS is a dry-run unless --execute is given.

Options:
  --version  Show the version and exit.
  --help     Show this message and exit.

Commands:
{chr(10).join(f"  {name:<11} {what}" for name, what in COMMANDS.items())}

Try `cncbops demo` first, and `cncbops COMMAND --help` for each command.
"""

_OBJECTS_BETWEEN_SEARCHES = 50_000
"""Records are no garbage in cycles: Python's own 700 would spend a tenth of the time on searching them."""


def main() -> None:
    """Run the command line of this process, and exit with its code."""
    sys.stdout = sys.stdout or open(os.devnull, "w")  # noqa: PTH123, SIM115  one that the caller has closed
    sys.stderr = sys.stderr or open(os.devnull, "w")  # noqa: PTH123, SIM115
    arguments = sys.argv[1:]
    if os.environ.get(COMPLETING):
        sys.exit(_run())
    elif arguments in ([], ["-h"], ["--help"]):
        _write(OVERVIEW)
    elif arguments == ["--version"]:
        _write(f"cncbops {__version__}\n")
    else:
        sys.exit(_run())


def _write(text: str) -> None:
    """Write to standard output, which somebody may have read as far as he wanted."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        silence(sys.stdout.fileno())
    except OSError as error:
        silence(sys.stdout.fileno())
        sys.exit(f"error: standard output cannot be written: {error.strerror}. Send it where there is room")


def silence(descriptor: int) -> None:
    """Let what Python still holds back for a stream, and all that comes, go nowhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, descriptor)
    os.close(nowhere)


def _run() -> int:
    """Run a command. SIGTERM ends it as Ctrl-C does, unless the command has its own way."""
    try:
        leave_on_signal(sys.argv[1:])
        gc.set_threshold(_OBJECTS_BETWEEN_SEARCHES)
        gc.disable()  # until the work begins (`guarded` in commands/_ending.py): what is imported is no garbage
        return int(importlib.import_module("cncbops.commands._group").run())
    except KeyboardInterrupt:
        return INTERRUPTED
    finally:
        gc.freeze()  # the interpreter would else search all that is left for garbage, which takes a sixth of a second
