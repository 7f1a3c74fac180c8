"""What options are that were not typed: precedence, and what files may not say, through the installed command."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from cncbops.cli import COMMANDS
from tests.e2e import lakes, servers
from tests.e2e.far_side import FarSide
from tests.e2e.servers import Cncbops, Result

USER = Path(".config/cncbops/cncbops.toml")
SECRET_URL = "http://me:hidden@127.0.0.1:9/"


@pytest.fixture
def near(cncbops: Cncbops) -> Path:
    """The file where the command runs."""
    return cncbops.home / "cncbops.toml"


@pytest.fixture
def users(cncbops: Cncbops) -> Path:
    """The user's own file."""
    path = cncbops.home / USER
    path.parent.mkdir(parents=True)
    return path


def shown(cncbops: Cncbops, *line: str, env: dict[str, str | None] | None = None) -> dict[str, Any]:
    """What `config show` tells, by option."""
    result = cncbops("config", "show", "-o", "json", *line, env=env)
    assert result.code == 0, result.err
    return {each["option"]: each for each in result.json["options"]}


LAYERS = ("option", "environment", "profile", "defaults")


@pytest.mark.parametrize("strongest", range(len(LAYERS) + 1))
def test_option_before_environment_before_profile_before_defaults(cncbops: Cncbops, near: Path, strongest: int) -> None:
    """Each layer says `rate` in its own number; the first that speaks counts, and is named."""
    speaks = {layer: number >= strongest for number, layer in enumerate(LAYERS)}
    near.write_text(
        f"[defaults]\n{'rate = 4' if speaks['defaults'] else ''}\n"
        f"[profiles.prod.replay]\n{'rate = 3' if speaks['profile'] else ''}\n"
    )
    typed = ("--rate", "1") if speaks["option"] else ()
    env: dict[str, str | None] = {"CNCBOPS_RATE": "2"} if speaks["environment"] else {}
    rate = shown(cncbops, "replay", "--use", "prod", *typed, env=env)["--rate"]
    expected = [(1.0, "option"), (2.0, "environment"), (3.0, "profile"), (4.0, "defaults"), (None, "default")]
    assert (rate["value"], rate["from"]) == expected[strongest]
    assert rate["file"] == (str(near) if rate["from"] in ("profile", "defaults") else None)
    assert rate["variable"] == ("CNCBOPS_RATE" if rate["from"] == "environment" else None)


def test_a_replay_is_as_the_profile_says(cncbops: Cncbops, near: Path, users: Path, far_side: FarSide) -> None:
    far_side.add_bucket("lake", lakes.lake_of(lakes.make_events(60, 5), 20))
    far_side.add_function("fn")
    near.write_text('[profiles.prod.replay]\nfunction = "fn"\nbucket = "lake"\nbatch-size = 7\nordered = false\n')
    users.write_text('[defaults]\nrate = 50\n[profiles.prod.replay]\nbatch-size = 9\ntype = ["thing-*"]\n')
    told = cncbops("replay", "-o", "json", env={"CNCBOPS_USE": "prod"}, endpoint=far_side.url).json
    terms = told["plan"]["terms"]
    assert (told["source"], told["function"]) == (["s3://lake/"], "fn")
    assert (terms["batch_size"], terms["rate"], terms["ordered"]) == (7, 50.0, False)


@pytest.mark.parametrize(
    ("key", "words"),
    [("dedupe", "each id only once"), ("latest-per-key", "only the newest of each partition key")],
)
def test_a_switch_of_a_profile_that_leaves_events_out_is_told(
    cncbops: Cncbops, near: Path, far_side: FarSide, key: str, words: str
) -> None:
    """Also by a plan that leaves none out."""
    far_side.add_bucket("lake", lakes.lake_of(lakes.make_events(1, 1), 1))
    far_side.add_function("fn")
    near.write_text(f"[profiles.prod.replay]\n{key} = true\n")
    told = shown(cncbops, "replay", "--use", "prod")[f"--{key}"]
    assert (told["value"], told["from"], told["table"]) == (True, "profile", "profiles.prod.replay")
    asked = ("replay", "s3://lake/", "-f", "fn")
    assert f"1 matched of 1 read, {words}\n" in cncbops(*asked, "--use", "prod", endpoint=far_side.url).out
    assert "1 matched of 1 read\n" in cncbops(*asked, endpoint=far_side.url).out


