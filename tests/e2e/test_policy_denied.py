"""Each command under the policy that `cncbops policy` prints for it, where all else is denied.

It must succeed, and every action of every statement must be what alone allows something that it does: so nothing is
missing, and nothing superfluous. Without an action, the command tells what it was denied.
"""

import json
import uuid
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial, reduce
from pathlib import Path
from typing import Any

import pytest

from tests.e2e import lakes, resubmits, servers
from tests.e2e.completions import completed, in_the_end
from tests.e2e.enforcing import ROLE, Enforcing
from tests.e2e.far_side_cloudfront import DOMAIN, ID, FarSideCloudFront
from tests.e2e.far_side_health import HealthSide
from tests.e2e.far_side_regions import EAST, TwoRegions
from tests.e2e.iam import listed, without
from tests.e2e.invalidates import make_distribution
from tests.e2e.servers import Cncbops, Result
from tests.inventory.inventories import URI, Entry, Written

HANDLER = """
def handler(event, context):
    if {fails}:
        raise ValueError("broken")
    return {{"batchItemFailures": []}}
"""
ROLE_ARN = "arn:aws:iam::000000000000:role/ops"
MAY_ASSUME = {"Sid": "Caller", "Effect": "Allow", "Action": "sts:AssumeRole", "Resource": ROLE_ARN}
NO_OUTPUT = {"Resources": {"Topic": {"Type": "AWS::SNS::Topic", "Properties": {}}}}
UNREACHABLE = "http://127.0.0.1:9"


@dataclass
class Denying:
    """Runs commands before an embedded AWS that denies. `names` are what stands in their lines."""

    cncbops: Cncbops
    proxy: Enforcing
    names: Mapping[str, str] = field(default_factory=dict)
    printed: dict[str, Any] = field(default_factory=dict)

    def typed(self, line: str) -> list[str]:
        return line.format(**self.names).split()

    def policy(self, line: str) -> Any:
        """What `cncbops policy` prints, where no AWS can be reached."""
        if line not in self.printed:
            result = self.cncbops("policy", *self.typed(line), endpoint=UNREACHABLE)
            assert result.code == 0, result.err
            self.printed[line] = result.json
        return self.printed[line]

    def under(self, policy: Any, line: str) -> Result:
        """The command under a policy; once more where a busy machine was late for the second of a probe."""

        def ask() -> Result:
            self.proxy.allow(policy)
            return self.cncbops(*self.typed(line), endpoint=self.proxy.url)

        result = in_the_end(ask, lambda result: "no answer within" not in result.out)
        assert self.proxy.unknown == []
        return result

    def suffices(self, line: str, code: int = 0, *, unused: Collection[str] = ()) -> None:
        """The command under its own policy, of which all is used but what this AWS gives no occasion for."""
        policy = self.policy(line)
        result = self.under(policy, line)
        assert (result.code, self.proxy.denied) == (code, []), result
        assert self.proxy.used == {each for each in actions_of(policy) if each[1] not in unused}

    def said(self, line: str, *actions: str) -> str:
        """What the command says where these actions are taken from its policy, each of which it tries."""
        result = self.under(reduce(without, actions, self.policy(line)), line)
        assert {each.action for each in self.proxy.denied} == set(actions)
        return " ".join((result.out + result.err).split())

    def tells(self, line: str, *told: tuple[str, str]) -> None:
        """Take an action away, and then the next: what the command says of each."""
        for action, words in told:
            assert words in self.said(line, action), action


def actions_of(policy: Any) -> list[tuple[str, str]]:
    return [(statement["Sid"], action) for statement in policy["Statement"] for action in listed(statement["Action"])]


def ask_for(*actions: str) -> list[tuple[str, str]]:
    """What is said of actions without which a command cannot go on."""
    return [(action, f"access denied. Ask for {action}") for action in actions]


@pytest.fixture(scope="module")
def name() -> str:
    """What the names of this module begin with."""
    return f"t-{uuid.uuid4().hex[:10]}"


