"""What stops a run before anything is sent: one clear line that says what to do next, and the right exit code."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.e2e import far_side_s3, lakes
from tests.e2e.far_side import FarSide, service_error
from tests.e2e.far_side_health import HealthSide
from tests.e2e.replays import assert_quiet, checked
from tests.e2e.servers import Cncbops, Result

DENIED = service_error("AccessDeniedException", 403, "User is not authorized")
EXPIRED = service_error("ExpiredTokenException", 403, "The security token included in the request is expired")
UNKNOWN_KEY = service_error("UnrecognizedClientException", 403, "The security token is invalid")
STREAM_ARN = f"arn:aws:kinesis:us-east-1:123456789012:stream/{lakes.STREAM}"


@dataclass(frozen=True)
class Mistake:
    """A command line, or a world, in which nothing can be sent; `says` is what the one line must name."""

    says: tuple[str, ...]
    code: int
    arguments: tuple[str, ...] = ("s3://lake/", "-f", "listener")
    env: Mapping[str, str | None] = field(default_factory=dict)
    world: Callable[[FarSide], None] = lambda _far_side: None
    endpoint: str | None = None


@pytest.fixture
def world(far_side: FarSide) -> FarSide:
    far_side.add_bucket("lake", lakes.make_lake(3, 1, 3))
    far_side.add_function("listener")
    return far_side


def run_in(world: FarSide, cncbops: Cncbops, mistake: Mistake, *options: str) -> Result:
    mistake.world(world)
    return cncbops("replay", *mistake.arguments, *options, endpoint=mistake.endpoint or world.url, env=mistake.env)


def assert_one_line(result: Result, mistake: Mistake) -> None:
    assert_quiet(result, error=True)
    assert result.code == mistake.code, result
    for words in mistake.says:
        assert words in result.err, result
    assert result.err.rstrip().count(". ") >= 1, "no next step"


WRONG_COMMAND_LINES = {
    "no source": Mistake(("no source", "s3://bucket/prefix"), 2, ("-f", "listener")),
    "prefix without bucket": Mistake(("--prefix without --bucket",), 2, ("-p", "x/", "-f", "listener")),
    "no function": Mistake(("no function", "--function"), 2, ("s3://lake/",)),
    "a source that is no place": Mistake(("'ftp://x/y'", "s3://bucket/prefix"), 2, ("ftp://x/y", "-f", "listener")),
    "a bucket that is no name": Mistake(("'s3://a b/'",), 2, ("s3://a b/", "-f", "listener")),
    "malformed time": Mistake(
        ("'yesterday'", "2023-11-22T10:00:00Z"), 2, ("s3://lake/", "-f", "listener", "--from", "yesterday")
    ),
    "empty window": Mistake(
        ("'2023-11-22'", "'2023-11-21'"),
        2,
        ("s3://lake/", "-f", "listener", "--from", "2023-11-22", "--to", "2023-11-21"),
    ),
    "bad filter pattern": Mistake(
        ("Filter pattern", "wildcard"),
        2,
        ("s3://lake/", "-f", "listener", "--filter", '{"data":{"type":[{"wildcard":"a*"}]}}'),
    ),
    "filter that is not JSON": Mistake(
        ("Filter pattern", "JSON"), 2, ("s3://lake/", "-f", "listener", "--filter", "type=x")
    ),
    "stream ARN as function": Mistake(
        ("is no name of a Lambda function", "kinesis"), 2, ("s3://lake/", "-f", STREAM_ARN)
    ),
    "a batch size of nothing": Mistake(("--batch-size",), 2, ("s3://lake/", "-f", "listener", "--batch-size", "0")),
    "a rate that is exported and no number": Mistake(
        ("CNCBOPS_RATE", "'--rate'", "'x' is no number"), 2, env={"CNCBOPS_RATE": "x"}
    ),
    "a limit of failures that is exported and none": Mistake(
        ("CNCBOPS_MAX_FAILURES", "'--max-failures'", "'x' is not a limit of failures"),
        2,
        env={"CNCBOPS_MAX_FAILURES": "x"},
    ),
    "a duration that is exported and none": Mistake(
        ("CNCBOPS_MAX_DURATION", "'--max-duration'", "'90' is not a duration"), 2, env={"CNCBOPS_MAX_DURATION": "90"}
    ),
    "a time that is exported and none": Mistake(
        ("CNCBOPS_FROM", "'--from'", "'3h' is not a time", "-3h"), 2, env={"CNCBOPS_FROM": "3h"}
    ),
    "an output that there is not": Mistake(
        ("'--output' / '-o': 'yaml' is not one of",), 2, ("s3://lake/", "-f", "listener", "-o", "yaml")
    ),
    "an option without its value": Mistake(
        ("'--type' requires an argument. See `cncbops replay --help`",), 2, ("s3://lake/", "-f", "listener", "--type")
    ),
    "no such option": Mistake(("--excute",), 2, ("s3://lake/", "-f", "listener", "--excute")),
    "no such profile": Mistake(("profile", "nobody"), 2, ("s3://lake/", "-f", "listener", "--profile", "nobody")),
    "no region": Mistake(("region", "--region"), 2, env={"AWS_REGION": None}),
    "invalid endpoint": Mistake(
        ("not an endpoint", "http://"), 2, ("s3://lake/", "-f", "listener", "--endpoint-url", "not an endpoint")
    ),
}


@pytest.mark.parametrize("name", WRONG_COMMAND_LINES)
def test_a_wrong_command_line_is_one_clear_line_and_exit_2(name: str, world: FarSide, cncbops: Cncbops) -> None:
    mistake = WRONG_COMMAND_LINES[name]
    result = run_in(world, cncbops, mistake)
    assert_one_line(result, mistake)
    assert result.out == ""
    assert world.requests == []


def refusing(beginning: str, answer: Any) -> Callable[[FarSide], None]:
    return lambda far_side: far_side.refuse(beginning, answer)


def and_so(*worlds: Callable[[FarSide], None]) -> Callable[[FarSide], None]:
    def all_of_them(far_side: FarSide) -> None:
        for world in worlds:
            world(far_side)

    return all_of_them


RUNS_THAT_CANNOT_BE = {
    "no such bucket": Mistake(("s3://lakes/", "does not exist"), 1, ("s3://lakes/", "-f", "listener")),
    "no such function": Mistake(("no function listner in us-east-1", "listener"), 1, ("s3://lake/", "-f", "listner")),
    "no such function, nor one like it": Mistake(("no function zzz", "region"), 1, ("s3://lake/", "-f", "zzz")),
    "missing local path": Mistake(("/no/such/folder'", "Check the path"), 1, ("no/such/folder", "-f", "listener")),
    "listing denied": Mistake(
        ("s3://lake/", "access denied", "s3:ListBucket"),
        1,
        world=refusing("GET /lake?", far_side_s3.error(403, "AccessDenied", "Access Denied")),
    ),
    "invoking denied": Mistake(
        ("listener may not be invoked", "lambda:InvokeFunction"),
        1,
        world=refusing("POST /2015-03-31/functions/listener/invocations", DENIED),
    ),
    "expired credentials": Mistake(
        ("have expired", "Log in again"),
        1,
        world=and_so(
            refusing("GET /20", EXPIRED), refusing("GET /lake", far_side_s3.error(400, "ExpiredToken", "expired"))
        ),
    ),
    "expired while listing": Mistake(
        ("have expired", "s3://lake/"), 1, world=refusing("GET /lake?", far_side_s3.error(400, "ExpiredToken", "late"))
    ),
    "expired while reading": Mistake(
        ("have expired", "s3://lake/"), 1, world=refusing("GET /lake/", far_side_s3.error(400, "ExpiredToken", "late"))
    ),
    "unknown credentials": Mistake(("does not know these credentials",), 1, world=refusing("GET /20", UNKNOWN_KEY)),
    "no credentials": Mistake(
        ("no usable AWS credentials", "--profile"), 1, env={"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}
    ),
    "unreachable endpoint": Mistake(
        ("http://127.0.0.1:9", "cannot be reached", "--endpoint-url"), 1, endpoint="http://127.0.0.1:9"
    ),
    "another region": Mistake(
        ("another region", "--region"),
        1,
        world=refusing("GET /lake?", far_side_s3.error(301, "PermanentRedirect", "use the specified endpoint")),
    ),
    "no concurrency": Mistake(
        ("reserved concurrency 0",), 1, world=lambda far_side: far_side.add_function("listener", reserved_concurrency=0)
    ),
    "tumbling windows": Mistake(
        ("tumbling windows",),
        1,
        world=lambda far_side: far_side.add_function("listener", mappings=[{"TumblingWindowInSeconds": 60}]),
    ),
}


@pytest.mark.parametrize("name", RUNS_THAT_CANNOT_BE)
def test_a_run_that_cannot_be_is_one_clear_line_and_a_document_and_exit_1(
    name: str, world: FarSide, cncbops: Cncbops
) -> None:
    mistake = RUNS_THAT_CANNOT_BE[name]
    result = run_in(world, cncbops, mistake, "--execute", "-o", "json")
    left = [path.name for path in cncbops.state_dir.iterdir()] if cncbops.state_dir.exists() else []
    assert_one_line(result, mistake)
    run = checked(result)
    assert run.status == "failed"
    assert run.summary["error"]["what"] in result.err
    assert run.summary["error"]["next_step"] in result.err
    assert world.delivered() == []
    assert left == (["ledger.db"] if run.summary["ledger"] else [])


@pytest.mark.parametrize("options", [[], ["--execute"]], ids=["dry-run", "execute"])
def test_as_text_a_run_that_cannot_be_leaves_standard_output_empty(
    options: list[str], world: FarSide, cncbops: Cncbops
) -> None:
    mistake = RUNS_THAT_CANNOT_BE["no such function"]
    result = run_in(world, cncbops, mistake, *options)
    assert_one_line(result, mistake)
    assert result.out == ""


def test_a_traceback_is_shown_only_to_those_who_ask(world: FarSide, cncbops: Cncbops) -> None:
    result = run_in(world, cncbops, RUNS_THAT_CANNOT_BE["no such bucket"], "-v")
    assert (result.code, result.out) == (1, "")
    assert "Traceback" in result.err
    assert result.err.splitlines()[-1].startswith("error: cannot list s3://lakes/")


def test_a_state_directory_below_a_file_stops_the_run_before_anything_is_sent(
    world: FarSide, cncbops: Cncbops, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    arguments = ("s3://lake/", "-f", "listener", "--execute", "--state-dir", str(tmp_path / "file" / "state"))
    mistake = Mistake(("cannot use the state directory", "--state-dir"), 1, arguments)
    assert_one_line(run_in(world, cncbops, mistake), mistake)
    assert world.delivered() == []


def test_no_payload_gets_into_an_error(world: FarSide, cncbops: Cncbops) -> None:
    world.add_bucket("lake", {"x": lakes.envelope(b'{"type":"thing-created","card":"4111-1111"}', "k", 1)})
    world.refuse("POST /2015-03-31/functions/listener/invocations", DENIED)
    result = cncbops("replay", "s3://lake/", "-f", "listener", "--execute", "-v", endpoint=world.url)
    assert "4111" not in result.out + result.err
    assert json.dumps("4111") not in result.err


def test_what_is_no_sts_is_told_in_one_line(cncbops: Cncbops, health_side: HealthSide) -> None:
    health_side.on("sts.AssumeRole", far_side_s3.Answer(200, {"Content-Type": "text/html"}, b"<html>Welcome</html>"))
    role = ("--role-arn", "arn:aws:iam::210987654321:role/recovery")
    result = cncbops("replay", "s3://lake/", "-f", "fn", *role, "--execute", "-o", "json", endpoint=health_side.url)
    assert (result.code, result.json["status"], result.err.count("\n")) == (1, "failed", 1)
    assert "what answers to AssumeRole gives no valid credentials" in result.err
