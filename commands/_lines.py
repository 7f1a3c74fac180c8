"""A command line that is an argument: taken apart as its own command would, and not run."""

from collections.abc import Mapping, Sequence
from typing import Any

import typer

from cncbops.config.checks import nearest
from cncbops.errors import BadInput

from ._sayable import Command, members_of


def context_of(around: typer.Context, line: Sequence[str]) -> Any:
    """The context of a command line, which needs not be complete; `around` is that of the command that is given it.

    What `around` says of --use and --config holds for the line as well. Raises BadInput, or what the command would.
    """
    context: Any = around.find_root()
    rest, own = list(line), (("--use", around.params["use"].profile), ("--config", around.params["config"]))
    typed = [str(part) for flag, value in own if value for part in (flag, value)]
    while members := members_of(context.command):
        name = _member(members, rest, context)
        command = members[name]
        if not members_of(command):
            for param in command.params:
                param.required = False  # what is asked for is its options, wherever they come from
            return command.make_context(name, [*typed, *rest], parent=context)
        context = command.context_class(command, info_name=name, parent=context)
    return context


def _member(members: Mapping[str, Command], rest: list[str], context: Any) -> str:
    """The command of a group that comes next, taken off `rest`; else what the group does by its own name."""
    if rest and rest[0] in members and not members[rest[0]].hidden:
        return rest.pop(0)
    default = next((name for name, each in members.items() if each.hidden), None)
    if default:
        return default
    known = ", ".join(members)
    if rest:
        raise BadInput(f"{context.command_path} has no command {rest[0]}", nearest(rest[0], members))
    raise BadInput(f"{context.command_path} is a group of commands", f"Name one of them: {known}")
