"""The commands as one typer group whose members are imported one by one, when they are asked for."""

import importlib
import os
import sys
from collections.abc import Iterator, MutableMapping
from io import TextIOWrapper
from typing import Any, cast

import typer
from typer._click.shell_completion import CompletionItem
from typer.exceptions import TyperException

from cncbops.cli import COMMANDS, COMPLETING, OVERVIEW, silence
from cncbops.errors import CncbopsError

from ._flow import flowing
from ._from_files import with_profiles
from ._groups import Group
from ._help import helpful
from ._mistyped import answerable, told
from ._values import read_by_kind
from ._words import visible


class _Loaded(MutableMapping[str, Any]):
    """Command by name, imported from `cncbops.commands` at first use."""

    def __init__(self) -> None:
        self._commands: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in COMMANDS:
            raise KeyError(name)
        if name not in self._commands:
            module = importlib.import_module(f"cncbops.commands.{name}")
            self._commands[name] = answerable(helpful(with_profiles(typer.main.get_command(module.app))))
        return self._commands[name]

    def __setitem__(self, name: str, command: Any) -> None:
        self._commands[name] = command

    def __delitem__(self, name: str) -> None:
        del self._commands[name]

    def __iter__(self) -> Iterator[str]:
        return iter(COMMANDS)

    def __len__(self) -> int:
        return len(COMMANDS)


class _Group(Group):
    def format_help(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002  the base class's signature
        formatter.write(OVERVIEW)

    def members(self, ctx: Any, incomplete: str) -> list[CompletionItem]:  # noqa: ARG002  as above
        """The commands by name, of which none is imported for that; the options once a dash is typed."""
        known = {**COMMANDS, "--help": "Show the overview.", "--version": "Show the version."}
        found = [CompletionItem(name, help=what) for name, what in known.items() if name.startswith(incomplete)]
        return [item for item in found if incomplete or item.value in COMMANDS]


def root() -> Group:
    """The group of all commands."""
    read_by_kind()
    group = _Group(name="cncbops", rich_markup_mode=None)
    group.commands = _Loaded()
    return group


def run() -> int:
    """Run the command that the arguments name; its exit code. A wrong command line is exit 2."""
    for stream in (sys.stdout, sys.stderr):
        # A terminal or pipe that cannot hold every character gets what it can hold.
        cast(TextIOWrapper, stream).reconfigure(errors="replace")
    if os.environ.get("NO_COLOR"):
        os.environ["_TYPER_FORCE_DISABLE_TERMINAL"] = "1"  # typer's help would be bold and dim still
    if os.environ.get(COMPLETING):
        importlib.import_module("cncbops.commands._shells").register()
    try:
        return root().main(prog_name="cncbops", standalone_mode=False) or 0
    except TyperException as error:
        wrong = told(error)
        _tell(f"{wrong if wrong.endswith('?') else wrong.rstrip('.') + '.'} See {_help_of(error)}")
        return error.exit_code
    except CncbopsError as error:  # of the files that say what was not typed
        _tell(visible(str(error)))
        return error.exit_code
    except typer.Abort:
        return 130


def _tell(error: str) -> None:
    try:
        sys.stderr.write(flowing(f"error: {error}\n", sys.stderr.fileno()))
    except OSError:  # nobody reads it, or it is full
        silence(sys.stderr.fileno())


def _help_of(error: TyperException) -> str:
    context = getattr(error, "ctx", None)
    return f"`{context.command_path if context else 'cncbops'} --help`"
