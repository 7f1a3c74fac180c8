"""The names by which values are completed are names of options and arguments that there are."""

from collections.abc import Iterator
from typing import Any

from cncbops.commands._group import root
from cncbops.commands._groups import Group
from cncbops.commands._suggest import BY_NAME, WITH_FILES


def names_below(command: Any) -> Iterator[str]:
    for param in command.params:
        yield from (*param.opts, param.metavar or "")
    if isinstance(command, Group):
        for member in command.commands.values():
            yield from names_below(member)


def test_every_name_is_one_of_an_option_or_argument() -> None:
    assert {*BY_NAME, *WITH_FILES} <= set(names_below(root()))
