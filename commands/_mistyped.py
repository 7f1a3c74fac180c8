"""What an option cannot take, in words: by which option or variable it came, and why not."""

import os
from typing import Any

import typer
from typer.exceptions import TyperException


def told(error: TyperException) -> str:
    """What is wrong with a command line; of a value that was exported, also the variable."""
    if not isinstance(error, typer.BadParameter):
        return error.format_message()
    error.message = why_not(error)
    variable = _exported(error)
    return f"{variable}: {error.format_message()}" if variable else error.format_message()


def why_not(error: typer.BadParameter) -> str:
    """Why an option does not take a value."""
    validated: Any = error.__cause__
    if not hasattr(validated, "errors"):
        return error.message
    found = validated.errors()[0]
    value, limits = found["input"], found.get("ctx", {})
    known = {
        "float_parsing": f"{value!r} is no number",
        "int_parsing": f"{value!r} is no integer",
        "bool_parsing": f"{value!r} is neither true nor false",
        "greater_than_equal": f"{value} is less than {limits.get('ge')}",
        "less_than_equal": f"{value} is more than {limits.get('le')}",
    }
    return known.get(found["type"], error.message.removeprefix("Value error, "))


def _exported(error: typer.BadParameter) -> str | None:
    """The variable of the environment that says the value, if one does."""
    param, context = error.param, error.ctx
    source = context.get_parameter_source(param.name) if context and param and param.name else None
    if not param or source is None or source.name != "ENVIRONMENT":
        return None
    variables = [param.envvar] if isinstance(param.envvar, str) else param.envvar or []
    return next(filter(os.environ.get, variables), None)