@pytest.fixture(scope="module")
def function(lambda_: Any, name: str) -> str:
    """A function with an alias PROD that takes what it is given, and another, its name with -broken, that fails."""
    names = {name: False, f"{name}-broken": True}
    for each, fails in names.items():
        lambda_.create_function(
            FunctionName=each,
            Runtime="python3.11",
            Role="arn:aws:iam::000000000000:role/cncb-listener-role",
            Handler="index.handler",
            Code={"ZipFile": servers.zipped("index.py", HANDLER.format(fails=fails))},
            Timeout=10,
        )
    for each in names:
        waiter = lambda_.get_waiter("function_active_v2")
        waiter.wait(FunctionName=each, WaiterConfig={"Delay": 0.05, "MaxAttempts": 400})
    version = lambda_.publish_version(FunctionName=name)["Version"]
    lambda_.create_alias(FunctionName=name, Name="PROD", FunctionVersion=version)
    return name


@pytest.fixture(scope="module")
def lake(s3: Any, name: str) -> str:
    """A bucket with a lake under a prefix."""
    s3.create_bucket(Bucket=name)
    for key, body in lakes.lake_of(lakes.make_events(6, 2), 3).items():
        s3.put_object(Bucket=name, Key=f"lake/{key}", Body=body)
    return f"s3://{name}/lake/"


@pytest.fixture(scope="module")
def faults(s3: Any, ministack: str, name: str, function: str) -> str:
    """Faults of the function: with records, with a range of a stream, and one whose stream holds it no more."""
    kinesis = servers.client("kinesis", ministack)
    kinesis.create_stream(StreamName=name, ShardCount=1)
    kinesis.get_waiter("stream_exists").wait(StreamName=name, WaiterConfig={"Delay": 0.05, "MaxAttempts": 400})
    arn = kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]["StreamARN"]
    records = [{"Data": b'{"type":"thing-created"}', "PartitionKey": "k"}] * 2
    numbers = [each["SequenceNumber"] for each in kinesis.put_records(StreamName=name, Records=records)["Records"]]
    given_up = [resubmits.given_up(function, arn, *each, 2).encode() for each in (numbers, ("1", "2"))]
    s3.create_bucket(Bucket=f"{name}-faults")
    body = lakes.join([resubmits.library(1, resubmits.record(1), function=function), *given_up])
    s3.put_object(Bucket=f"{name}-faults", Key="us-east-1/2023/11/22/00/faults", Body=body)
    return f"s3://{name}-faults/us-east-1/"


@pytest.fixture
def queues(ministack: str, unique: str, function: str) -> list[str]:
    """Queues, each with a fault of the function."""
    sqs, names = servers.client("sqs", ministack), [f"{unique}-a", f"{unique}-b"]
    for number, name in enumerate(names):
        url = sqs.create_queue(QueueName=name)["QueueUrl"]
        fault = resubmits.library(number, resubmits.record(number), function=function)
        sqs.send_message(QueueUrl=url, MessageBody=fault.decode())
    return [f"sqs://{name}" for name in names]


@pytest.fixture(scope="module")
def alarm(ministack: str, name: str) -> str:
    """An alarm of a metric that nobody writes."""
    servers.client("cloudwatch", ministack).put_metric_alarm(
        AlarmName=name,
        MetricName="Errors",
        Namespace=name,
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=0,
        ComparisonOperator="GreaterThanThreshold",
    )
    return name


@pytest.fixture(scope="module")
def proxy(ministack: str) -> Iterator[Enforcing]:
    """ministack behind a proxy that denies."""
    with Enforcing(ministack) as enforcing:
        yield enforcing
    assert enforcing.errors == []


@pytest.fixture
def denying(cncbops: Cncbops, proxy: Enforcing, lake: str, faults: str, function: str) -> Denying:
    return Denying(cncbops, proxy, {"lake": lake, "faults": faults, "function": function})


def test_replay(denying: Denying, alarm: str) -> None:
    line = f"replay {{lake}} -f {{function}} --stop-on-alarm {alarm}"
    denying.suffices(f"{line} --execute")
    denying.suffices(f"{line} --dry-run")
    denying.suffices("replay {lake} -f {function}:PROD")
    denying.tells(
        line,
        *ask_for("s3:ListBucket", "cloudwatch:DescribeAlarms"),
        ("s3:GetObject", "Ask for s3:GetObject"),
        ("lambda:InvokeFunction", "may not be invoked by you. Ask for lambda:InvokeFunction"),
    )
    facts = "its configuration, its reserved concurrency, its event source mappings, its on-failure destination"
    inspect = ("GetFunctionConfiguration", "GetFunctionConcurrency", "ListEventSourceMappings")
    actions = [f"lambda:{each}" for each in (*inspect, "GetFunctionEventInvokeConfig")]
    assert f"AWS gave no answer on {facts}" in denying.said(line, *actions)


