"""Which files are read for a command line."""

from pathlib import Path

import platformdirs

from cncbops.config.files import Config, read_config


def configured(named: Path | None) -> Config:
    """The nearest cncbops.toml upwards and the user's own, or the one that --config names. Raises BadInput."""
    return read_config(_working_folder(), Path(platformdirs.user_config_path("cncbops")), named)


def _working_folder() -> Path | None:
    """None where it is gone, or this user may not know it: most commands need none."""
    try:
        return Path.cwd()
    except (FileNotFoundError, PermissionError):
        return None
