"""`cncbops config show`: what people read."""

from pathlib import Path

import pytest

from tests.e2e.servers import Cncbops

FILE = """
[defaults]
region = "eu-west-1"

[profiles.prod.replay]
rate = 500
type = ["thing-*", "a\\u001bb"]
endpoint-url = "http://me:hidden@127.0.0.1/"
"""


@pytest.fixture
def near(cncbops: Cncbops) -> Path:
    """A file where the command runs."""
    path = cncbops.home / "cncbops.toml"
    path.write_text(FILE)
    return path


def test_each_option_with_its_value_and_what_says_so(cncbops: Cncbops, near: Path) -> None:
    typed = ("config", "show", "--use", "prod", "replay", "--limit", "5")
    result = cncbops(*typed, env={"AWS_REGION": None, "CNCBOPS_FUNCTION": "fn"})
    assert (result.code, result.err) == (0, "")
    rows = {line.split()[0]: " ".join(line.split()[1:]) for line in result.out.splitlines() if line.startswith("--")}
    assert rows["--limit"] == "5 option"
    assert rows["--function"] == "fn environment, CNCBOPS_FUNCTION"
    assert rows["--rate"] == f"500 [profiles.prod.replay] in {near}"
    assert rows["--region"] == f"eu-west-1 [defaults] in {near}"
    assert rows["--bucket"] == "- default"
    assert rows["--type"].startswith("thing-*, a\\x1bb ")
    assert rows["--endpoint-url"].startswith("http://me:***@127.0.0.1/ ")
    assert result.out.splitlines()[-2:] == ["profile prod", f"read: {near} (found upwards)"]


def test_json_is_asked_for_on_either_side(cncbops: Cncbops, near: Path) -> None:
    before = cncbops("config", "show", "-o", "json", "faults", "ls").json
    after = cncbops("config", "show", "faults", "ls", "-o", "json").json
    assert (before["command"], before["of"], before["profile"]) == ("config show", "faults ls", None)
    assert before["files"] == after["files"] == [{"path": str(near), "found": "upwards"}]
    assert {each["option"] for each in before["options"]} == {each["option"] for each in after["options"]}


def test_without_a_command_it_is_what_the_files_say(cncbops: Cncbops, near: Path) -> None:
    told = cncbops("config", "show", "-o", "json").json
    assert told["profiles"] == ["prod"]
    assert told["files"][0]["says"]["defaults"] == {"region": "eu-west-1"}
    said = cncbops("config", "show").out
    assert "hidden" not in said
    assert "profiles.prod.replay.rate = 500" in said
    assert said.splitlines()[-1] == "profiles, to be chosen by --use: prod"


def test_without_files_it_says_so(cncbops: Cncbops) -> None:
    result = cncbops("config", "show")
    assert (result.code, result.out.splitlines()[0]) == (
        0,
        "no cncbops.toml is read: there is none here, above, or of the user",
    )


@pytest.mark.parametrize(
    ("line", "error"),
    [
        (["fautls"], "cncbops has no command fautls. Did you mean faults?"),
        (["faults"], "cncbops faults is a group of commands. Name one of them: ls, stats, show"),
        (["faults", "lss"], "cncbops faults has no command lss. Did you mean ls?"),
    ],
)
def test_what_is_no_command_is_told(cncbops: Cncbops, line: list[str], error: str) -> None:
    result = cncbops("config", "show", *line)
    assert (result.code, result.out, result.err) == (2, "", f"error: {error}\n")


def test_a_line_that_its_command_would_not_take_is_told_as_there(cncbops: Cncbops) -> None:
    result = cncbops("config", "show", "replay", "--raet", "5")
    assert (result.code, "No such option: --raet" in result.err, "`cncbops replay --help`" in result.err) == (
        2,
        True,
        True,
    )


@pytest.mark.parametrize(("line", "meant"), [(["config", "shwo"], "show"), (["fautls"], "faults")])
def test_a_question_ends_as_one(cncbops: Cncbops, line: list[str], meant: str) -> None:
    assert f"Did you mean '{meant}'? See `cncbops" in cncbops(*line).err


def test_keys_that_stand_for_no_profile_are_told_as_such(cncbops: Cncbops) -> None:
    shown = cncbops("config", "show", "lake", "ls", env={"AWS_ACCESS_KEY_ID": "AKIAX"}).out
    (row,) = [line.split(maxsplit=1)[1] for line in shown.splitlines() if line.startswith("--profile")]
    assert " ".join(row.split()) == "(keys, no profile) environment, AWS_ACCESS_KEY_ID"


def test_what_a_command_needs_need_not_be_typed(cncbops: Cncbops) -> None:
    assert cncbops("config", "show", "runs", "resume").code == 0
    assert cncbops("config", "show", "failover", "out").code == 0