def test_lake(denying: Denying) -> None:
    denying.suffices("lake ls {lake}")
    denying.suffices("lake cat {lake}")
    denying.suffices("lake find {lake} --type thing-*")
    denying.suffices("lake stats {lake}")
    denying.tells("lake ls {lake}", *ask_for("s3:ListBucket"))
    denying.tells("lake cat {lake}", *ask_for("s3:GetObject"))


def test_completion(denying: Denying, name: str) -> None:
    policy = denying.policy("completion bash")
    denying.proxy.allow(policy)
    lines = ("s3://", f"s3://{name}/", "-f ", "--stage ")
    for line in (*(f"cncbops replay {end}" for end in lines), "cncbops invalidate "):
        ask = partial(completed, denying.cncbops, line, endpoint=denying.proxy.url)
        known = len(denying.proxy.used)
        in_the_end(ask, lambda _, known=known: len(denying.proxy.used) > known)  # type: ignore[misc]
    assert (denying.proxy.denied, denying.proxy.unknown) == ([], [])
    assert denying.proxy.used == set(actions_of(policy))


def test_a_stage(denying: Denying, ministack: str, name: str, unique: str) -> None:
    stacks = servers.client("cloudformation", ministack)
    outputs = {"cncb-data-lake-s3": ("DataLakeBucketName", name), "cncb-event-stream": ("streamName", "lake")}
    for service, (key, value) in outputs.items():
        template = {**NO_OUTPUT, "Outputs": {key: {"Value": value}}}
        stacks.create_stack(StackName=f"{service}-{unique}", TemplateBody=json.dumps(template))
    line = f"replay --stage {unique} -f {name} --dry-run"
    denying.suffices(line)
    denying.tells(line, *ask_for("cloudformation:DescribeStacks"))
    assert "lambda:ListFunctions" in {action for _, action in actions_of(denying.policy(line))}


def test_a_stage_that_is_not_there(denying: Denying, ministack: str, unique: str) -> None:
    """The nearest is told to who may list stacks; nobody needs it."""
    there, mistyped = f"cncb-data-lake-s3-{unique}", f"lake ls --stage {unique}x"
    servers.client("cloudformation", ministack).create_stack(StackName=there, TemplateBody=json.dumps(NO_OUTPUT))
    result = denying.under(denying.policy(mistyped), mistyped)
    assert [each.action for each in denying.proxy.denied] == ["cloudformation:ListStacks"]
    assert (result.code, f"no stack {there}x" in result.err, "Did you mean" in result.err) == (1, True, False)


def test_a_lake_and_its_copy(denying: Denying, s3: Any, name: str, unique: str) -> None:
    s3.create_bucket(Bucket=unique)
    first, _ = [each["Key"] for each in s3.list_objects_v2(Bucket=name)["Contents"]]
    s3.put_object(Bucket=unique, Key=first, Body=b"another")
    line = f"lake verify {{lake}} s3://{unique}/lake/"
    denying.suffices(line, code=3)
    denying.tells(line, *ask_for("s3:ListBucket"), ("s3:GetObject", "told only to who may s3:GetObject"))


def test_a_lake_is_read_under_a_role_of_its_own(denying: Denying) -> None:
    line = f"replay {{lake}} -f {{function}} --source-role-arn {ROLE_ARN}"
    policy = denying.policy(line)
    assert not [action for _, action in actions_of(policy) if action.startswith("s3:")]
    denying.proxy.allow(denying.policy("lake cat {lake}"), ROLE)
    result = denying.under({**policy, "Statement": [*policy["Statement"], MAY_ASSUME]}, line)
    assert (result.code, denying.proxy.denied) == (0, []), result


