"""Every command that there is, as it is typed."""

from collections.abc import Iterator
from typing import Any

from cncbops.commands._group import root

_OWN = "do"
"""What a group does by its own name."""


def all_commands() -> list[str]:
    """The commands that can be run: those of groups, and groups that do something themselves."""
    return list(_below(root(), ""))


def _below(command: Any, path: str) -> Iterator[str]:
    members = dict(getattr(command, "commands", {}))
    if members.pop(_OWN, None) or not members:
        yield path
    for name, member in members.items():
        yield from _below(member, f"{path} {name}".strip())
