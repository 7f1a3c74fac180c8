"""Completion: what a shell is told that a word may become, and what that costs whoever types."""

import json
import socket
import sqlite3
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from boto3 import Session

from tests.e2e import lakes, servers
from tests.e2e.completions import ASK, completed, in_the_end, told_of_aws
from tests.e2e.far_side import FarSide, ok
from tests.e2e.replays import Replays
from tests.e2e.servers import Cncbops, Result
from tests.e2e.test_startup import AWS, CONVERTING, ENGINE, modules_loaded

STACK = json.dumps({"Resources": {"Queue": {"Type": "AWS::SQS::Queue"}}})


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("cncbops re", {"replay", "resubmit"}),
        ("cncbops --", {"--help", "--version"}),
        ("cncbops runs re", {"resume", "redrive"}),
        ("cncbops replay --re", {"--resume", "--report", "--region"}),
        ("cncbops replay --report run.csv --re", {"--resume", "--region"}),
        ("cncbops replay -o ", {"text", "json"}),
        ("cncbops replay --output=j", {"--output=json"}),
        ("cncbops replay --format f", {"firehose-error"}),
        ("cncbops replay --on-unknown ''", {"retry", "fail"}),
        ("cncbops replay --no-su", set()),
        ("cncbops nothing ", set()),
        ("cncbops runs nothing ", set()),
        ("cncbops replay --plan ni", {"files"}),
        ("cncbops runs ls --state-dir ", {"folders"}),
        ("cncbops replay ", {"s3://", "files"}),
        ("cncbops faults stats ", {"s3://", "sqs://", "files"}),
        ("cncbops replay ./s", {"files"}),
        ("cncbops replay --region eu-west-", {"eu-west-1", "eu-west-2", "eu-west-3"}),
        ("cncbops replay --cluster t", {"tcp://", "tls://"}),
        ("cncbops completion ", {"bash", "zsh", "fish"}),
        ("cncbops config show re", {"replay", "resubmit"}),
        (
            "cncbops config show -",
            {"-o", "-q", "-v", "--output", "--quiet", "--verbose", "--use", "--config", "--help"},
        ),
        ("cncbops config show replay -o j", {"json"}),
        ("cncbops policy replay -o j", {"json"}),
        ("cncbops policy re", {"replay", "resubmit"}),
        ("cncbops config show runs re", {"resume", "redrive"}),
        ("cncbops config show runs resume --on-ch", {"--on-changed"}),
    ],
)
def test_what_is_known_here_is_completed(line: str, expected: set[str], cncbops: Cncbops) -> None:
    assert set(completed(cncbops, line)) == expected


def test_every_command_is_told_with_what_it_does(cncbops: Cncbops) -> None:
    overview = cncbops("--help").out
    told = completed(cncbops, "cncbops ")
    assert {f"  {name:<11} {what}" for name, what in told.items()} <= set(overview.splitlines())
    assert len(told) == overview.partition("Commands:\n")[2].partition("\n\n")[0].count("\n") + 1


@pytest.mark.parametrize("line", ["", "replay --", "runs resume -o ", "replay --plan ", "health us"])
def test_commands_and_options_are_completed_without_the_libraries_of_the_work(line: str, tmp_path: Path) -> None:
    code, out, modules = modules_loaded(tmp_path, env={**ASK, "_TYPER_COMPLETE_ARGS": f"cncbops {line}"})
    assert (code, bool(out.strip())) == (0, True)
    assert not modules & (AWS | ENGINE | CONVERTING | {"rich"})


@pytest.fixture
def bucket(s3: Any, unique: str) -> str:
    """A bucket with objects in folders, some of whose names no terminal should see."""
    s3.create_bucket(Bucket=unique)
    for key in ("2023/11/part-1.gz", "2023/12/part-1.gz", "a b/x", "readme", "bad\x1b[31m/x", "bad\ttab/x"):
        s3.put_object(Bucket=unique, Key=key, Body=b"")
    return unique


