"""What files say of the options of a command, and what a value in a file must be."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, time
from pathlib import Path
from typing import Annotated, Any, get_origin

import typer

from cncbops.cli import COMMANDS
from cncbops.config.checks import as_table, kind, nearest
from cncbops.config.files import Origin
from cncbops.config.profiles import Layer, layers
from cncbops.errors import BadInput

from . import _options as shared
from ._configured import configured
from ._sayable import OF_A_SESSION, TYPED_ONLY, Command, members_of, options_of, says_where_or_who

_SAME_EVERYWHERE = {shared.AWS, shared.GENERAL, shared.DELIVERY, shared.SAFETY}
"""The panels of options that mean the same in every command that takes them."""


@dataclass(frozen=True)
class Said:
    """What a file says of an option."""

    value: Any
    layer: Layer

    @property
    def place(self) -> str:
        """Where it is said, in words."""
        who = f"profile {self.layer.profile}" if self.layer.profile else "defaults"
        return f"{who} in {self.layer.file.path}"


def read(
    context: typer.Context, profile: str | None, names: Sequence[str], commands: Sequence[Command]
) -> dict[str, Said]:
    """What files say of a command's options, by parameter. Raises BadInput.

    `names` are the command's name, `commands` the group of all commands and what each part of the name stands for.
    """
    options = {key: param for key, param in options_of(context.command).items() if key not in TYPED_ONLY}
    found: dict[str, Said] = {}
    for layer in layers(configured(context.params.get("config")), profile, names):
        require_sayable(layer, commands[len(layer.command)])
        for key, param in options.items():
            if key in layer.said:
                found.setdefault(param.name, Said(value_of(layer, key, param, context), layer))
    return found


def general_options() -> set[str]:
    """The options that mean the same in every command, and so may be said of all of them."""
    declared = [each.__metadata__[0] for each in vars(shared).values() if get_origin(each) is Annotated]
    # The first of the flags is where typer looks for a default, until it takes a command apart.
    alike = [(info.default, *info.param_decls) for info in declared if info.rich_help_panel in _SAME_EVERYWHERE]
    names = {flag.split("/")[0].removeprefix("--") for flags in alike for flag in flags if flag.startswith("--")}
    return {"stage", *names} - TYPED_ONLY


def require_sayable(layer: Layer, command: Command) -> None:
    """Raise BadInput for what a table says that nobody heeds, or no file may say. `command` is whom it speaks to."""
    options = options_of(command) if layer.command else dict.fromkeys(sorted(general_options()))
    below = _below(layer, command)
    for key, value in layer.table.items():
        where = f"{layer.where}.{key}"
        if key in below and (isinstance(value, dict) or key not in options):
            as_table(layer.file.path, where, value)
        elif key in TYPED_ONLY or (key in options and not isinstance(value, dict)):
            _require_allowed(layer, key)
        elif key in options:
            raise BadInput(f"{layer.file.path}: {where} is a table", f"Write {key} = … in [{layer.where}]")
        else:
            raise BadInput(f"{layer.file.path}: unknown key {where}", _meant(layer, key, options, command))


def _below(layer: Layer, command: Command) -> Collection[str]:
    """The commands that a table may speak to one by one: what a group does by its own name has no other."""
    if not layer.command:
        return COMMANDS
    return [name for name, each in members_of(command).items() if not each.hidden]


def _meant(layer: Layer, key: str, options: Collection[str], command: Command) -> str:
    """What may have been meant by a key that nobody heeds, as a hint: by a table a command, where there is one."""
    if not layer.command and any(key in options_of(each) for each in members_of(command).values()):
        return _SAY_IT_OF_ONE
    below = _below(layer, command)
    keys = () if below and isinstance(layer.table[key], dict) else (each for each in options if each not in TYPED_ONLY)
    return nearest(key, [*keys, *below])


def _require_allowed(layer: Layer, key: str) -> None:
    where = f"{layer.file.path}: {layer.where}.{key}"
    if key in TYPED_ONLY:
        exported = f"CNCBOPS_{key.replace('-', '_').upper()}"
        raise BadInput(f"{where} is nothing that a file may say", f"Type --{key}, or export {exported}")
    if layer.command[:1] == ("runs",) and key not in OF_A_SESSION:
        raise BadInput(f"{where}: a run that is taken up goes on as it was asked", f"Type --{key} when it shall not")
    if says_where_or_who(key) and layer.file.origin is Origin.upwards and layer.profile is None:
        what = (
            "where AWS calls go, as whom, by which ledger or cluster, is not for the defaults of a file found upwards"
        )
        raise BadInput(
            f"{where}: {what}", "Write it in [profiles.NAME], chosen by --use NAME, or in the user's own file"
        )


_SAY_IT_OF_ONE = "It does not mean the same in every command: say it of one, as in [defaults.replay]"


def value_of(layer: Layer, key: str, param: Any, context: typer.Context) -> Any:
    """A value as the option takes it. Raises BadInput, naming file and key, for what it cannot take."""
    said = layer.table[key]
    where = f"{layer.file.path}: {layer.where}.{key}"
    values = said if param.multiple and isinstance(said, list) else [said]
    for value in values:
        wanted, example = _wanted(param, value)
        if type(value) not in wanted:
            raise BadInput(f"{where} is {kind(value)}", f"Write {example}")
    if param.type_descriptor.annotation is Path:
        values = [str(layer.file.path.parent / _expanded(value)) for value in values]
    value = values if param.multiple else values[0]
    try:
        param.process_value(context, value)
    except typer.BadParameter as error:
        raise BadInput(f"{where} is {said!r}: {error.message}", f"See --{key} in --help") from error
    return value


def _expanded(text: str) -> Path:
    """A path, from the home that its `~` names, if there is one."""
    try:
        return Path(text).expanduser()
    except RuntimeError:
        return Path(text)


def _wanted(param: Any, value: Any) -> tuple[tuple[type, ...], str]:
    """The types that an option takes from TOML, and how to write one where `value` stands."""
    if param.is_flag:
        return (bool,), "true or false"
    if param.type_descriptor.annotation is int:
        return (int,), "an integer, such as 5"
    if param.type_descriptor.annotation is float:
        return (int, float), "a number, such as 5 or 0.5"
    return (str,), 'texts: ["one", "two"]' if param.multiple else _as_text(value)


def _as_text(value: Any) -> str:
    """How what is no text is written as one."""
    if isinstance(value, list):
        return "one text in quotes, without the brackets"
    told = value.isoformat() if isinstance(value, (date, time)) else json.dumps(value)
    return f'a text in quotes: "{told}"'
