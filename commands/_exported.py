"""What the environment says to nobody: a variable of ours that no option has, as where one is misspelled."""

import os
from collections.abc import Iterator

import typer

from ._sayable import Command, members_of

PREFIX = "CNCBOPS_"


def unheeded(context: typer.Context) -> Iterator[str]:
    """A note for each variable that no command heeds, with the most similar one that there is.

    All commands are imported for it only where this one does not heed some variable.
    """
    exported = {name for name, value in os.environ.items() if name.startswith(PREFIX) and value}
    if exported <= _variables(context.command):
        return
    known = _variables(context.find_root().command)
    for name in sorted(exported - known):
        yield f"{name} is no option's variable, and says nothing. {_hint(name, known)}"


def _variables(command: Command) -> set[str]:
    """Those of a command's options; of a group, of all its commands."""
    if members := members_of(command):
        return {name for each in members.values() for name in _variables(each)}
    named = [param.envvar or [] for param in command.params]
    return {name for names in named for name in ([names] if isinstance(names, str) else names)}


def _hint(name: str, known: set[str]) -> str:
    from cncbops.config.checks import closest  # here: few variables are misspelled

    options = sorted(each.removeprefix(PREFIX) for each in known if each.startswith(PREFIX))
    close = closest(name.removeprefix(PREFIX), options)
    return f"Did you mean {PREFIX}{close}?" if close else "They are named as options: --state-dir is CNCBOPS_STATE_DIR"
