"""The whole loop in an embedded AWS: a listener publishes faults, a monitor stores them, then the fix, and resubmit."""

import base64
import io
import json
import zipfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cncbops.sandbox.waiting import wait_until
from tests.e2e.replays import Run
from tests.e2e.resubmits import checked, given_up
from tests.e2e.servers import Cncbops, client

TIMEOUT_S = 30.0

# What both functions share; the SDK for JavaScript is not at hand in the embedded AWS.
CALLS = """
const http = require("http"), fs = require("fs");
const call = (method, path, headers, body) => new Promise((resolve, reject) => {
  const request = http.request(process.env.AWS_ENDPOINT_URL + path, { method, headers }, (response) => {
    const status = response.statusCode;
    response.resume().on("end", () => status < 300 ? resolve() : reject(new Error(`${path}: ${status}`)));
  });
  request.on("error", reject).end(body);
});
const eventOf = (record) => JSON.parse(Buffer.from(record.kinesis.data, "base64"));
"""

# Sets aside what it cannot handle, by a fault event on the stream that it reads, and goes on.
LISTENER = (
    CALLS
    + """
const validate = ({ event }) => {
  if (process.env.IS_STRICT && event.thing.name === undefined) throw new TypeError("name is required of " + event.id);
};
const save = ({ record }) => fs.appendFileSync(process.env.WRITTEN, JSON.stringify(record) + "\\n");
const publish = (fault) => call("POST", "/", {
  "Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "Kinesis_20131202.PutRecord",
}, JSON.stringify({
  StreamName: process.env.STREAM_NAME, PartitionKey: "fault",
  Data: Buffer.from(JSON.stringify(fault)).toString("base64"),
}));
exports.handler = async ({ Records }) => {
  for (const record of Records) {
    const uow = { record, event: eventOf(record) };
    if (uow.event.type !== "thing-created") continue;
    try {
      validate(uow);
      save(uow);
    } catch (err) {
      await publish({
        type: "fault", timestamp: Date.now(), tags: { functionName: process.env.AWS_LAMBDA_FUNCTION_NAME },
        err: { name: err.name, message: err.message, stack: err.stack }, uow,
      });
    }
  }
};
"""
)

# Stores each fault of the stream as an object.
MONITOR = (
    CALLS
    + """
exports.handler = async ({ Records }) => {
  for (const record of Records) {
    const fault = eventOf(record);
    if (fault.type !== "fault") continue;
    const hour = new Date(fault.timestamp).toISOString().slice(0, 13).replace(/[-T]/g, "/");
    const key = `${hour}/${record.kinesis.sequenceNumber}-${fault.uow.event.type}.json`;
    const headers = { "Content-Type": "application/json" };
    await call("PUT", `/${process.env.BUCKET_NAME}/${key}`, headers, JSON.stringify(fault));
  }
};
"""
)


