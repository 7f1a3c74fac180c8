"""`cncbops policy` as it is typed: the document on standard output, what it cannot say on standard error."""

import json

import pytest

from cncbops.policy.needs import COMMANDS
from tests.e2e import lakes
from tests.e2e.commands import all_commands
from tests.e2e.far_side import FarSide, function_error
from tests.e2e.iam import listed
from tests.e2e.servers import Cncbops

NOT_WITHOUT_AN_OPTION = {"ReadInventory", "FindFunction", "InspectFilters", "SeeStage", "SeeStageAlarm", "WatchAlarms"}
NOWHERE = {"AWS_REGION": None}
UNREACHABLE = "http://127.0.0.1:9"
REPLAY = ("replay", "s3://lake/john/", "-f", "fn:PROD")
KEY = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"


def sids(text: str) -> list[str]:
    return [statement["Sid"] for statement in json.loads(text)["Statement"]]


def test_a_policy_is_narrowed_to_what_is_typed(cncbops: Cncbops) -> None:
    printed = cncbops("policy", "--account", "123456789012", *REPLAY, "--region", "eu-west-1", endpoint=UNREACHABLE)
    assert printed.code == 0
    function = "arn:aws:lambda:eu-west-1:123456789012:function:fn"
    inspect = ["lambda:GetFunctionConfiguration", "lambda:GetFunctionEventInvokeConfig"]
    wanted = {
        "ListSources": ("s3:ListBucket", "arn:aws:s3:::lake"),
        "ReadSources": ("s3:GetObject", "arn:aws:s3:::lake/john/*"),
        "InspectFunction": (inspect, f"{function}:PROD"),
        "InspectConcurrency": ("lambda:GetFunctionConcurrency", function),
        "InspectMappings": ("lambda:ListEventSourceMappings", "*"),
        "Invoke": ("lambda:InvokeFunction", f"{function}:PROD"),
    }
    statements = [
        {"Sid": sid, "Effect": "Allow", "Action": action, "Resource": resource}
        for sid, (action, resource) in wanted.items()
    ]
    statements[0]["Condition"] = {"StringLike": {"s3:prefix": "john/*"}}
    assert printed.json == {"Version": "2012-10-17", "Statement": statements}
    assert "not said" not in printed.err
    quiet = cncbops("policy", "-o", "json", "--account", "123456789012", *REPLAY, "--region", "eu-west-1")
    assert (quiet.out, quiet.err) == (printed.out, "")


def test_what_is_not_said_may_be_any_and_is_told(cncbops: Cncbops) -> None:
    printed = cncbops("policy", "resubmit", env=NOWHERE)
    resources = {each for statement in printed.json["Statement"] for each in listed(statement["Resource"])}
    assert resources >= {"arn:aws:s3:::*", "arn:aws:s3:::*/*", "arn:aws:lambda:*:*:function:*", "arn:aws:sqs:*:*:*"}
    assert "not said, and so any: bucket, queue, function, region, account" in printed.err


@pytest.mark.parametrize("command", [command for command in all_commands() if COMMANDS[command]])
def test_of_a_command_nothing_has_to_be_said(command: str, cncbops: Cncbops) -> None:
    printed = cncbops("policy", *command.split())
    needs = {need.sid for need in COMMANDS[command] if need.sid not in NOT_WITHOUT_AN_OPTION}
    assert {sid.rstrip("2") for sid in sids(printed.out)} - {"ListSources"} == needs - {"ListSources"}


def test_a_dry_run_needs_less(cncbops: Cncbops) -> None:
    line = ("policy", "invalidate", "E2EXAMPLE1234X", "/a")
    whole = cncbops(*line)
    assert sids(whole.out)[-1] == "Invalidate"
    assert "a dry-run does without Invalidate: --dry-run leaves that out" in whole.err
    assert sids(cncbops(*line, "--dry-run").out) == sids(whole.out)[:-1]
    assert sids(cncbops(*line, env={"CNCBOPS_EXECUTE": "0"}).out) == sids(whole.out)[:-1]
    assert sids(cncbops(*line, "--execute").out) == sids(whole.out)


