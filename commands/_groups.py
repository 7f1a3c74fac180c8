"""The class of every command that holds others."""

from typing import Any

from typer.core import TyperGroup


class Group(TyperGroup):
    """A group whose own `--help`, where it is not given, is False.

    It would be None, and typer imports pydantic to convert that: a third of what the help of a command takes.
    """

    def get_help_option(self, ctx: Any) -> Any:
        option = super().get_help_option(ctx)
        if option:
            option.default = False
        return option
