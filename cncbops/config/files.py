"""Finding and reading `cncbops.toml`: the nearest from the working folder upwards, and the user's own.

What another user could have written is not read: such a file could send events, or AWS calls, elsewhere.
"""

import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, BinaryIO

from cncbops.config.checks import as_table, require_known
from cncbops.errors import BadInput

FILE_NAME = "cncbops.toml"
SECTIONS = ("defaults", "profiles", "stage", "health")

_NOT_OURS = "Make file and folder your own (chown, chmod o-w), work in another folder, or name a file with --config"


class Origin(StrEnum):
    """How a file was found."""

    named = "named"
    upwards = "upwards"
    user = "user"


@dataclass(frozen=True)
class ConfigFile:
    """One file, as TOML has it."""

    path: Path
    origin: Origin
    told: Mapping[str, Any]


@dataclass(frozen=True)
class Config:
    """All files that count, the nearest first."""

    files: tuple[ConfigFile, ...] = ()

    def sections(self, name: str) -> Iterator[tuple[ConfigFile, Mapping[str, Any]]]:
        """A section of each file that has it. Raises BadInput if it is no table."""
        for file in self.files:
            if name in file.told:
                yield file, as_table(file.path, name, file.told[name])


def read_config(folder: Path | None, user_folder: Path, named: Path | None = None) -> Config:
    """The nearest file from a folder upwards, and the user's behind it; or the one that is named, and no other.

    Without a folder there is none upwards. Raises BadInput for what cannot be read, is no TOML, has unknown sections,
    or could be another user's doing.
    """
    if named:
        return Config((_read(named, Origin.named),))
    nearest, users = folder and find_config(folder), user_folder / FILE_NAME
    found = [(users, Origin.user)] if _is_there(users) else []
    if nearest and not (found and nearest.samefile(users)):
        found.insert(0, (nearest, Origin.upwards))
    return Config(tuple(_read(path, origin) for path, origin in found))


def find_config(start: Path) -> Path | None:
    """The nearest `cncbops.toml` from a folder upwards; None if there is none."""
    start = start.resolve()
    return next((path for folder in (start, *start.parents) if _is_there(path := folder / FILE_NAME)), None)


def _is_there(path: Path) -> bool:
    """Whether there is a file, or a folder in its place, as far as this user may look.

    One that is closed to him has none for him.
    """
    try:
        return path.is_file() or path.is_dir()
    except PermissionError:
        return False


def _read(path: Path, origin: Origin) -> ConfigFile:
    import tomllib  # here: mostly there is no file

    try:
        with path.open("rb") as file:
            if origin is not Origin.named:
                _require_ours(path, file)
            told = tomllib.load(file)
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}", "Check the file, or name another") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadInput(f"{path} is not TOML: {error}", "Mend the file") from error
    require_known(path, "", told, SECTIONS)
    return ConfigFile(path, origin, told)


def _require_ours(path: Path, file: BinaryIO) -> None:
    """Raise BadInput if somebody else than this user, or root, could have put there what is read."""
    for what, facts in ((path, path.lstat()), (path, os.fstat(file.fileno())), (path.parent, path.parent.stat())):
        if facts.st_uid not in (0, os.geteuid()):
            raise BadInput(f"{path} is not read: {what} belongs to another user", _NOT_OURS)
        # A link is what its owner made it. In a folder with the sticky bit, as /tmp, nobody can replace another's file.
        guarded = stat.S_ISLNK(facts.st_mode) or (stat.S_ISDIR(facts.st_mode) and facts.st_mode & stat.S_ISVTX)
        if facts.st_mode & stat.S_IWOTH and not guarded:
            raise BadInput(f"{path} is not read: everybody can write {what}", _NOT_OURS)
