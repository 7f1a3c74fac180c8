"""Which files are read for a command line."""

from pathlib import Path

import platformdirs

from cncbops.config.files import Config, read_config


def configured(named: Path | None) -> Config:
    """The nearest cncbops.toml upwards and the user's own, or the one that --config names. Raises BadInput."""
    return read_config(Path.cwd(), Path(platformdirs.user_config_path("cncbops")), named)
