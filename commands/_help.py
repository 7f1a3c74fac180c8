"""Help as typer makes it, in lines of the terminal's width, and written as all else is."""

from contextlib import suppress
from functools import partial
from typing import Any

import typer

from ._output import RUN_AGAIN, written
from ._sayable import Command, members_of


def helpful(command: Command) -> Command:
    """A command, with its members, whose help breaks lines where the terminal ends, not where its source does."""
    for each in members_of(command).values():
        helpful(each)
    if command.help:
        command.help = "\n\n".join(" ".join(part.split("\n")) for part in command.help.split("\n\n"))
    command.get_help = partial(_printed, command.get_help)
    return command


def _printed(get_help: Any, context: Any) -> None:
    """Print help, and end the command. Raises CannotRun where it cannot be written."""
    with written(RUN_AGAIN), suppress(SystemExit):  # rich ends the process where nobody reads on
        typer.echo(get_help(context))
    raise typer.Exit
