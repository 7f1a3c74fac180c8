"""`--stage`: what was not typed is as the stage's stacks tell, in an embedded AWS."""

import json
from dataclasses import dataclass
from typing import Any

import pytest

from tests.e2e import lakes, servers
from tests.e2e.servers import Cncbops, Result

EVENTS = lakes.make_events(20, 4, seed=3)
FAULT = {
    "type": "fault",
    "timestamp": 1700611200123,
    "tags": {"functionName": "NAME", "region": "us-east-1"},
    "err": {"name": "TypeError", "message": "boom", "stack": "TypeError: boom"},
    "uow": {"record": {"kinesis": {"data": "eyJpZCI6ImUtMSJ9", "partitionKey": "k", "sequenceNumber": "1"}}},
}
SOURCE = "def handler(event, context): return {'batchItemFailures': []}"


@dataclass(frozen=True)
class Stage:
    """A stage with a lake, faults and functions, and the command to be run on it."""

    name: str
    command: Cncbops
    endpoint: str

    @property
    def lake(self) -> str:
        return f"s3://{self.name}-lake/{self.name}-s1/"

    @property
    def listener(self) -> str:
        return f"cncb-replaying-events-{self.name}-listener"

    def __call__(self, *arguments: str, **more: Any) -> Result:
        return self.command(*arguments, endpoint=self.endpoint, **more)

    def stack(self, name: str, **outputs: str) -> None:
        template = {
            "Resources": {"Topic": {"Type": "AWS::SNS::Topic", "Properties": {}}},
            "Outputs": {key: {"Value": value} for key, value in outputs.items()},
        }
        stacks = servers.client("cloudformation", self.endpoint)
        stacks.create_stack(StackName=f"{name}-{self.name}", TemplateBody=json.dumps(template))

    def function(self, name: str) -> None:
        servers.client("lambda", self.endpoint).create_function(
            FunctionName=name,
            Runtime="python3.11",
            Role="arn:aws:iam::000000000000:role/listener",
            Handler="index.handler",
            Code={"ZipFile": servers.zipped("index.py", SOURCE)},
        )


@pytest.fixture
def stage(cncbops: Cncbops, ministack: str, s3: Any, unique: str) -> Stage:
    """A stage as the book's stacks make it, with functions of another service."""
    stage = Stage(unique, cncbops, ministack)
    for bucket in ("lake", "faults"):
        s3.create_bucket(Bucket=f"{unique}-{bucket}")
    for key, body in lakes.lake_of(EVENTS, 10).items():
        s3.put_object(Bucket=f"{unique}-lake", Key=f"{unique}-s1/{key}", Body=body)
    fault = json.dumps(FAULT).replace("NAME", stage.listener).encode()
    s3.put_object(Bucket=f"{unique}-faults", Key="2023/11/22/00/f.json", Body=fault)
    stage.stack("cncb-data-lake-s3", DataLakeBucketName=f"{unique}-lake")
    stage.stack("cncb-event-stream", streamName=f"{unique}-s1")
    stage.stack("cncb-resubmitting-faults-monitor", BucketName=f"{unique}-faults")
    for name in (stage.listener, f"my-service-{unique}-listener", f"my-service-{unique}-worker"):
        stage.function(name)
    return stage


def test_a_replay_needs_no_more_than_its_stage(stage: Stage) -> None:
    planned = stage("replay", "--stage", stage.name, "-o", "json").json
    assert (planned["source"], planned["function"]) == ([stage.lake], stage.listener)
    names = {"lake": f"{stage.name}-lake", "prefix": f"{stage.name}-s1/", "function": stage.listener}
    assert planned["stage"] == {"name": stage.name, "region": "us-east-1", "names": names}
    assert planned["events"]["matched"] == len(EVENTS)
    told = f"{stage.name} in us-east-1: lake {names['lake']}, prefix {names['prefix']}, function {names['function']}"
    assert f"stage        {told}" in stage("replay", "--stage", stage.name).out
    done = stage("replay", "--stage", stage.name, "--execute")
    assert (done.code, f"note: stage {told}" in done.err) == (0, True), done.err


