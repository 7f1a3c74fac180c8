"""What options are, and what files say, as text: the same data that `-o json` prints."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ._flow import say

_FOUND = {"upwards": "found upwards", "user": "the user's own", "named": "named by --config"}


def show_options(console: Console, document: Mapping[str, Any]) -> None:
    """Print a command's options, a row each, and below them the files that were read."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("option", no_wrap=True)
    table.add_column("value", overflow="fold")
    table.add_column("from", overflow="fold")
    for option in document["options"]:
        is_default = option["from"] == "default"
        row = (option["option"], _value(option), _origin(option))
        table.add_row(*map(Text, row), style="dim" if is_default else None)
    console.print(table)
    console.print()
    if document["profile"]:
        console.print(f"profile {document['profile']}", markup=False)
    _show_read(console, document["files"])


def show_files(console: Console, document: Mapping[str, Any]) -> None:
    """Print what each file says, a line for each key, and which profiles there are."""
    for file in document["files"]:
        console.print(Text(file["path"], style="bold").append(f"  {_FOUND[file['found']]}", style="not bold dim"))
        for key, value in _lines(file["says"], ()):
            say(console, f"  {key} = {value}")
        console.print()
    if not document["files"]:
        _show_read(console, ())
    profiles = ", ".join(document["profiles"])
    say(console, f"profiles, to be chosen by --use: {profiles}" if profiles else "no profiles")


def _show_read(console: Console, files: Sequence[Mapping[str, str]]) -> None:
    if not files:
        console.print("no cncbops.toml is read: there is none here, above, or of the user")
    for file in files:
        say(console, f"read: {file['path']} ({_FOUND[file['found']]})")


def _origin(option: Mapping[str, Any]) -> str:
    match option["from"]:
        case "environment":
            return f"environment, {option['variable']}"
        case "profile" | "defaults":
            return f"[{option['table']}] in {option['file']}"
        case other:
            return str(other)


def _value(option: Mapping[str, Any]) -> str:
    value = option["value"]
    if value is None and option["variable"]:  # a variable that names no profile says who asks all the same
        return "(keys, no profile)"
    if value in (None, [], ""):
        return "-"
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)


def _lines(told: Any, above: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Each key of a table and of those in it, with its value."""
    for name, value in told.items():
        if isinstance(value, dict):
            yield from _lines(value, (*above, name))
        else:
            yield ".".join((*above, name)), json.dumps(value, ensure_ascii=False)
