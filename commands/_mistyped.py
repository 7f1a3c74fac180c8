"""What an option cannot take, in words, with the variable by which it came."""

import os

import typer
from typer.exceptions import TyperException


def told(error: TyperException) -> str:
    """What is wrong with a command line; of a value that was exported, also the variable."""
    if not isinstance(error, typer.BadParameter):
        return error.format_message()
    variable = _exported(error)
    return f"{variable}: {error.format_message()}" if variable else error.format_message()


def _exported(error: typer.BadParameter) -> str | None:
    """The variable of the environment that says the value, if one does."""
    param, context = error.param, error.ctx
    source = context.get_parameter_source(param.name) if context and param and param.name else None
    if not param or source is None or source.name != "ENVIRONMENT":
        return None
    variables = [param.envvar] if isinstance(param.envvar, str) else param.envvar or []
    return next(filter(os.environ.get, variables), None)