def test_buckets_and_what_is_in_them_are_completed(cncbops: Cncbops, ministack: str, bucket: str) -> None:
    def told(line: str) -> set[str]:
        return set(told_of_aws(cncbops, line, endpoint=ministack))

    assert told(f"cncbops replay s3://{bucket[:-1]}") == {f"s3://{bucket}/"}
    assert told(f"cncbops replay s3://{bucket}/") == {f"s3://{bucket}/{each}" for each in ("2023/", "a b/", "readme")}
    assert told(f"cncbops replay 's3://{bucket}/a ") == {f"s3://{bucket}/a b/"}
    assert told(f"cncbops replay s3://other/ s3://{bucket}/2023/1") == {
        f"s3://{bucket}/2023/{month}/" for month in (11, 12)
    }
    assert told(f"cncbops resubmit -b {bucket[:-1]}") == {bucket}
    assert told(f"cncbops faults ls -b {bucket} -p 2023/11/") == {"2023/11/part-1.gz"}
    assert told(f"cncbops invalidate E1 --from-s3 s3://{bucket}/r") == {f"s3://{bucket}/readme"}
    assert told(f"cncbops lake ls s3://other/ --inventory s3://{bucket}/r") == {f"s3://{bucket}/readme"}
    assert told("cncbops lake ls --inventory ") == {"s3://"}
    assert completed(cncbops, "cncbops replay -p 20", endpoint=ministack) == {}


def test_a_copy_is_where_its_own_options_say(cncbops: Cncbops, ministack: str, bucket: str) -> None:
    line = f"cncbops lake verify --recovery-endpoint-url {ministack}"
    nowhere = "http://127.0.0.1:9"
    assert set(told_of_aws(cncbops, f"{line} s3://lake/ s3://{bucket[:-1]}", endpoint=nowhere)) == {f"s3://{bucket}/"}
    assert set(told_of_aws(cncbops, f"{line} s3://lake/ s3://{bucket}/r", endpoint=nowhere)) == {
        f"s3://{bucket}/readme"
    }
    assert set(completed(cncbops, f"{line} s3://{bucket[:-1]}", endpoint=nowhere)) == set()
    assert set(completed(cncbops, f"{line} s3://lake/ ./", endpoint=nowhere)) == {"files"}


def test_functions_are_those_of_the_region_that_is_typed(
    cncbops: Cncbops, ministack: str, deploy_function: Callable[..., str], unique: str
) -> None:
    deploy_function(f"{unique}-here", "def handler(event, context): pass")
    there = servers.client("lambda", ministack, "eu-west-1")
    code = {"ZipFile": servers.zipped("index.py", "def handler(event, context): pass")}
    role = "arn:aws:iam::000000000000:role/r"
    there.create_function(
        FunctionName=f"{unique}-there", Runtime="python3.11", Role=role, Handler="index.handler", Code=code
    )

    def told(line: str, **more: Any) -> set[str]:
        return set(told_of_aws(cncbops, line + unique, **more))

    for line in ("replay -f ", "resubmit --function=", "faults ls --only-function ", "health --function "):
        option = line.split()[-1] if line.endswith("=") else ""
        assert told(f"cncbops {line}", endpoint=ministack) == {f"{option}{unique}-here"}
    assert told("cncbops replay -r eu-west-1 -f ", endpoint=ministack) == {f"{unique}-there"}
    assert told("cncbops replay -f ", endpoint=ministack, env={"CNCBOPS_REGION": "eu-west-1"}) == {f"{unique}-there"}
    assert told(f"cncbops replay --endpoint-url {ministack} -r eu-west-1 -f ") == {f"{unique}-there"}


def test_a_profile_that_is_typed_counts(
    cncbops: Cncbops, ministack: str, deploy_function: Callable[..., str], unique: str, tmp_path: Path
) -> None:
    deploy_function(f"{unique}-here", "def handler(event, context): pass")
    (tmp_path / "cncbops.toml").write_text(
        '[profiles.day]\nregion = "us-east-1"\n[profiles.far]\nregion = "eu-west-1"\n'
    )
    assert set(completed(cncbops, "cncbops replay --use ")) == {"day", "far"}

    def asked(profile: str) -> tuple[Cncbops, str]:
        return cncbops, f"cncbops replay --use {profile} -f {unique}"

    there: dict[str, Any] = {"endpoint": ministack, "env": {"AWS_REGION": None}}
    assert set(told_of_aws(*asked("day"), **there)) == {f"{unique}-here"}
    assert [completed(*asked(profile), **there) for profile in ("far", "none")] == [{}, {}]
    (tmp_path / "cncbops.toml").write_text("nonsense")
    assert set(completed(cncbops, "cncbops replay --output=")) == {"--output=text", "--output=json"}


