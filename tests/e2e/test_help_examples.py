"""The examples in each help: shown as they are to be typed, and right."""

import re
import shlex
from collections.abc import Iterator
from typing import Any

import pytest
from cncbops.commands._group import root
from cncbops.commands._groups import Group

from tests.e2e.servers import Cncbops

NARROW = 60


def commands_below(path: tuple[str, ...], command: Any) -> Iterator[tuple[str, ...]]:
    """The words that name each command that a user can type, groups included."""
    if path:
        yield path
    if isinstance(command, Group):
        for name, member in command.commands.items():
            if not member.hidden:
                yield from commands_below((*path, name), member)


COMMANDS = list(commands_below((), root()))


def end_of_help(cncbops: Cncbops, path: tuple[str, ...], columns: int) -> list[str]:
    """The lines of a command's help that follow the word `Examples`."""
    lines = [line.strip() for line in cncbops(*path, "--help", env={"COLUMNS": str(columns)}).out.splitlines()]
    return lines[lines.index("Examples") + 1 :]


def command_lines(shown: list[str]) -> list[str]:
    """Examples without their comments; what is folded is one line, as a shell takes it."""
    return [line for line in "\n".join(shown).replace("\\\n", "").splitlines() if line and not line.startswith("#")]


def invocations(line: str) -> Iterator[list[str]]:
    """The arguments of every `cncbops` in a line of a shell."""
    words = shlex.shlex(re.sub(r'"?[$<]\(|\)"?', " ", line), posix=True, punctuation_chars="|&;<>")
    words.whitespace_split = True
    words.commenters = ""
    arguments: list[str] | None = None
    for word in [*words, ";"]:
        if set(word) <= set("|&;<>"):
            if arguments is not None:
                yield arguments
            arguments = None
        elif arguments is not None:
            arguments.append(word)
        elif word == "cncbops":
            arguments = []


def parse(arguments: list[str]) -> None:
    """Take a command line apart with the command's own parser, which complains where it is wrong; run nothing."""
    context = root().make_context("cncbops", list(arguments))
    while isinstance(context.command, Group):
        name, command, rest = context.command.resolve_command(context, [*context._protected_args, *context.args])
        assert command is not None
        context = command.make_context(name, rest, parent=context)


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_help_ends_with_examples_that_the_command_takes(path: tuple[str, ...], cncbops: Cncbops) -> None:
    shown = end_of_help(cncbops, path, NARROW)
    assert shown == end_of_help(cncbops, path, 200), "what is narrow must break no line elsewhere"
    lines = command_lines(shown)
    assert 2 <= len(lines) <= 4
    called = [arguments for line in lines for arguments in invocations(line)]
    assert len(called) >= len(lines)
    for arguments in called:
        parse(arguments)
    assert called[0][: len(path)] == list(path)
