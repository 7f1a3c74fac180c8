"""The class of every command that holds others."""

from typing import Any

from typer._click.shell_completion import CompletionItem
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

    def shell_complete(self, ctx: Any, incomplete: str) -> list[CompletionItem]:
        """The names of members and options; nothing after what is no member's name."""
        return [] if ctx._protected_args else self.members(ctx, incomplete)

    def members(self, ctx: Any, incomplete: str) -> list[CompletionItem]:
        """The names of members and options that begin like this."""
        return super().shell_complete(ctx, incomplete)