@pytest.mark.parametrize(
    ("typed", "exported", "sources"),
    [
        ((), None, ["s3://lake/a/"]),
        (("-p", "b/"), None, ["s3://lake/b/"]),
        (("-b", "other"), None, ["s3://other/"]),
        ((), "other", ["s3://other/"]),
        (("s3://other/x",), None, ["s3://other/x"]),
    ],
)
def test_a_bucket_of_a_file_gives_way_to_a_source_that_is_typed(
    cncbops: Cncbops, near: Path, far_side: FarSide, typed: tuple[str, ...], exported: str | None, sources: list[str]
) -> None:
    for bucket in ("lake", "other"):
        far_side.add_bucket(bucket, {})
    far_side.add_function("fn")
    near.write_text('[defaults.replay]\nfunction = "fn"\nbucket = "lake"\nprefix = "a/"\n')
    told = cncbops("replay", *typed, "-o", "json", env={"CNCBOPS_BUCKET": exported}, endpoint=far_side.url)
    assert told.json["source"] == sources, told.err


def test_what_was_said_before_is_not_changed_by_a_file(cncbops: Cncbops, near: Path, far_side: FarSide) -> None:
    far_side.add_bucket("lake", lakes.lake_of(lakes.make_events(60, 5), 20))
    far_side.add_function("fn")
    planned = cncbops("replay", "s3://lake/", "-f", "fn", "--save-plan", "plan", "-o", "json", endpoint=far_side.url)
    near.write_text(
        '[defaults]\nregion = "eu-west-1"\nrate = 50\nmax-failures = "1"\nstage = "jon"\n'
        '[defaults.replay]\ntype = ["none"]\nfunction = "other"\n'
    )
    done = cncbops("replay", "--plan", "plan", "--execute", "-o", "json", endpoint=far_side.url)
    assert (done.code, done.json["function"], done.json["events"]["matched"]) == (0, "fn", 60), done.err
    assert planned.json["events"]["matched"] == 60
    resumed = shown(cncbops, "runs", "resume", done.json["run_id"], env={"AWS_REGION": None})
    assert {resumed[name]["value"] for name in ("--region", "--max-failures")} == {None}


def test_awss_own_variables_come_before_files(cncbops: Cncbops, near: Path) -> None:
    near.write_text('[defaults]\nregion = "x"\n[profiles.p]\nprofile = "x"\nendpoint-url = "http://x"\n')
    told = shown(cncbops, "replay", "--use", "p", env={"AWS_ENDPOINT_URL": SECRET_URL, "AWS_PROFILE": "mine"})
    assert (told["--endpoint-url"]["value"], told["--endpoint-url"]["variable"]) == (
        SECRET_URL.replace("hidden", "***"),
        "AWS_ENDPOINT_URL",
    )
    assert (told["--profile"]["value"], told["--profile"]["from"]) == ("mine", "environment")
    assert told["--region"]["variable"] == "AWS_REGION"
    keys = {"AWS_ACCESS_KEY_ID": None, "AWS_REGION": None}
    assert {shown(cncbops, "replay", "--use", "p", env=keys)[name]["value"] for name in ("--profile", "--region")} == {
        "x"
    }


def test_a_path_in_a_file_is_meant_from_there(cncbops: Cncbops, near: Path) -> None:
    folders = {
        "runs": cncbops.home / "runs",
        "~/r": cncbops.home / "r",
        "/r": Path("/r"),
        "~no-one/r": near.parent / "~no-one/r",
    }
    for said, meant in folders.items():
        near.write_text(f'[profiles.p]\nstate-dir = "{said}"\n')
        told = shown(cncbops, "runs", "ls", "--use", "p", env={"CNCBOPS_STATE_DIR": None})
        assert told["--state-dir"]["value"] == str(meant)


UNSAYABLE = ("execute", "force", "again", "unknown", "show-payload", "plan", "save-plan", "resume", "report", "reason")


