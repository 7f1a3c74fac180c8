"""Where the ledger is, as it is typed."""

import os
import shlex
from pathlib import Path

import platformdirs

from cncbops.lake.sources import printable


def usual_folder() -> Path:
    """Where runs leave their records unless a command line, or a profile that it names, says otherwise."""
    return Path(os.environ.get("CNCBOPS_STATE_DIR") or platformdirs.user_state_path("cncbops"))


def at_ledger(folder: Path) -> str:
    """What is to be typed behind a command that is to find this ledger, and would look elsewhere without a word."""
    there, usual = (printable(str(each.absolute())) for each in (folder, usual_folder()))
    return "" if there == usual else f" --state-dir {shlex.quote(printable(str(folder)))}"


def on_run(verb: str, run_id: str, folder: Path, options: str = "") -> str:
    """A command of `cncbops runs` for a run of the ledger in this folder; `options` as they are typed behind it."""
    return f"cncbops runs {verb} {run_id}{options}{at_ledger(folder)}"
