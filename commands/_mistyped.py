"""What an option cannot take, in words, with the variable by which it came, and the command whose help tells more."""

import os
from collections.abc import Callable
from functools import partial
from typing import Any

import typer
from typer._click.core import augment_usage_errors
from typer.exceptions import TyperException

from ._sayable import Command, members_of


def answerable(command: Command) -> Command:
    """A command, with its members, whose every mistake tells the command: typer knows none where a value lacks."""
    for each in members_of(command).values():
        answerable(each)
    command.parse_args = partial(_parsed, command.parse_args)
    return command


def _parsed(parse: Callable[[Any, list[str]], list[str]], context: Any, arguments: list[str]) -> list[str]:
    with augment_usage_errors(context):
        return parse(context, arguments)


def told(error: TyperException) -> str:
    """What is wrong with a command line; of a value that was exported, also the variable."""
    message = error.format_message().replace("\n\t", " ")  # as it lists what may be chosen
    variable = _exported(error) if isinstance(error, typer.BadParameter) else None
    return f"{variable}: {message}" if variable else message


def _exported(error: typer.BadParameter) -> str | None:
    """The variable of the environment that says the value, if one does."""
    param, context = error.param, error.ctx
    source = context.get_parameter_source(param.name) if context and param and param.name else None
    if not param or source is None or source.name != "ENVIRONMENT":
        return None
    variables = [param.envvar] if isinstance(param.envvar, str) else param.envvar or []
    return next(filter(os.environ.get, variables), None)