@pytest.mark.parametrize(
    ("text", "what", "next_step"),
    [
        *(
            (f"[defaults]\n{key} = true", f"defaults.{key} is nothing that a file may say", f"Type --{key}")
            for key in UNSAYABLE
        ),
        ("[profiles.p.replay]\nexecute = true", "profiles.p.replay.execute is nothing", "export CNCBOPS_EXECUTE"),
        ('[defaults]\nendpoint-url = "http://x"', "defaults.endpoint-url: where AWS calls go", "[profiles.NAME]"),
        ('[defaults.replay]\nrole-arn = "x"', "defaults.replay.role-arn: where AWS calls go", "[profiles.NAME]"),
        ('[defaults.lake.verify]\nrecovery-role-arn = "x"', "defaults.lake.verify.recovery-role-arn: where", "--use"),
        ('[defaults]\nprofile = "x"', "defaults.profile: where AWS calls go", "--use NAME"),
        ('[defaults]\nstate-dir = "x"', "defaults.state-dir: where AWS calls go, as whom, by which", "--use"),
        ('[defaults.replay]\nstate-dir = "x"', "defaults.replay.state-dir: where AWS calls go", "--use NAME"),
        ("[defaults]\nraet = 5", "unknown key defaults.raet", "Did you mean rate?"),
        ("[profiles.p.replay]\nbatch_size = 5", "unknown key profiles.p.replay.batch_size", "Did you mean batch-size?"),
        ("[defaults.relpay]\nrate = 5", "unknown key defaults.relpay", "Did you mean replay?"),
        ("[defaults.replay.rate]\nx = 5", "defaults.replay.rate is a table", "Write rate = … in [defaults.replay]"),
        ('[defaults]\nfunction = "f"', "unknown key defaults.function", "say it of one, as in [defaults.replay]"),
        ("[defaults]\nreplay = 5", "defaults.replay is an integer, no table", "Write [defaults.replay]"),
        ('[defaults]\nrate = "5"', "defaults.rate is a text", "Write a number, such as 5 or 0.5"),
        ("[defaults]\nrate = true", "defaults.rate is true or false", "Write a number"),
        ("[defaults]\nworkers = 1.5", "defaults.workers is a number", "Write an integer, such as 5"),
        ("[defaults]\nmax-failures = 7", "defaults.max-failures is an integer", 'Write a text in quotes: "7"'),
        ("[defaults]\nquiet = 1", "defaults.quiet is an integer", "Write true or false"),
        ("[defaults.replay]\nfrom = 2023-11-22", "defaults.replay.from is a date or time", 'in quotes: "2023-11-22"'),
        ('[defaults]\nstage = ["a"]', "defaults.stage is a list", "Write one text in quotes, without the brackets"),
        ("[defaults]\nstage = true", "defaults.stage is true or false", 'Write a text in quotes: "true"'),
        ("[defaults.replay]\ntype = [1]", "defaults.replay.type is an integer", 'Write texts: ["one", "two"]'),
        ('[defaults]\noutput = "jsno"', "defaults.output is 'jsno': ", "not one of 'text', 'json'"),
        ("[defaults]\nworkers = 0", "defaults.workers is 0: ", "See --workers in --help"),
        ('[defaults]\nmax-failures = "x"', "defaults.max-failures is 'x': ", "is not a limit of failures"),
        ('[profiles.p.replay]\nfrom = "3h"', "profiles.p.replay.from is '3h': ", "is not a time"),
        ("[profiles]\np = 1", "profiles.p is an integer, no table", "Write [profiles.p]"),
    ],
)  # fmt: skip
def test_what_a_file_cannot_say_is_told_in_a_line(
    cncbops: Cncbops, near: Path, text: str, what: str, next_step: str
) -> None:
    near.write_text(f"{text}\n[profiles.p]\n" if "profiles" not in text else text)
    line = ("lake", "verify", "s3://lake/", "s3://copy/") if "verify" in text else ("replay", "s3://lake/", "-f", "fn")
    for result in (cncbops(*line, "--use", "p"), cncbops("config", "show")):
        assert (result.code, result.out, len(result.err.splitlines())) == (2, "", 1), result
        assert f"error: {near}: {what}" in result.err
        assert next_step in result.err


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("[defaults.lake.sl]", "Did you mean ls?"),
        ("[defaults.lake.xyzzy]", "Known here: ls, cat, find, stats, verify"),
        ("[defaults.invalidate.do]", "Known here: ls, status"),
        ("[defaults.lake]\nxyzzy = 5", "Known here: stage, bucket, prefix, "),
    ],
)
def test_a_table_of_no_command_is_told_with_the_nearest(cncbops: Cncbops, near: Path, text: str, hint: str) -> None:
    near.write_text(text)
    err = cncbops("config", "show").err
    assert f". {hint}" in err
    assert err.count(",") < 10


def test_a_run_that_is_taken_up_is_not_for_files(cncbops: Cncbops, near: Path) -> None:
    near.write_text("[defaults.runs.resume]\nworkers = 1\n")
    assert shown(cncbops, "runs", "resume")["--workers"]["value"] == 1
    near.write_text('[defaults.runs.resume]\nmax-failures = "1"\n')
    result = cncbops("runs", "resume", "x")
    assert (result.code, "a run that is taken up goes on as it was asked" in result.err) == (2, True)


def test_where_aws_is_reached_is_told_if_a_file_says_it(
    cncbops: Cncbops, near: Path, users: Path, far_side: FarSide
) -> None:
    far_side.add_bucket("lake", {})
    far_side.add_function("fn")
    users.write_text(f'[defaults]\nendpoint-url = "{far_side.url}"\n')
    asked = ("replay", "s3://lake/", "-f", "fn")
    note = f"note: --endpoint-url {far_side.url} as defaults in {users} says\n"
    assert note in cncbops(*asked).err
    assert (cncbops(*asked, "-q").err, cncbops(*asked, "-o", "json").err) == ("", note)
    users.write_text(f'[defaults]\nendpoint-url = "{far_side.url}"\nquiet = true\n')
    assert cncbops(*asked).err == note
    near.write_text(f'[profiles.p]\nendpoint-url = "{far_side.url}"\n')
    assert f"as profile p in {near} says\n" in cncbops(*asked, "--use", "p").err