@dataclass(frozen=True)
class Account:
    """Functions of Node.js, and a stream, in the embedded AWS; all names begin with the test's own."""

    endpoint: str
    name: str
    folder: Path
    lambda_: Any
    kinesis: Any
    command: Cncbops

    def deploy(self, name: str, source: str, **environment: str) -> None:
        """Create the function, or deploy it anew, and wait until it takes events."""
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr("index.js", source)
        told = {"Variables": {"AWS_ENDPOINT_URL": self.endpoint, **environment}}
        if name in {found["FunctionName"] for found in self.lambda_.list_functions()["Functions"]}:
            self.lambda_.update_function_code(FunctionName=name, ZipFile=packed.getvalue())
            self.lambda_.update_function_configuration(FunctionName=name, Environment=told)
        else:
            self.lambda_.create_function(
                FunctionName=name,
                Runtime="nodejs20.x",
                Role="arn:aws:iam::000000000000:role/cncb-listener-role",
                Handler="index.handler",
                Code={"ZipFile": packed.getvalue()},
                Environment=told,
                Timeout=10,
            )
        waiter = self.lambda_.get_waiter("function_updated_v2")
        waiter.wait(FunctionName=name, WaiterConfig={"Delay": 0.05, "MaxAttempts": 400})

    def create_stream(self) -> str:
        self.kinesis.create_stream(StreamName=self.name, ShardCount=1)
        self.kinesis.get_waiter("stream_exists").wait(
            StreamName=self.name, WaiterConfig={"Delay": 0.05, "MaxAttempts": 400}
        )
        return str(self.kinesis.describe_stream_summary(StreamName=self.name)["StreamDescriptionSummary"]["StreamARN"])

    def publish(self, events: list[tuple[str, bytes]]) -> list[str]:
        """Put events on the stream; their sequence numbers."""
        records = [{"Data": event, "PartitionKey": key} for key, event in events]
        return [
            each["SequenceNumber"]
            for each in self.kinesis.put_records(StreamName=self.name, Records=records)["Records"]
        ]

    @property
    def written(self) -> Path:
        return self.folder / "written"

    @property
    def saved(self) -> Counter[bytes]:
        """The events that the listener took."""
        lines = self.written.read_text().splitlines() if self.written.exists() else []
        return Counter(base64.b64decode(json.loads(line)["kinesis"]["data"]) for line in lines)

    def resubmit(self, source: str, *arguments: str) -> Run:
        return checked(self.command("resubmit", source, "-o", "json", *arguments, endpoint=self.endpoint))


@pytest.fixture
def account(ministack: str, unique: str, tmp_path: Path, lambda_: Any, cncbops: Cncbops) -> Account:
    return Account(ministack, unique, tmp_path, lambda_, client("kinesis", ministack), cncbops)


def things(count: int) -> list[tuple[str, bytes]]:
    """Events about things, of which every third has no name."""
    return [
        (f"thing-{number % 4}", json.dumps({"id": f"e-{number}", "type": "thing-created", "thing": thing}).encode())
        for number in range(count)
        for thing in [{"id": number, "price": 1.5} | ({"name": "Zürich"} if number % 3 else {})]
    ]


def stored(s3: Any, bucket: str) -> dict[str, Any]:
    """The documents of a bucket."""
    keys = [each["Key"] for each in s3.list_objects_v2(Bucket=bucket).get("Contents", [])]
    return {key: json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read()) for key in keys}


@pytest.mark.rehearsal
def test_faults_of_a_real_listener_go_back_to_it_when_it_is_fixed(account: Account, s3: Any, cncbops: Cncbops) -> None:
    listener, monitor, bucket = f"{account.name}-listener", f"{account.name}-monitor", account.name
    s3.create_bucket(Bucket=bucket)
    stream_arn = account.create_stream()
    environment = {"STREAM_NAME": account.name, "WRITTEN": str(account.written)}
    account.deploy(listener, LISTENER, IS_STRICT="1", **environment)
    account.deploy(monitor, MONITOR, BUCKET_NAME=bucket)
    for function in (listener, monitor):
        account.lambda_.create_event_source_mapping(
            FunctionName=function, EventSourceArn=stream_arn, BatchSize=7, StartingPosition="TRIM_HORIZON"
        )
    events = things(30)
    account.publish(events)
    wait_until(lambda: len(stored(s3, bucket)) == 10 and account.saved.total() == 20, TIMEOUT_S)

    uri = f"s3://{bucket}/"
    planned = account.resubmit(uri)
    assert (planned.status, planned.events["matched"]) == ("planned", 10)
    plan = planned.summary["plan"]["functions"][listener]
    assert plan.items() >= {"faults": 10, "records": 10, "batch_size": 7, "deployed_since": False}.items()
    groups = cncbops("faults", "stats", uri, "-o", "json", endpoint=account.endpoint).json["groups"]
    assert [(group["function"], group["error"], group["count"]) for group in groups] == [(listener, "TypeError", 10)]

    account.deploy(listener, LISTENER, **environment)
    assert account.resubmit(uri).summary["plan"]["functions"][listener]["deployed_since"] is True
    run = account.resubmit(uri, "--execute", "--canary", "1", "--group", groups[0]["fingerprint"])
    assert (run.code, run.status, run.events["delivered"]) == (0, "succeeded", 10)
    assert account.saved == Counter(event for _, event in events)
    given = [json.loads(line) for line in account.written.read_text().splitlines()]
    assert [each["uow"]["record"] for each in stored(s3, bucket).values()] == sorted(
        given[20:], key=lambda each: int(each["kinesis"]["sequenceNumber"])
    )
    again = account.resubmit(uri, "--execute")
    assert (again.status, again.summary["faults"]["sent_before"], account.saved.total()) == ("nothing", 10, 30)


