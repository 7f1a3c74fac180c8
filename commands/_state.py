"""Where runs leave their records."""

from pathlib import Path

import platformdirs


def state_folder(given: Path | None) -> Path:
    """The folder as given, else the user's state directory."""
    return given or Path(platformdirs.user_state_path("cncbops"))