def test_which_ledger_is_meant_is_told_if_a_file_says_it(cncbops: Cncbops, near: Path, users: Path) -> None:
    unset = {"CNCBOPS_STATE_DIR": None}
    users.write_text('[defaults]\nstate-dir = "/r"\n')
    assert f"note: --state-dir /r as defaults in {users} says\n" in cncbops("runs", "ls", env=unset).err
    near.write_text('[profiles.p]\nstate-dir = "/s"\n')
    told = cncbops("runs", "ls", "--use", "p", env=unset).err
    assert f"note: --state-dir /s as profile p in {near} says\n" in told


def test_a_profile_that_there_is_not_is_told(cncbops: Cncbops, near: Path) -> None:
    near.write_text("[profiles.prod]\n")
    result = cncbops("replay", "s3://lake/", "-f", "fn", "--use", "prdo")
    assert (result.code, result.err) == (2, f"error: there is no profile prdo in {near}. Did you mean prod?\n")


def test_help_reads_no_file_unless_a_profile_is_named(cncbops: Cncbops, near: Path) -> None:
    near.write_text("broken")
    assert cncbops("replay", "--help").code == 0
    near.write_text("[profiles.p]\nrate = 4321\n")
    assert "4321" in cncbops("replay", "--use", "p", "--help").out


def test_a_working_folder_that_is_gone_has_no_file(cncbops: Cncbops, users: Path) -> None:
    users.write_text("[defaults]\nworkers = 3\n")
    gone = cncbops.home / "gone"
    gone.mkdir()
    environment = {"PATH": os.environ["PATH"], "HOME": str(cncbops.home)}
    commands = f'rmdir "$PWD"; {servers.BIN}/cncbops config show -o json replay; {servers.BIN}/cncbops lake ls here'
    told = subprocess.run(["sh", "-c", commands], cwd=gone, env=environment, capture_output=True, text=True)
    (workers,) = [each for each in json.loads(told.stdout)["options"] if each["option"] == "--workers"]
    assert workers["value"] == 3
    words = "error: here is nowhere: the working folder is gone. Name it from the root\n"
    assert (told.returncode, told.stderr) == (2, words)


def test_no_file_is_read_where_none_is_named(cncbops: Cncbops, near: Path) -> None:
    near.write_text("broken")
    assert cncbops("runs", "ls").code == 2
    assert cncbops("runs", "ls", "--config", os.devnull).code == 0
    assert cncbops("runs", "ls", env={"CNCBOPS_CONFIG": os.devnull}).code == 0


def every_command(cncbops: Cncbops) -> list[tuple[str, ...]]:
    """All commands by name, as their own help tells them."""

    def members(*group: str) -> list[str]:
        result: Result = cncbops("config", "show", *group)
        return result.err.split("Name one of them: ")[1].strip().split(", ") if result.code else []

    found = []
    for name in COMMANDS:
        below = members(name)
        found += [(name, each) for each in below] or [(name,)]
        if name == "invalidate":
            found += [("invalidate", "ls"), ("invalidate", "status")]
    return found


HARMLESS = {
    *("--async", "--bisect", "--ordered", "--one-by-one", "--wait", "--watch-faults", "--quiet", "--verbose"),
    *("--summary", "--envelope", "--record", "--metrics", "--deep", "--all", "--dedupe", "--latest-per-key"),
}


def test_every_command_takes_profiles_and_every_switch_was_thought_of(cncbops: Cncbops) -> None:
    """A new switch is either harmless in a file that somebody else wrote, or can only be typed."""
    commands = every_command(cncbops)
    assert len(commands) > 20
    for command in commands:
        told = shown(cncbops, *command)
        switches = {name for name, each in told.items() if isinstance(each["value"], bool)}
        assert switches <= HARMLESS | {f"--{key}" for key in UNSAYABLE}, command


# Variables that nobody heeds


def test_a_variable_that_no_option_has_is_told_with_the_nearest(cncbops: Cncbops) -> None:
    exported = {"CNCBOPS_CONCURENCY": "5", "CNCBOPS_QQ": "1", "CNCBOPS_EMPTY": "", "CNCBOPS_RATE": "1"}
    told = cncbops("runs", "ls", "-o", "json", env=exported)
    assert (told.code, told.json) == (0, {"runs": []})
    misspelled, strange = told.err.splitlines()
    assert misspelled.startswith("note: CNCBOPS_CONCURENCY is no option's variable")
    assert misspelled.endswith("Did you mean CNCBOPS_CONCURRENCY?")
    assert strange.startswith("note: CNCBOPS_QQ ")
    assert "CNCBOPS_STATE_DIR" in strange
    assert cncbops("runs", "ls", "-q", env=exported).err == ""
