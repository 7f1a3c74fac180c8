"""Where runs leave their records."""

from pathlib import Path

from cncbops.ledger.place import usual_folder


def state_folder(given: Path | None) -> Path:
    """The folder as given, else the user's state directory."""
    return given or usual_folder()
