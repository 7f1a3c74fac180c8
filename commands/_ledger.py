"""The ledger that a command reads runs from."""

from pathlib import Path

from cncbops.errors import BadInput
from cncbops.ledger.ledger import Ledger

from ._state import state_folder


def ledger_with(run: str, state_dir: Path | None) -> Ledger:
    """The ledger that should have a run, to be read only. Raises BadInput if there is none."""
    folder = state_folder(state_dir)
    looked = Ledger.look(folder)
    if looked is None:
        raise BadInput(f"there is no run {run}: no ledger in {folder}", "Give its place with --state-dir")
    return looked
