"""`cncbops.toml`: what of each region is watched.

    [health.us-east-1]
    checks = ["https://abc123.execute-api.us-east-1.amazonaws.com/john/check"]
    alarms = ["john-*"]

The keys of a region are the fields of `cncbops.watched.Watched`; each holds a list of strings, or one.
"""

import difflib
import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from cncbops.errors import BadInput
from cncbops.watched import NAMES, Watched

FILE_NAME = "cncbops.toml"
REGION = re.compile(r"[a-z]{2,}(?:-[a-z]+)+-\d+")
"""What a region's name looks like: `us-east-1`, `us-gov-west-1`, `eusc-de-east-1`."""


def find_config(start: Path) -> Path | None:
    """The nearest `cncbops.toml` from a folder upwards; None if there is none."""
    start = start.resolve()
    return next((path for folder in (start, *start.parents) if (path := folder / FILE_NAME).is_file()), None)


def read_watched(path: Path) -> Mapping[str, Watched]:
    """What of each region is watched, by region, in the order of the file. Raises BadInput, naming field and reason."""
    told = _read(path)
    _require_known(path, "", told, ["health"])
    regions = _table(path, "health", told.get("health", {}))
    return {region: _watched(path, region, region_told) for region, region_told in regions.items()}


def _read(path: Path) -> Mapping[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}", "Check the file, or name another") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadInput(f"{path} is not TOML: {error}", "Mend the file") from error


def _watched(path: Path, region: str, told: object) -> Watched:
    if not REGION.fullmatch(region):
        raise BadInput(f"{path}: {region!r} in [health.{region}] is no region", "Write it as [health.us-east-1]")
    where = f"health.{region}"
    table = _table(path, where, told)
    _require_known(path, where, table, NAMES)
    return Watched.of({name: _texts(path, f"{where}.{name}", value) for name, value in table.items()})


def _table(path: Path, where: str, value: object) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise BadInput(f"{path}: {where} is no table", f"Write [{where}] above its keys")
    return value


def _texts(path: Path, where: str, value: object) -> list[str]:
    values: list[Any] = value if isinstance(value, list) else [value]
    if not all(isinstance(each, str) and each for each in values):
        raise BadInput(f"{path}: {where} is {value!r}", 'Write texts: ["one", "two"]')
    return values


def _require_known(path: Path, where: str, table: Mapping[str, Any], known: Iterable[str]) -> None:
    for name in table.keys() - set(known):
        close = difflib.get_close_matches(name, known, n=1)
        hint = f"Did you mean {close[0]}?" if close else f"Known here: {', '.join(known)}"
        raise BadInput(f"{path}: unknown key {where}.{name}".replace(" .", " "), hint)