def test_the_sources_and_functions_that_are_typed_are_those_that_are_meant(stage: Stage) -> None:
    def planned(*typed: str) -> tuple[list[str], str, Any]:
        told = stage("replay", "--stage", stage.name, *typed, "-o", "json").json
        return told["source"], told["function"], told["stage"] and list(told["stage"]["names"])

    own = f"my-service-{stage.name}-worker"
    assert planned("-p", f"{stage.name}-s1/2") == ([f"{stage.lake}2"], stage.listener, ["lake", "function"])
    assert planned("-b", f"{stage.name}-lake") == ([f"s3://{stage.name}-lake/"], stage.listener, ["function"])
    assert planned(stage.lake) == ([stage.lake], stage.listener, ["function"])
    assert planned(stage.lake, "-f", own) == ([stage.lake], own, ["function"])


@pytest.mark.parametrize(
    ("typed", "function"),
    [
        ("worker", "my-service-STAGE-worker"),
        ("replaying-events", "cncb-replaying-events-STAGE-listener"),
        ("worker:$LATEST", "my-service-STAGE-worker:$LATEST"),
        ("my-service-STAGE-worker", "my-service-STAGE-worker"),
        ("arn:aws:lambda:us-east-1:000000000000:function:my-service-STAGE-worker", "my-service-STAGE-worker"),
    ],
)
def test_a_part_of_a_functions_name_is_enough(stage: Stage, typed: str, function: str) -> None:
    asked = ("replay", "--stage", stage.name, "-f", typed.replace("STAGE", stage.name), "-o", "json")
    assert stage(*asked).json["function"] == function.replace("STAGE", stage.name)


def test_the_whole_name_of_a_function_is_no_part_of_another(stage: Stage) -> None:
    whole = stage.name.replace("-", "")
    for name in (whole, f"my-{stage.name}-{whole}"):
        stage.function(name)
    assert stage("replay", "--stage", stage.name, "-f", whole, "-o", "json").json["function"] == whole


def test_a_part_that_fits_several_is_refused_with_their_names(stage: Stage) -> None:
    result = stage("replay", "--stage", stage.name, "-f", "listener")
    assert (result.code, result.out) == (2, "")
    assert f"listener fits 2 functions of stage {stage.name}: {stage.listener}, my-service-" in result.err
    unknown = stage("replay", "--stage", stage.name, "-f", "work")
    assert (unknown.code, "there is no function work in us-east-1" in unknown.err) == (1, True)


def test_what_reads_faults_needs_no_more_than_its_stage(stage: Stage) -> None:
    place = f"s3://{stage.name}-faults/2023/11/22/00/f.json:1"
    assert stage("faults", "ls", "--stage", stage.name, "-o", "json").out.count(place) == 1
    stats = stage("faults", "stats", "--stage", stage.name)
    assert stats.err.startswith(f"note: stage {stage.name} in us-east-1: faults s3://{stage.name}-faults/\n")
    assert stage("faults", "stats", "--stage", stage.name, "-o", "json").json["source"] == [
        f"s3://{stage.name}-faults/"
    ]
    assert place in stage("faults", "show", "--stage", stage.name).out
    planned = stage("resubmit", "--stage", stage.name, "-f", "worker", "-o", "json").json
    assert (planned["source"], list(planned["functions"])) == (
        [f"s3://{stage.name}-faults/"],
        [f"my-service-{stage.name}-worker"],
    )
    assert set(planned["stage"]["names"]) == {"faults", "function"}