def test_a_listener_that_is_not_fixed_is_found_out(account: Account, s3: Any) -> None:
    listener, monitor, bucket = f"{account.name}-listener", f"{account.name}-monitor", account.name
    s3.create_bucket(Bucket=bucket)
    stream_arn = account.create_stream()
    account.deploy(listener, LISTENER, IS_STRICT="1", STREAM_NAME=account.name, WRITTEN=str(account.written))
    account.deploy(monitor, MONITOR, BUCKET_NAME=bucket)
    for function in (listener, monitor):
        account.lambda_.create_event_source_mapping(
            FunctionName=function, EventSourceArn=stream_arn, StartingPosition="TRIM_HORIZON"
        )
    account.publish(things(9))
    wait_until(lambda: len(stored(s3, bucket)) == 3, TIMEOUT_S)
    run = account.resubmit(f"s3://{bucket}/", "--execute", "--watch-faults", "--watch-for", "20s")
    assert (run.code, run.status, run.events["delivered"]) == (3, "partial", 3)
    (group,) = run.summary["still_broken"]
    assert group.items() >= {"function": listener, "came_back": 3, "delivered": 3, "error": "TypeError"}.items()
    wait_until(lambda: len(stored(s3, bucket)) == 6, TIMEOUT_S)
    looped = account.resubmit(f"s3://{bucket}/", "--execute")
    assert (looped.code, looped.summary["faults"]["came_back"], looped.events["delivered"]) == (3, 3, 0)
    assert len(stored(s3, bucket)) == 6


def test_a_batch_that_a_queue_tells_of_is_fetched_from_its_stream_while_that_holds_it(
    account: Account, ministack: str
) -> None:
    sqs = client("sqs", ministack)
    url = sqs.create_queue(QueueName=account.name)["QueueUrl"]
    stream_arn = account.create_stream()
    account.deploy(account.name, LISTENER, WRITTEN=str(account.written), STREAM_NAME=account.name)
    only_named = {"Pattern": json.dumps({"data": {"thing": {"name": [{"exists": True}]}}})}
    account.lambda_.create_event_source_mapping(
        FunctionName=account.name,
        EventSourceArn=stream_arn,
        StartingPosition="LATEST",
        Enabled=False,
        FilterCriteria={"Filters": [only_named]},
    )
    events = things(12)
    numbers = account.publish(events)
    expired = given_up(account.name, f"{stream_arn}-gone", numbers[0], numbers[1], 2)
    for body in (given_up(account.name, stream_arn, numbers[2], numbers[7], 4), expired):
        sqs.send_message(QueueUrl=url, MessageBody=body)

    run = account.resubmit(f"sqs://{account.name}", "--execute")
    assert (run.code, run.status, run.events["delivered"]) == (3, "partial", 1), run.failures
    assert run.summary["functions"][account.name].items() >= {"matched": 1, "records": 4}.items()
    assert account.saved == Counter(
        event for number, (_, event) in enumerate(events) if 2 <= number <= 7 and number % 3
    )
    (failure,) = run.failures
    assert (failure["error"], failure["message"].partition(":")[0]) == ("NoRecord", "expired")
    records = [json.loads(line) for line in account.written.read_text().splitlines()]
    assert [each["kinesis"]["sequenceNumber"] for each in records] == [numbers[place] for place in (2, 4, 5, 7)]
    assert {(each["eventSource"], each["eventSourceARN"]) for each in records} == {("aws:kinesis", stream_arn)}
    (queue,) = run.summary["queues"]
    assert queue.items() >= {"deleted": 1, "left": 1}.items()
    left = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
    assert [each["Body"] for each in left] == [expired]
