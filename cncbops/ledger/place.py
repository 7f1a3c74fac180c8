"""Where the ledger is, as it is typed."""

import os
import shlex
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import platformdirs

from cncbops.config.files import FILE_NAME, find_config
from cncbops.lake.sources import printable


def usual_folder() -> Path:
    """Where runs leave their records unless a command line, or a profile that it names, says otherwise."""
    return Path(os.environ.get("CNCBOPS_STATE_DIR") or platformdirs.user_state_path("cncbops"))


def at_ledger(folder: Path) -> str:
    """What is to be typed behind a command that is to find this ledger, and would look elsewhere without a word."""
    there, usual = (printable(str(each.absolute())) for each in (folder, usual_folder()))
    goes_unsaid = there == usual and (_is_exported() or not any(map(_may_lead_away, _files_that_speak())))
    return "" if goes_unsaid else f" --state-dir {shlex.quote(printable(str(folder)))}"


def _is_exported() -> bool:
    return bool(os.environ.get("CNCBOPS_STATE_DIR"))


def _files_that_speak() -> Iterator[Path]:
    """The files whose word counts where a command line says nothing, profile and file neither."""
    if named := os.environ.get("CNCBOPS_CONFIG"):
        yield Path(named)
        return
    yield platformdirs.user_config_path("cncbops") / FILE_NAME
    if os.environ.get("CNCBOPS_USE"):  # what was found upwards may say it in a profile alone
        with suppress(OSError):
            yield from filter(None, [find_config(Path.cwd())])


def _may_lead_away(file: Path) -> bool:
    """Whether a file names a state directory, be it of another command or profile: one that is said is not wrong."""
    try:
        return b"state-dir" in file.read_bytes()
    except OSError:
        return False


def on_run(verb: str, run_id: str, folder: Path, options: str = "") -> str:
    """A command of `cncbops runs` for a run of the ledger in this folder; `options` as they are typed behind it."""
    return f"cncbops runs {verb} {run_id}{options}{at_ledger(folder)}"
