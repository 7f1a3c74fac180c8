"""Start-up: help loads no library that it does not need, and a wrong command is told in a line."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from cncbops.cli import COMMANDS
from tests.e2e.far_side import FarSide
from tests.e2e.servers import Cncbops

AWS = {"boto3", "botocore", "s3transfer", "smart_open"}
READING = {"boto3", "s3transfer", "smart_open", "requests", "dask", "distributed"}
FACE = {"typer", "click", "rich"}
ENGINE = {"msgspec", "orjson", "zstandard", "cramjam", "ministack", "numpy", "datasketches", "dask", "distributed"}
CONVERTING = {"pydantic", "pydantic_core"}
FILES = {"tomllib", "platformdirs"}


def modules_loaded(tmp_path: Path, *arguments: str, **more: Any) -> tuple[int, str, set[str]]:
    """Exit code, output and top-level modules of the installed command's entry point."""
    program = "\n".join(
        [
            "import atexit, json, sys",
            "def tell(): print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})), file=sys.stderr)",
            "atexit.register(tell)",
            "from cncbops.cli import main",
            "main()",
        ]
    )
    result = Cncbops(tmp_path, (sys.executable, "-c", program))(*arguments, **more)
    return result.code, result.out, set(json.loads(result.err.splitlines()[-1]))


@pytest.mark.parametrize("argument", [[], ["--help"], ["-h"], ["--version"]])
def test_the_overview_loads_nothing_but_itself(argument: list[str], tmp_path: Path) -> None:
    code, out, modules = modules_loaded(tmp_path, *argument)
    assert code == 0
    assert ("Usage: cncbops" in out) or out.startswith("cncbops ")
    assert not modules & (AWS | FACE | ENGINE)


@pytest.mark.parametrize(
    "command",
    [
        *COMMANDS,
        *("invalidate ls", "failover out", "failover back", "faults stats", "lake cat", "lake stats", "runs resume"),
        *("config show", "sandbox start"),
    ],
)
def test_help_of_a_command_loads_nothing_that_it_does_not_show(command: str, tmp_path: Path) -> None:
    code, out, modules = modules_loaded(tmp_path, *command.split(), "--help")
    assert (code, f"Usage: cncbops {command}" in out) == (0, True)
    assert not modules & (AWS | ENGINE | CONVERTING | FILES)


@pytest.mark.parametrize("how", ["--dry-run", "--execute"])
def test_the_first_request_waits_for_no_library_that_reads(how: str, far_side: FarSide, tmp_path: Path) -> None:
    code, _, modules = modules_loaded(tmp_path, "replay", "s3://lake/", "-f", "absent", how, endpoint=far_side.url)
    assert (code, "botocore" in modules) == (1, True)
    assert not modules & READING


def test_the_installed_script_is_what_runs(cncbops: Cncbops) -> None:
    result = cncbops("--version")
    assert (result.code, result.err) == (0, "")
    assert result.out.startswith("cncbops ")
    unknown = cncbops("relpay")
    assert (unknown.code, unknown.out) == (2, "")
    assert unknown.err.startswith("error: ")
    assert "relpay" in unknown.err
    assert len(unknown.err.splitlines()) == 1
