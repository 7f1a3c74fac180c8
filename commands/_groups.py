"""The class of every command that holds others."""

from typing import Any

from typer._click.shell_completion import CompletionItem
from typer.core import TyperGroup


class Group(TyperGroup):
    """A group that suggests its members."""

    def shell_complete(self, ctx: Any, incomplete: str) -> list[CompletionItem]:
        """The names of members and options; nothing after what is no member's name."""
        return [] if ctx._protected_args else self.members(ctx, incomplete)

    def members(self, ctx: Any, incomplete: str) -> list[CompletionItem]:
        """The names of members and options that begin like this."""
        return super().shell_complete(ctx, incomplete)
