"""What `cncbops config show` does: take a line apart as its command would, and tell where each value is from."""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from enum import Enum
from pathlib import Path
from typing import Any

import typer

from cncbops.config.files import Config
from cncbops.config.names import names_in
from cncbops.config.profiles import profiles_in
from cncbops.config.watched import watched_in
from cncbops.faults.masking import masked_text
from cncbops.lake.sources import printable

from ._config_view import show_files, show_options
from ._configured import configured
from ._ending import guarded
from ._from_files import AWS_VARIABLES, FromFiles
from ._lines import context_of
from ._options import Local, Output
from ._sayable import key_of, members_of
from ._screen import Screen, screen_for
from ._words import visible

_COMMAND = "config show"
_NOT_SHOWN = {"help", "use", "config"}
"""Options that choose what the others are; the document tells them otherwise."""


def carry_out(context: typer.Context, line: Sequence[str], local: Local) -> int:
    """Show a command's options, or what files say; the exit code."""
    root, named = context.find_root(), context.params["config"]
    chosen: FromFiles = context.params["use"]

    def work() -> int:
        if not line:
            return _show_files(root, chosen.profile, named, screen_for(local))
        found = context_of(context, line)
        is_json = local.json or found.params.get("output") is Output.json
        return _show_options(found, screen_for(replace(local, json=is_json)))

    return guarded(screen_for(local, {"command": _COMMAND}), work)


def _show_options(context: Any, screen: Screen) -> int:
    files: FromFiles = context.params["use"]
    options = [_option(context, files, param) for param in context.command.params if _is_shown(param)]
    document = {
        "command": _COMMAND,
        "of": context.command_path.partition(" ")[2],
        "profile": files.profile,
        "files": _paths(configured(context.params["config"])),
        "options": options,
    }
    _tell(document, show_options, screen)
    return 0


def _is_shown(param: Any) -> bool:
    return param.param_type_name == "option" and key_of(param) not in _NOT_SHOWN


def _option(context: Any, files: FromFiles, param: Any) -> dict[str, Any]:
    """An option's value, and what says so."""
    source = context.get_parameter_source(param.name).name
    facts = {"option": f"--{key_of(param)}", "value": _plain(context.params[param.name])}
    nothing = {"variable": None, "profile": None, "file": None, "table": None}
    if source == "COMMANDLINE":
        return {**facts, "from": "option", **nothing}
    if source == "DEFAULT_MAP" and (said := files.said(param.name)):
        layer = said.layer
        where = {"profile": layer.profile, "file": printable(str(layer.file.path)), "table": layer.where}
        return {**facts, "from": "profile" if layer.profile else "defaults", **nothing, **where}
    own = param.envvar if source == "ENVIRONMENT" else AWS_VARIABLES.get(param.name, ())
    variable = next(filter(os.environ.get, own), None)
    if variable is None:
        return {**facts, "from": "default", **nothing}
    value = facts["value"] if source == "ENVIRONMENT" else _of_aws(variable)
    return {**facts, "value": value, "from": "environment", **nothing, "variable": variable}


def _of_aws(variable: str) -> str | None:
    """What a variable of AWS's own says for an option; a key says none, but who asks."""
    return None if variable == "AWS_ACCESS_KEY_ID" else masked_text(os.environ[variable])


def _show_files(root: Any, profile: str | None, named: Path | None, screen: Screen) -> int:
    config = configured(named)
    _check(root, config, profile, named)
    document = {
        "command": _COMMAND,
        "profile": profile,
        "profiles": profiles_in(config),
        "files": [
            {**facts, "says": _plain(file.told)} for file, facts in zip(config.files, _paths(config), strict=True)
        ],
    }
    _tell(document, show_files, screen)
    return 0


def _check(root: Any, config: Config, profile: str | None, named: Path | None) -> None:
    """Raise BadInput if anything in any file cannot be meant, for whichever command and profile."""
    names_in(config)
    watched_in(config)
    for each in dict.fromkeys([profile, None, *profiles_in(config)]):
        for context in _leaves(root):
            context.params["config"] = named
            FromFiles(context, each).check()


def _leaves(context: Any) -> Iterator[Any]:
    """A context for each command."""
    for name, command in members_of(context.command).items():
        below = command.context_class(command, info_name=name, parent=context)
        if members_of(command):
            yield from _leaves(below)
        else:
            yield below


def _paths(config: Config) -> list[dict[str, str]]:
    return [{"path": printable(str(file.path)), "found": file.origin.value} for file in config.files]


def _plain(value: Any) -> Any:
    """A value as JSON has it, masked."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    if value is None or isinstance(value, (bool, int, float)):
        return value
    return masked_text(printable(str(value)))


def _tell(document: Mapping[str, Any], show: Any, screen: Screen) -> None:
    if screen.json:
        screen.show_json(document)
    elif not screen.quiet:
        with screen.printing() as out:
            show(out, visible(dict(document)))