@pytest.fixture(scope="module")
def manifest(s3: Any, ministack: str, name: str, lake: str) -> str:
    """An inventory of the lake, in a bucket of another region."""
    stored = {
        each["Key"]: Entry(each["Key"], each["Size"], each["ETag"].strip('"'), each["LastModified"])
        for each in s3.list_objects_v2(Bucket=name)["Contents"]
    }
    uri = URI.replace("inventories", f"{name}-inventories", 1)
    there = servers.client("s3", ministack, "eu-west-1")
    there.create_bucket(Bucket=f"{name}-inventories", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    for key, each in Written(bucket=name).objects(stored.values()).items():
        there.put_object(Bucket=f"{name}-inventories", Key=key, Body=each.body)
    return uri


def test_a_lake_listed_from_an_inventory(denying: Denying, manifest: str) -> None:
    line = f"replay {{lake}} -f {{function}} --inventory {manifest}"
    to_tell_vanished_from_denied = {"s3:ListBucket"}
    denying.suffices(f"lake cat {{lake}} --inventory {manifest}", unused=to_tell_vanished_from_denied)
    denying.suffices(f"{line} --execute", unused=to_tell_vanished_from_denied)
    denying.tells(line, ("s3:GetObject", f"cannot read {manifest}: access denied. Ask for s3:GetObject"))


def test_an_inventory_is_read_under_the_role_of_the_lake(denying: Denying, manifest: str) -> None:
    line = f"replay {{lake}} -f {{function}} --inventory {manifest} --source-role-arn {ROLE_ARN}"
    policy = denying.policy(line)
    assert not [action for _, action in actions_of(policy) if action.startswith("s3:")]
    denying.proxy.allow(denying.policy(f"lake cat {{lake}} --inventory {manifest}"), ROLE)
    result = denying.under({**policy, "Statement": [*policy["Statement"], MAY_ASSUME]}, line)
    assert (result.code, denying.proxy.denied) == (0, []), result
    assert "6 matched of 6 read" in result.out


def test_faults(denying: Denying) -> None:
    denying.suffices("faults ls {faults}")
    denying.suffices("faults show {faults}2023/11/22/00/faults:2")
    denying.suffices("faults stats {faults}")
    denying.tells("faults stats {faults}", *ask_for("s3:ListBucket", "s3:GetObject"))


def test_faults_of_a_queue(denying: Denying, queues: list[str]) -> None:
    queue, _ = queues
    denying.suffices(f"faults ls {queue}")
    denying.tells(f"faults ls {queue}", *ask_for("sqs:GetQueueUrl", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"))


def test_resubmit(denying: Denying) -> None:
    denying.tells(
        "resubmit {faults}",
        ("kinesis:GetShardIterator", "NoRecord: cannot read shardId-000000000000"),
        ("kinesis:GetRecords", "NoRecord: cannot read shardId-000000000000"),
        ("lambda:InvokeFunction", "may not be invoked by you. Ask for lambda:InvokeFunction"),
    )
    denying.suffices("resubmit {faults} --dry-run", code=3)
    denying.suffices("resubmit {faults} --execute", code=3)


def test_resubmit_of_a_queue(denying: Denying, queues: list[str]) -> None:
    no_occasion = {f"kinesis:{each}" for each in ("DescribeStreamSummary", "GetShardIterator", "GetRecords")}
    no_occasion.add("sqs:ChangeMessageVisibility")  # nothing stays on the queue, or is long in hand
    denying.suffices(f"resubmit {queues[0]} --execute", unused=no_occasion)
    denying.tells(f"resubmit {queues[1]} --execute", *ask_for("sqs:DeleteMessage"))


def test_runs(denying: Denying, ministack: str) -> None:
    options = "--execute --max-attempts 1 --no-bisect --workers 1 -o json"
    line = f"replay {{lake}} -f {{function}}-broken --batch-size 3 --max-failures 1 {options}"
    stopped = denying.cncbops(*denying.typed(line), endpoint=ministack).json
    assert stopped["status"] == "stopped"
    line = f"{stopped['run_id']} --max-failures 100% --execute"
    # The lake is listed once more where somebody watches, for the progress.
    denying.suffices(f"runs resume {line} --workers 1", code=3, unused={"s3:ListBucket"})
    denying.suffices(f"runs redrive {line}", code=3)


def test_invalidate(cncbops: Cncbops, cloudfront: FarSideCloudFront) -> None:
    cloudfront.begin("/others/1", "/others/2")
    with Enforcing(cloudfront.url) as proxy:
        denying = Denying(cncbops, proxy)
        denying.suffices(f"invalidate {ID} /a --execute")
        denying.suffices(f"invalidate {DOMAIN} /a --dry-run")
        denying.tells(
            f"invalidate {DOMAIN} /a --execute",
            *ask_for("cloudfront:ListDistributions", "cloudfront:CreateInvalidation"),
        )
        cloudfront.complete()
        cloudfront.begin("/others/3", "/others/4")
        denying.tells(
            f"invalidate {ID} /a",
            *ask_for("cloudfront:ListInvalidations"),
            ("cloudfront:GetDistribution", "not to be looked at: access denied"),
            ("cloudfront:GetInvalidation", "in progress 1 of 3,000 paths"),
        )


def test_invalidations(cncbops: Cncbops, cloudfront: FarSideCloudFront) -> None:
    made = cloudfront.begin("/others/1").id
    with Enforcing(cloudfront.url) as proxy:
        denying = Denying(cncbops, proxy)
        denying.suffices(f"invalidate ls {ID}")
        denying.suffices(f"invalidate status {ID} {made}")
        denying.tells(
            f"invalidate ls {ID}", *ask_for("cloudfront:ListInvalidations"), ("cloudfront:GetInvalidation", "unknown")
        )
        denying.tells(f"invalidate status {ID} {made}", *ask_for("cloudfront:GetInvalidation"))


def test_invalidate_by_a_stage_and_by_what_was_written(denying: Denying, ministack: str, unique: str) -> None:
    distribution = make_distribution(servers.client("cloudfront", ministack), unique)
    template = {
        "Resources": {"Topic": {"Type": "AWS::SNS::Topic", "Properties": {}}},
        "Outputs": {"ApiDistributionId": {"Value": distribution}},
    }
    stacks = servers.client("cloudformation", ministack)
    stacks.create_stack(StackName=f"cncb-cdn-invalidate-{unique}", TemplateBody=json.dumps(template))
    line = f"invalidate --stage {unique} --from-s3 {{lake}} --since -1h --execute"
    denying.suffices(line, unused={"cloudfront:GetInvalidation"})
    denying.tells(line, *ask_for("cloudformation:DescribeStacks", "s3:ListBucket"))


def test_health(cncbops: Cncbops, health_side: HealthSide, toml: Path) -> None:
    table = {"TableStatus": "ACTIVE", "GlobalTableVersion": "2017.11.29"}
    health_side.on("dynamodb.DescribeTable", {"Table": table})
    health_side.on("dynamodb.DescribeGlobalTable", {"GlobalTableDescription": {"ReplicationGroup": []}})
    toml.write_text(toml.read_text().replace("t1", "table"))  # too short a name for a global table
    with Enforcing(health_side.url) as proxy:
        denying = Denying(cncbops, proxy)
        denying.suffices("health --execute")
        denying.suffices("health --stage john --dry-run", code=4)
        line = "health us-east-1 --stage john --execute"
        asked_first = {action for _, action in actions_of(denying.policy(line))} - ASKED_SECOND
        for actions in (asked_first, ASKED_SECOND):
            said = denying.said(line, *actions)
            assert [each for each in actions if f"access denied. Ask for {each}" not in said] == []


ASKED_SECOND = {
    "cloudformation:DescribeStackResource",
    "dynamodb:DescribeGlobalTable",
    "lambda:GetFunctionConfiguration",
    "route53:GetHealthCheckStatus",
    "sqs:GetQueueAttributes",
}
"""What a probe asks once another question was answered."""


def test_failover(cncbops: Cncbops, health_side: HealthSide) -> None:
    TwoRegions(health_side).write_config(cncbops.home)
    of_endpoints = {"route53:GetHealthCheckStatus"}
    with Enforcing(health_side.url) as proxy:
        denying = Denying(cncbops, proxy)
        denying.suffices("failover status", unused=of_endpoints)
        denying.tells(
            f"failover out {EAST}",
            *ask_for("cloudwatch:DescribeAlarms", "lambda:GetFunctionConfiguration", "route53:GetHealthCheck"),
        )
        denying.tells(f"failover out {EAST} --execute", *ask_for("lambda:UpdateFunctionConfiguration"))
        denying.suffices(f"failover out {EAST} --execute", unused=of_endpoints)
        denying.suffices(f"failover back {EAST} --execute", unused=of_endpoints)


def test_the_policy_of_a_role_is_for_the_role(cncbops: Cncbops, health_side: HealthSide, toml: Path) -> None:
    line = f"health us-east-1 --role-arn {ROLE_ARN}"
    printed = cncbops("policy", *line.split())
    assert "whoever runs the command needs sts:AssumeRole on it" in printed.err
    with Enforcing(health_side.url) as proxy:
        proxy.allow(printed.json, ROLE)
        result = Denying(cncbops, proxy).under({"Version": "2012-10-17", "Statement": [MAY_ASSUME]}, line)
    assert (result.code, proxy.denied) == (0, [])
    assert ("Caller", "sts:AssumeRole") in proxy.used
