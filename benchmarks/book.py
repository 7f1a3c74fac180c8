"""The libraries of the book's way, from npm, in a cache of their own outside of this repository."""

import shutil
import subprocess
from pathlib import Path

from platformdirs import user_cache_path

from benchmarks.errors import CannotMeasure

PROGRAM = Path(__file__).with_name("book_way.js")
_LIBRARIES = ("aws-sdk@2", "bluebird@3", "highland@2", "lodash@4")
_INSTALL_S = 180


def node_program() -> str:
    """The path of Node. Raises CannotMeasure."""
    node = shutil.which("node")
    if not node:
        raise CannotMeasure("Node is missing")
    return node


def node_path() -> Path:
    """The folder of the libraries, installed if need be. Raises CannotMeasure."""
    home = user_cache_path("cncbops-benchmarks", ensure_exists=True)
    modules = home / "node_modules"
    if not all((modules / library.partition("@")[0] / "package.json").exists() for library in _LIBRARIES):
        _install(home)
    return modules


def _install(home: Path) -> None:
    npm = shutil.which("npm")
    if not npm:
        raise CannotMeasure("npm is missing")
    command = [npm, "install", "--prefix", str(home), "--no-audit", "--no-fund", "--loglevel=error", *_LIBRARIES]
    try:
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=_INSTALL_S)
    except subprocess.CalledProcessError as error:
        raise CannotMeasure(f"npm cannot install the book's libraries: {error.stderr.strip()[-200:]}") from error
    except subprocess.TimeoutExpired as error:
        raise CannotMeasure("npm does not come to an end") from error