def test_what_looks_into_a_lake_needs_no_more_than_its_stage(stage: Stage) -> None:
    listed = stage("lake", "ls", "--stage", stage.name)
    assert listed.out.count(stage.lake) == 2
    assert listed.err.startswith(f"note: stage {stage.name} in us-east-1: lake {stage.name}-lake, prefix")
    assert len(stage("lake", "cat", "--stage", stage.name).out.splitlines()) == len(EVENTS)
    assert stage("lake", "find", "--stage", stage.name, "-p", "none/").code == 1
    counted = stage("lake", "stats", "--stage", stage.name, "-o", "json").json
    assert (counted["source"], counted["events"]["matched"]) == ([stage.lake], len(EVENTS))
    same = stage("lake", "verify", "--stage", stage.name, stage.lake, "--recovery-region", "us-west-2", "-o", "json")
    assert (same.code, same.json["lake"], same.json["recovery"]) == (0, stage.lake, stage.lake)
    alone = stage("lake", "verify", stage.lake)
    assert (alone.code, "there is no RECOVERY" in alone.err) == (2, True)


@pytest.mark.parametrize(
    ("typed", "error"),
    [
        (
            ("--stage", "nobody"),
            "error: stage nobody has no data lake in us-east-1: there is no stack cncb-data-lake-s3-nobody "
            "(output DataLakeBucketName). Give SOURCE, or --bucket, or another --region\n",
        ),
        (("--stage", "a b"), "error: 'a b' is no stage. Give its name, such as john\n"),
        (("--stage", "{region}"), "error: '{region}' is no stage. Give its name, such as john\n"),
    ],
)
def test_what_no_stack_tells_is_said_with_where_it_was_looked_for(
    cncbops: Cncbops, ministack: str, typed: tuple[str, ...], error: str
) -> None:
    result = cncbops("replay", *typed, endpoint=ministack)
    assert (result.out, result.err) == ("", error)
    assert cncbops("replay", *typed, "-o", "json", endpoint=ministack).json["status"] == "failed"


def test_a_stack_without_the_output_is_told_as_such(stage: Stage) -> None:
    stage.stack("event-lake", BucketName="x")
    config = stage.command.home / "cncbops.toml"
    config.write_text('[stage]\nlake = { stack = "event-lake-{stage}", output = "Bucket" }\n')
    result = stage("replay", "--stage", stage.name)
    assert f"stack event-lake-{stage.name} has no output Bucket" in result.err


def test_a_stage_that_is_not_there_is_told_with_the_nearest(stage: Stage) -> None:
    mistyped = f"{stage.name}x"
    for line in (("lake", "ls"), ("faults", "stats"), ("replay",)):
        result = stage(*line, "--stage", mistyped)
        assert (result.code, f"-{mistyped} (output " in result.err) == (1, True), result.err
        assert f"). Did you mean {stage.name}? Give SOURCE, or --bucket" in result.err
    there = stage("invalidate", "--stage", stage.name, "/a")
    assert ("has no distribution" in there.err, "Did you mean" in there.err) == (True, False)


def test_a_team_may_have_other_names(stage: Stage) -> None:
    stage.stack("event-lake", BucketName=f"{stage.name}-lake")
    (stage.command.home / "cncbops.toml").write_text(
        f"""
        [stage]
        lake = {{ stack = "event-lake-{{stage}}", output = "BucketName" }}
        prefix = "{{region}}/"
        function = "my-service-{{stage}}-worker"
        faults = "{{stage}}-faults"
        [defaults]
        stage = "{stage.name}"
        """
    )
    planned = stage("replay", "-o", "json").json
    assert planned["source"] == [f"s3://{stage.name}-lake/us-east-1/"]
    assert planned["function"] == f"my-service-{stage.name}-worker"
    assert stage("faults", "stats", "-o", "json").json["source"] == [f"s3://{stage.name}-faults/"]
    typed = stage("replay", "--stage", "nobody")
    assert "there is no stack event-lake-nobody" in typed.err


def test_a_stage_that_a_file_says_does_not_stand_in_the_way(stage: Stage) -> None:
    (stage.command.home / "cncbops.toml").write_text('[defaults]\nstage = "nobody"\n')
    planned = stage("replay", stage.lake, "-f", stage.listener, "-o", "json")
    assert (planned.code, planned.json["function"]) == (0, stage.listener)
    missing = stage("invalidate", "E2EXAMPLE1234X", "/a")
    assert "there is no distribution E2EXAMPLE1234X" in missing.err