def test_stages_are_those_of_the_stacks_that_the_file_names(
    cncbops: Cncbops, ministack: str, unique: str, tmp_path: Path
) -> None:
    stacks = servers.client("cloudformation", ministack)
    for name in (f"us-east-1-{unique}-lake", f"eu-west-1-{unique}x-lake", f"cncb-data-lake-s3-{unique}-y"):
        stacks.create_stack(StackName=name, TemplateBody=STACK)
    (tmp_path / "cncbops.toml").write_text('[stage]\nlake = { stack = "{region}-{stage}-lake", output = "Bucket" }\n')
    line = f"cncbops replay --stage {unique}"
    assert set(told_of_aws(cncbops, line, endpoint=ministack)) == {unique}
    (tmp_path / "cncbops.toml").unlink()
    assert set(told_of_aws(cncbops, line, endpoint=ministack)) == {f"{unique}-y"}


def test_stages_and_distributions_are_completed(cncbops: Cncbops, ministack: str, unique: str) -> None:
    stage = unique
    stacks = servers.client("cloudformation", ministack)
    for service in ("cncb-event-stream", "cncb-replaying-events", "other"):
        stacks.create_stack(StackName=f"{service}-{stage if service != 'other' else 'x' + stage}", TemplateBody=STACK)
    told = told_of_aws(cncbops, "cncbops health --stage ", endpoint=ministack)
    assert (stage in told, f"x{stage}" in told) == (True, False)

    origin = {"Id": "o", "DomainName": "b.s3.amazonaws.com", "S3OriginConfig": {"OriginAccessIdentity": ""}}
    behaviour = {"TargetOriginId": "o", "ViewerProtocolPolicy": "allow-all", "CachePolicyId": "658327ea"}
    config = {
        "CallerReference": unique,
        "Comment": "",
        "Enabled": True,
        "Aliases": {"Quantity": 1, "Items": [f"{unique}.example.com"]},
        "Origins": {"Quantity": 1, "Items": [origin]},
        "DefaultCacheBehavior": behaviour,
    }
    made = servers.client("cloudfront", ministack).create_distribution(DistributionConfig=config)["Distribution"]["Id"]
    for line in ("invalidate ls ", "invalidate status ", "invalidate "):
        told = in_the_end(partial(completed, cncbops, f"cncbops {line}", endpoint=ministack), lambda told: made in told)
        assert (told[made], "status" in told) == (f"{unique}.example.com", line == "invalidate ")
    assert not completed(cncbops, f"cncbops invalidate {made} ", endpoint=ministack)
    assert not completed(cncbops, "cncbops invalidate ls --stage john ", endpoint=ministack)


def test_runs_are_those_of_the_ledger_the_newest_first(cncbops: Cncbops, replays: Replays, far_side: FarSide) -> None:
    assert completed(cncbops, "cncbops runs show ") == {}
    far_side.add_bucket("lake", lakes.lake_of(lakes.make_events(2, 1, seed=1), 2))
    far_side.add_function("fn", lambda _payload, _context: ok())
    ids = [replays.execute(*more).summary["run_id"] for more in ((), ("--again",))]
    told = completed(cncbops, "cncbops runs show ")
    assert list(told.items()) == [(run_id, "replay fn succeeded") for run_id in reversed(ids)]
    assert set(completed(cncbops, "cncbops replay --resume 2")) == set(ids)
    with closing(sqlite3.connect(cncbops.state_dir / "ledger.db")) as ledger, ledger:
        ledger.execute("UPDATE runs SET command = 'resubmit' WHERE run_id = ?", (ids[1],))
    assert list(completed(cncbops, "cncbops replay --since-run ")) == ["last", ids[0]]
    assert completed(cncbops, "cncbops runs show --state-dir elsewhere ") == {}
    (cncbops.state_dir / "ledger.db").write_bytes(b"no database")
    assert completed(cncbops, "cncbops runs show ") == {}


