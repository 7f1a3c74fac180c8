"""Start-up: nothing is loaded that a command line does not need, and a wrong command is told in a line."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from cncbops.cli import COMMANDS
from tests.e2e import lakes
from tests.e2e.far_side import FarSide
from tests.e2e.servers import Cncbops

AWS = {"boto3", "botocore", "s3transfer", "smart_open"}
READING = {"boto3", "s3transfer", "smart_open", "requests", "dask", "distributed"}
FACE = {"typer", "click", "rich"}
ENGINE = {"msgspec", "orjson", "zstandard", "cramjam", "ministack", "numpy", "datasketches", "dask", "distributed"}
CONVERTING = {"pydantic", "pydantic_core"}
FILES = {"tomllib", "platformdirs"}
OF_OTHERS = {
    *("cncbops.cdn", "cncbops.inventory.inventory", "cncbops.sandbox", "cncbops.stage"),
    *("cncbops.plans.resubmit_plan", "cncbops.cluster.cluster", "tomllib"),
}
"""What replays that ask for none of it need none of."""


def modules_loaded(tmp_path: Path, *arguments: str, **more: Any) -> tuple[int, str, set[str]]:
    """Exit code, output and modules of the installed command's entry point, and whether garbage is searched for."""
    program = "\n".join(
        [
            "import atexit, gc, json, sys",
            "def tell(): print(json.dumps([*sys.modules, *['searched'] * gc.isenabled()]), file=sys.stderr)",
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


HELPED = """
import json, sys
from cncbops.cli import main
before = set()
for command in sys.argv[1:]:
    sys.argv = ["cncbops", *command.split(), "--help"]
    try:
        main()
    except SystemExit as end:
        print(json.dumps([command, end.code, list(sys.modules.keys() - before)]), file=sys.stderr)
    before = set(sys.modules)
"""
"""Shows the help of commands, and tells what each of them loaded."""


def test_help_of_a_command_loads_nothing_that_it_does_not_show(tmp_path: Path) -> None:
    """One after another in one process: what any of them loads is loaded."""
    commands = [
        *COMMANDS,
        *("invalidate ls", "failover out", "failover back", "faults stats", "lake cat", "lake stats", "runs resume"),
        *("config show", "sandbox start"),
    ]
    result = Cncbops(tmp_path, (sys.executable, "-c", HELPED))(*commands)
    told = [json.loads(line) for line in result.err.splitlines()]
    unwanted = AWS | ENGINE | CONVERTING | FILES
    assert [(command, code, unwanted & set(loaded)) for command, code, loaded in told] == [
        (command, 0, set()) for command in commands
    ]
    assert [command for command in commands if f"Usage: cncbops {command}" not in result.out] == []


@pytest.mark.parametrize("how", ["--dry-run", "--execute"])
def test_the_first_request_waits_for_no_library_that_reads(how: str, far_side: FarSide, tmp_path: Path) -> None:
    code, _, modules = modules_loaded(tmp_path, "replay", "s3://lake/", "-f", "absent", how, endpoint=far_side.url)
    assert (code, "botocore" in modules) == (1, True)
    assert not modules & (READING | CONVERTING)


@pytest.mark.parametrize("how", ["--dry-run", "--execute"])
def test_a_replay_told_as_json_loads_nothing_of_screens_and_of_other_commands(
    how: str, far_side: FarSide, tmp_path: Path
) -> None:
    far_side.add_bucket("lake", lakes.make_lake(4, 2, 2))
    far_side.add_function("fn")
    words = ("replay", "s3://lake/", "-f", "fn", "--limit", "3", "-o", "json", "--state-dir", str(tmp_path), how)
    code, out, modules = modules_loaded(tmp_path, *words, endpoint=far_side.url)
    assert (code, json.loads(out)["events"]["matched"]) == (0, 3)
    assert modules & (READING | OF_OTHERS | {"rich"}) == set()
    assert "searched" in modules


def test_a_resubmit_told_as_json_loads_nothing_of_screens_and_of_other_commands(
    far_side: FarSide, tmp_path: Path
) -> None:
    far_side.add_bucket("faults", {})
    words = ("resubmit", "s3://faults/", "-o", "json", "--state-dir", str(tmp_path), "--execute")
    code, out, modules = modules_loaded(tmp_path, *words, endpoint=far_side.url)
    assert (code, json.loads(out)["status"]) == (0, "nothing")
    assert modules & (READING | OF_OTHERS - {"cncbops.plans.resubmit_plan"} | {"rich"}) == set()


def test_the_installed_script_is_what_runs(cncbops: Cncbops) -> None:
    result = cncbops("--version")
    assert (result.code, result.err) == (0, "")
    assert result.out.startswith("cncbops ")
    unknown = cncbops("relpay")
    assert (unknown.code, unknown.out) == (2, "")
    assert unknown.err.startswith("error: ")
    assert "relpay" in unknown.err
    assert len(unknown.err.splitlines()) == 1


INTERRUPTED_WHILE_LOADING = """
import importlib, os, signal, sys, types
def interrupt(_):
    sys.modules["json"] = types.ModuleType("json")  # as in the midst of its import
    os.kill(os.getpid(), signal.{name})
importlib.import_module = interrupt
from cncbops.cli import main
main()
"""


@pytest.mark.parametrize(
    ("typed", "command"),
    [
        ("replay s3://lake/ -o json", "replay"),
        ("lake stats --output=json x", "lake stats"),
        ("lake ls x --summary -ojson", "lake ls"),
        ("lake ls x -o json", None),
        ("lake verify x y --all -o json", None),
        ("resubmit x --watch-faults -qo json", "resubmit"),
        ("replay x -o json -o text", None),
        ("replay s3://lake/", None),
    ],
)
def test_an_interrupt_while_modules_are_loaded_is_told_as_it_is_later(
    typed: str, command: str | None, tmp_path: Path
) -> None:
    for name in ("SIGINT", "SIGTERM"):
        program = (sys.executable, "-c", INTERRUPTED_WHILE_LOADING.format(name=name))
        result = Cncbops(tmp_path, program)(*typed.split())
        assert (result.code, result.err) == (130, "")
        assert (result.json if result.out else None) == (
            {"command": command, "status": "interrupted"} if command else None
        )


def test_other_commands_are_loaded_only_for_a_variable_that_this_one_does_not_heed(tmp_path: Path) -> None:
    heeded, other = ({"CNCBOPS_STATE_DIR": str(tmp_path)}, {"CNCBOPS_CONCURENCY": "5"})
    loaded = [modules_loaded(tmp_path, "runs", "ls", env=env)[2] for env in (heeded, other)]
    assert ["cncbops.commands.replay" in modules for modules in loaded] == [False, True]
    assert "cncbops.commands.replay" not in modules_loaded(tmp_path, "runs", "ls", "--help", env=other)[2]
