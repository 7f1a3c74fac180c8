"""`cncbops health` against an embedded AWS with two regions, each with what the book's stacks make."""

import json
from datetime import UTC, datetime
from itertools import filterfalse
from typing import Any

import pytest

from tests.e2e import servers
from tests.e2e.far_side_health import HealthSide
from tests.e2e.looks import REGIONS, rows, statuses
from tests.e2e.servers import Cncbops, Result

MOST_LOOKS = 10


class Regional:
    """What is watched in one region, made with the names of one stage."""

    def __init__(self, endpoint: str, region: str, stage: str) -> None:
        self.endpoint, self.region, self.stage = endpoint, region, stage
        self.bucket = f"faults-{stage}-{region}"

    def client(self, service: str) -> Any:
        return servers.client(service, self.endpoint, self.region)

    def make(self, check_url: str) -> None:
        keys: Any = {"AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}]}
        table = f"{self.stage}-cncb-regional-health-check-t1"
        self.client("dynamodb").create_table(
            TableName=table,
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            BillingMode="PAY_PER_REQUEST",
            **keys,
        )
        self.client("kinesis").create_stream(StreamName=f"{self.stage}-s1", ShardCount=1)
        self.client("sqs").create_queue(QueueName=f"{self.stage}-dlq")
        self.client("s3").create_bucket(Bucket=self.bucket)
        self.client("lambda").create_function(
            FunctionName=f"cncb-resubmitting-faults-monitor-{self.stage}-listener",
            Runtime="python3.11",
            Role="arn:aws:iam::000000000000:role/listener",
            Handler="index.handler",
            Code={"ZipFile": servers.zipped("index.py", "def handler(*_): return {}")},
        )
        self.alarm("OK")
        endpoint = check_url.removesuffix("/check")
        self.stack("cncb-regional-failover-check", ApiHealthCheckId=self.health_check(), ServiceEndpoint=endpoint)
        self.stack("cncb-regional-health-check", ServiceEndpoint=endpoint)
        self.stack("cncb-event-stream", streamName=f"{self.stage}-s1")
        self.stack("cncb-resubmitting-faults-monitor", BucketName=self.bucket)

    def alarm(self, state: str) -> None:
        alarms = self.client("cloudwatch")
        alarms.put_metric_alarm(
            AlarmName=f"{self.stage}-5xx",
            MetricName="5XXError",
            Namespace="AWS/ApiGateway",
            Statistic="Minimum",
            Period=60,
            EvaluationPeriods=1,
            Threshold=0,
            ComparisonOperator="GreaterThanThreshold",
        )
        alarms.set_alarm_state(AlarmName=f"{self.stage}-5xx", StateValue=state, StateReason="told by the test")

    def health_check(self) -> str:
        alarm = {"Name": f"{self.stage}-5xx", "Region": self.region}
        config = {
            "Type": "CLOUDWATCH_METRIC",
            "AlarmIdentifier": alarm,
            "InsufficientDataHealthStatus": "LastKnownStatus",
        }
        made = self.client("route53").create_health_check(
            CallerReference=f"{self.stage}-{self.region}", HealthCheckConfig=config
        )
        return str(made["HealthCheck"]["Id"])

    def stack(self, service: str, **outputs: str) -> None:
        """A stack with these outputs, and a topic, as a stack must hold something."""
        template = {
            "Resources": {"Topic": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": f"{service}-{self.stage}"}}},
            "Outputs": {key: {"Value": value} for key, value in outputs.items()},
        }
        stacks = self.client("cloudformation")
        stacks.create_stack(StackName=f"{service}-{self.stage}", TemplateBody=json.dumps(template))
        stacks.get_waiter("stack_create_complete").wait(
            StackName=f"{service}-{self.stage}", WaiterConfig={"Delay": 0.05, "MaxAttempts": 400}
        )


def is_unanswered(result: Result) -> bool:
    return any("answer" in row["why"] for row in rows(result, status="unknown"))


@pytest.fixture
def regions(ministack: str, health_side: HealthSide, unique: str) -> dict[str, Regional]:
    """Two regions, made."""
    made = {region: Regional(ministack, region, unique) for region in REGIONS}
    for region, regional in made.items():
        regional.make(health_side.check(region))
    return made


@pytest.fixture
def health(cncbops: Cncbops, ministack: str, unique: str) -> Any:
    """Looks at both regions of the stage, and at what its stacks do not tell; again where an answer came late.

    On a busy machine the emulator may be longer about it than the second that a probe waits.
    """

    def run(*arguments: str) -> Result:
        more = (
            "--stage",
            unique,
            "--alarm",
            f"{unique}*",
            "--queue",
            f"{unique}-dlq",
            "--timeout",
            "30s",
            "-o",
            "json",
        )
        looks = (cncbops("health", *REGIONS, *more, *arguments, endpoint=ministack) for _ in range(MOST_LOOKS))
        return next(filterfalse(is_unanswered, looks))

    return run


def test_a_stage_is_looked_at_in_two_regions_and_changes_are_seen(
    health: Any, regions: dict[str, Regional], unique: str
) -> None:
    result = health("--execute")
    assert result.code == 0, result
    probes = ["check", "alarm", "health check", "table read", "table write", "replicas", "stream", "queue", "faults"]
    for region, regional in regions.items():
        assert statuses(result, region) == {**dict.fromkeys(probes, "ok"), "function": "ok"}
        item = regional.client("dynamodb").get_item(
            TableName=f"{unique}-cncb-regional-health-check-t1", Key={"id": {"S": "1"}}
        )
        assert item["Item"] == {"id": {"S": "1"}}

    west = regions["us-west-2"]
    west.client("sqs").send_message(
        QueueUrl=west.client("sqs").get_queue_url(QueueName=f"{unique}-dlq")["QueueUrl"], MessageBody="x"
    )
    west.client("s3").put_object(Bucket=west.bucket, Key=f"{datetime.now(UTC):%Y/%m/%d/%H}/fault.json", Body=b"{}")
    result = health()
    assert result.code == 0
    told = statuses(result, "us-west-2")
    assert (told["queue"], told["faults"]) == ("warn", "warn")

    west.alarm("ALARM")
    west.client("kinesis").delete_stream(StreamName=f"{unique}-s1")
    result = health()
    assert result.code == 4
    told = statuses(result, "us-west-2")
    assert (told["alarm"], told["health check"], told["stream"]) == ("fail", "fail", "fail")
    assert result.json["regions"]["us-east-1"]["verdict"] == "healthy"
    assert health("--require", "any").code == 0
