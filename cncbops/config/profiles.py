"""`[defaults]` and `[profiles.NAME]` of `cncbops.toml`: what options say where they are not typed.

    [defaults]                  # of every command
    region = "us-east-1"

    [profiles.prod]             # chosen by --use prod
    stage = "prd"

    [profiles.prod.replay]      # of one command
    rate = 500

A key counts as it is said closest to what was typed: by the profile before the defaults, of the command before all
commands, in the nearest file before the user's.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from cncbops.config.checks import as_table, nearest
from cncbops.config.files import Config, ConfigFile
from cncbops.errors import BadInput

DEFAULTS, PROFILES = "defaults", "profiles"


@dataclass(frozen=True)
class Layer:
    """One table of one file: what it says to `command`, a group of commands, or to all of them (then it is empty).

    `table` holds the tables of commands below, too.
    """

    file: ConfigFile
    where: str
    profile: str | None
    command: tuple[str, ...]
    table: Mapping[str, Any]

    @property
    def said(self) -> Mapping[str, Any]:
        """What it says itself."""
        return {key: value for key, value in self.table.items() if not isinstance(value, dict)}


def layers(config: Config, profile: str | None, command: Sequence[str]) -> list[Layer]:
    """The tables that speak to a command, what counts most first. Raises BadInput if there is no such profile."""
    if profile is not None and profile not in (known := profiles_in(config)):
        where = ", ".join(str(file.path) for file in config.files)
        looked = f"in {where}" if where else "for there is no cncbops.toml, here, above, or of the user"
        raise BadInput(f"there is no profile {profile} {looked}", nearest(profile, known))
    scopes = [(PROFILES, profile), (DEFAULTS,)] if profile is not None else [(DEFAULTS,)]
    parts = [tuple(command[:length]) for length in range(len(command), -1, -1)]
    tables = product(scopes, parts, config.files)
    return [layer for scope, part, file in tables for layer in _layer(file, scope, part)]


def profiles_in(config: Config) -> list[str]:
    """The profiles that there are, by name, in the order of the files."""
    return list(dict.fromkeys(name for _, told in config.sections(PROFILES) for name in told))


def _layer(file: ConfigFile, scope: Sequence[str], command: tuple[str, ...]) -> Iterator[Layer]:
    """The table at a place of a file, if there is one."""
    table, where = file.told, ""
    for name in (*scope, *command):
        where = f"{where}.{name}" if where else name
        if name not in table:
            return
        table = as_table(file.path, where, table[name])
    yield Layer(file, where, scope[1] if len(scope) > 1 else None, command, table)
