"""Where the ledger is, as it is typed: nothing where the shell leads to it, else what it has to be told."""

import os
import shlex
from pathlib import Path

import pytest

from cncbops.errors import BadInput, CannotRun
from cncbops.ledger.ledger import Ledger
from cncbops.ledger.lock import RunLock
from cncbops.ledger.place import at_ledger, usual_folder
from tests.ledger.runs import begin


@pytest.fixture(autouse=True)
def nothing_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A shell whose environment names no folder."""
    for name in ("STATE_DIR", "CONFIG", "USE"):
        monkeypatch.delenv(f"CNCBOPS_{name}", raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


def test_the_usual_folder_goes_without_saying(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert at_ledger(usual_folder()) == ""
    monkeypatch.chdir(tmp_path)
    assert at_ledger(usual_folder().relative_to(tmp_path)) == ""


def test_so_does_the_one_that_the_environment_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usual = usual_folder()
    monkeypatch.setenv("CNCBOPS_STATE_DIR", str(tmp_path / "runs"))
    assert at_ledger(tmp_path / "runs") == ""
    assert at_ledger(usual) == f" --state-dir {usual}", "the environment leads away from it"
    monkeypatch.setenv("CNCBOPS_STATE_DIR", "")
    assert at_ledger(usual) == ""


def test_the_usual_one_is_said_where_files_lead_away_from_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = f" --state-dir {usual_folder()}"
    users = tmp_path / "config" / "cncbops" / "cncbops.toml"
    users.parent.mkdir(parents=True)
    users.write_text('[defaults]\nregion = "us-east-1"\n')
    assert at_ledger(usual_folder()) == ""
    users.write_text('[defaults]\nstate-dir = "/r"\n')
    assert at_ledger(usual_folder()) == said
    monkeypatch.setenv("CNCBOPS_CONFIG", os.devnull)
    assert at_ledger(usual_folder()) == ""
    monkeypatch.setenv("CNCBOPS_CONFIG", str(users))
    assert at_ledger(usual_folder()) == said
    monkeypatch.setenv("CNCBOPS_STATE_DIR", str(usual_folder()))
    assert at_ledger(usual_folder()) == "", "the environment comes before files"


def test_so_it_is_where_an_exported_profile_of_a_file_found_upwards_leads_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cncbops.toml").write_text('[profiles.p]\nstate-dir = "/r"\n')
    (tmp_path / "below").mkdir()
    monkeypatch.chdir(tmp_path / "below")
    assert at_ledger(usual_folder()) == ""
    monkeypatch.setenv("CNCBOPS_USE", "p")
    assert at_ledger(usual_folder()) == f" --state-dir {usual_folder()}"


def test_any_other_is_said_as_it_was_typed_and_a_shell_takes_it_as_that() -> None:
    assert at_ledger(Path("runs")) == " --state-dir runs"
    assert shlex.split(at_ledger(Path("/a night's [1]"))) == ["--state-dir", "/a night's [1]"]


def test_a_name_that_is_no_text_can_be_told_all_the_same() -> None:
    assert at_ledger(Path(os.fsdecode(b"/r\xff"))) == r" --state-dir '/r\xff'"


def test_what_a_ledger_advises_leads_to_it(tmp_path: Path) -> None:
    there = f" --state-dir {tmp_path}"
    with Ledger.open(tmp_path) as ledger:
        run = begin(ledger)
        assert (ledger.find(run.run_id).to_type("show"), run.folder) == (
            f"cncbops runs show {run.run_id}{there}",
            tmp_path,
        )
        with pytest.raises(BadInput, match=f"See `cncbops runs ls{there}`"):
            ledger.find("nothing")
        with (
            RunLock(tmp_path, run.run_id),
            pytest.raises(CannotRun, match=f"See `cncbops runs show {run.run_id}{there}`"),
            RunLock(tmp_path, run.run_id),
        ):
            pass