def test_profiles_are_those_of_the_config_file(cncbops: Cncbops, tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text("[default]\nregion = eu-west-1\n[profile night]\nregion = us-east-1\n")
    told = completed(cncbops, "cncbops health --profile ", env={"AWS_CONFIG_FILE": str(config)})
    assert set(told) == {"default", "night"}


def test_regions_are_told_with_where_they_are(cncbops: Cncbops) -> None:
    told = completed(cncbops, "cncbops replay --region ")
    assert (told["eu-west-1"], "us-gov-west-1" in told) == ("Europe (Ireland)", True)
    assert set(Session().get_available_regions("s3")) <= set(told)
    assert not [name for name in told if "global" in name]


def test_regions_to_look_at_are_those_that_the_file_names(cncbops: Cncbops, tmp_path: Path) -> None:
    assert "eu-west-1" in completed(cncbops, "cncbops failover out ")
    (tmp_path / "cncbops.toml").write_text('[health.us-west-2]\nalarms = ["a"]\n[health.eu-west-1]\nalarms = ["a"]\n')
    for line in ("failover out ", "failover out eu-west-1 --other ", "health us-west-2 "):
        assert set(completed(cncbops, f"cncbops {line}")) == {"us-west-2", "eu-west-1"}


def test_what_aws_told_is_kept_for_a_minute_for_who_asked(
    cncbops: Cncbops, ministack: str, s3: Any, unique: str
) -> None:
    s3.create_bucket(Bucket=f"{unique}-first")
    line = f"cncbops replay -b {unique}"

    def told(**env: str) -> set[str]:
        return set(told_of_aws(cncbops, line, endpoint=ministack, env=env))

    assert told() == {f"{unique}-first"}
    s3.create_bucket(Bucket=f"{unique}-second")
    for token in ("AWS_SESSION_TOKEN", "AWS_CONTAINER_AUTHORIZATION_TOKEN", "AWS_BEARER_TOKEN_BEDROCK"):
        assert told(**{token: "secret"}) == {f"{unique}-first"}, "a token is no part of the question"
    both = {f"{unique}-first", f"{unique}-second"}
    assert told(AWS_ACCESS_KEY_ID="other") == both
    assert set(told_of_aws(cncbops, f"cncbops replay --region eu-west-1 -b {unique}", endpoint=ministack)) == both

    folder = cncbops.home / ".cache" / "cncbops" / "completion"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    files = list(folder.iterdir())
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    kept = "".join(file.name + file.read_text() for file in files)
    assert (ministack in kept, "AKIA" in kept) == (False, False)
    for file in files:
        file.write_text(json.dumps({"until": time.time() - 1, "names": []}))
    assert told() == both


@pytest.fixture
def silence() -> Iterator[socket.socket]:
    """An endpoint that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        yield server


def told_by(silence: socket.socket, cncbops: Cncbops, line: str) -> dict[str, str]:
    return completed(cncbops, f"cncbops {line}", endpoint=f"http://127.0.0.1:{silence.getsockname()[1]}")


def connections_to(silence: socket.socket) -> int:
    """How many there were since it was last asked."""
    count = 0
    with suppress(BlockingIOError):
        while True:
            silence.accept()[0].close()
            count += 1
    return count


def test_aws_that_does_not_answer_is_not_waited_for(cncbops: Cncbops, silence: socket.socket) -> None:
    started = time.monotonic()
    assert told_by(silence, cncbops, "replay s3://lake/") == {}
    assert time.monotonic() - started < 20


def test_who_presses_twice_in_vain_waits_once(cncbops: Cncbops, silence: socket.socket) -> None:
    assert told_by(silence, cncbops, "health --stage ") == {}
    connections_to(silence)
    assert told_by(silence, cncbops, "health --stage ") == {}
    assert connections_to(silence) == 0


@pytest.mark.parametrize(
    "env",
    [
        {"AWS_ENDPOINT_URL": "http://127.0.0.1:9"},
        {"AWS_ENDPOINT_URL": "nonsense"},
        {"AWS_PROFILE": "absent"},
        {"AWS_REGION": None},
        {"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None},
        {"CNCBOPS_ROLE_ARN": "arn:aws:iam::1:role/x", "AWS_ENDPOINT_URL": "http://127.0.0.1:9"},
        {"HOME": "/dev/null", "AWS_ENDPOINT_URL": "http://127.0.0.1:9"},
    ],
    ids=lambda env: "-".join(env),
)
def test_what_cannot_be_asked_is_no_matter_of_who_types(env: dict[str, str | None], cncbops: Cncbops) -> None:
    assert completed(cncbops, "cncbops replay -f ", env=env) == {}


def test_which_shells_there_are_is_told_in_a_line(cncbops: Cncbops) -> None:
    said = "error: Missing argument 'SHELL'. Choose from: bash, zsh, fish. See `cncbops completion --help`\n"
    assert cncbops("completion") == Result(2, "", said)