def test_what_was_asked_before_counts(cncbops: Cncbops, far_side: FarSide) -> None:
    far_side.add_bucket("lake", lakes.make_lake(3, 1, 3))
    far_side.add_function("fn", lambda _payload, _context: function_error("ValueError", "no"))
    options = ("--max-attempts", "1", "--region", "eu-west-1", "-o", "json")
    plan = cncbops.home / "plan"
    cncbops("replay", "s3://lake/", "-f", "fn", "--save-plan", plan, *options, endpoint=far_side.url)
    run = cncbops("replay", "s3://lake/", "-f", "fn", "--execute", *options, endpoint=far_side.url).json["run_id"]
    for line in (
        ("replay", "--since-run", "last"),
        ("runs", "redrive", run),
        ("runs", "resume", run),
        ("replay", "--resume", run),
        ("replay", "--plan", plan),
    ):
        statements = {each["Sid"]: each for each in cncbops("policy", *line, env=NOWHERE).json["Statement"]}
        assert statements["ReadSources"]["Resource"] == "arn:aws:s3:::lake/*"
        assert statements["Invoke"]["Resource"] == "arn:aws:lambda:eu-west-1:*:function:fn"
        assert "ReadStream" not in statements


def test_options_count_from_the_environment_as_they_do_for_the_command(cncbops: Cncbops) -> None:
    printed = cncbops(
        "policy", "replay", "s3://lake/", env={"CNCBOPS_FUNCTION": "fn", "AWS_ACCOUNT_ID": "123456789012"}
    )
    assert printed.json["Statement"][-1]["Resource"] == "arn:aws:lambda:us-east-1:123456789012:function:fn"


def test_what_a_profile_says_counts(cncbops: Cncbops) -> None:
    (cncbops.home / "cncbops.toml").write_text('[profiles.prod.replay]\nbucket = "lake"\nfunction = "fn:PROD"\n')
    for line in (("replay", "--use", "prod"), ("--use", "prod", "replay")):
        statements = {each["Sid"]: each for each in cncbops("policy", *line).json["Statement"]}
        assert statements["ReadSources"]["Resource"] == "arn:aws:s3:::lake/*"
        assert statements["Invoke"]["Resource"] == "arn:aws:lambda:us-east-1:*:function:fn:PROD"


def test_keys_are_to_be_decrypted_with_where_they_are_named(cncbops: Cncbops) -> None:
    printed = cncbops("policy", "--kms-key", KEY, *REPLAY)
    decrypt = printed.json["Statement"][-1]
    assert (decrypt["Action"], decrypt["Resource"]) == ("kms:Decrypt", KEY)
    assert "InspectFilters" in sids(printed.out)


def test_what_lies_on_this_machine_and_what_asks_nothing_needs_no_permission(cncbops: Cncbops) -> None:
    for line in (("faults", "ls", "."), ("runs", "ls"), ("demo",), ("policy", "replay")):
        printed = cncbops("policy", *line)
        assert (printed.code, printed.out) == (0, "")
        assert "it needs no policy" in printed.err
        printed = cncbops("policy", "-o", "json", *line)
        assert (printed.code, printed.json) == (0, {"Version": "2012-10-17", "Statement": []})


def test_what_only_the_stacks_of_a_stage_tell_is_narrowed_by_what_a_plan_shows(cncbops: Cncbops) -> None:
    told = "the SOURCE that the `stage` row of a plan shows"
    assert told in cncbops("policy", "replay", "--stage", "john").err
    assert told not in cncbops("policy", "replay", "--stage", "john", "s3://lake/").err
    assert told not in cncbops("policy", "replay").err


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("", "cncbops is a group of commands. Name one of them: replay, resubmit,"),
        ("faults", "cncbops faults is a group of commands. Name one of them: ls, stats, show"),
        ("relpay s3://lake/", "cncbops has no command relpay. Did you mean replay?"),
        ("replay s3://lake/ --fuction fn", "No such option: --fuction"),
        ("replay s3://l -f fn", "'s3://l' names no valid bucket"),
        ("--account 12 replay", "--account '12' is no account. Write its twelve digits"),
        ("--kms-key alias/lake replay", "--kms-key 'alias/lake' is no ARN of a key"),
        ("runs resume 20231122", "there is no run 20231122"),
        ("health --table us-east-1=", "names nothing"),
    ],
)
def test_what_cannot_be_meant_is_told_in_a_line(line: str, words: str, cncbops: Cncbops) -> None:
    refused = cncbops("policy", *line.split())
    assert (refused.code, refused.out, len(refused.err.splitlines())) == (2, "", 1)
    assert words in refused.err


def test_the_lake_of_a_stage_is_verified_beside_its_copy(cncbops: Cncbops) -> None:
    policy = cncbops("policy", "lake", "verify", "--stage", "john", "s3://copy/").json
    resources = {each["Sid"]: each["Resource"] for each in policy["Statement"]}
    assert resources["ReadSources"] == ["arn:aws:s3:::*/*", "arn:aws:s3:::copy/*"]
    assert "SeeStage" in resources
