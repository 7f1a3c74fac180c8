"""The class of a command that lists objects: it has no option that would need what is in them."""

from typing import Any

from typer._click.exceptions import NoSuchOption
from typer.core import TyperCommand

_OF_EVENTS = ("--type", "-t", "--partition-key", "--shard", "--filter", "--format", "--id")


class OfObjects(TyperCommand):
    """A command that says why it lacks an option that its neighbours have, in place of names that look alike."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        try:
            return super().parse_args(ctx, args)
        except NoSuchOption as error:
            if error.option_name in _OF_EVENTS:
                error.message += f": {ctx.command_path} reads no events, as `cncbops lake stats` and `lake find` do"
                error.possibilities = None
            raise
