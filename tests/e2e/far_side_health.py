"""A far side for `cncbops health`: the services of many regions, all well unless a test says otherwise.

A request's region and service are those of its signature; one without a signature is for a check endpoint at
`/REGION/check`. What is answered is told by `on`, for a service or an operation (`"dynamodb.GetItem"`), in one
region or in all:

    a dict, a text          JSON, or what stands in the result of XML
    Refusal, HANG_UP        an error of AWS, a connection that is broken off
    HANG                    no answer until the far side ends

The newest that fits holds. After `gather` nothing is answered before so many different requests have come. `calls` has
all that arrived.
"""

import json
import re
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.message import Message
from typing import Any, NamedTuple, Self
from urllib.parse import parse_qsl, urlsplit

from tests.e2e import far_side_s3
from tests.e2e.far_side import Server
from tests.e2e.far_side_s3 import Answer, Bucket, StoredObject, tag, xml

READS = {
    "check.GET",
    "cloudformation.DescribeStackResource",
    "cloudformation.DescribeStacks",
    "dynamodb.DescribeGlobalTable",
    "dynamodb.DescribeTable",
    "dynamodb.GetItem",
    "lambda.GetFunctionConfiguration",
    "kinesis.DescribeStreamSummary",
    "monitoring.DescribeAlarms",
    "monitoring.GetMetricData",
    "route53.GetHealthCheck",
    "route53.GetHealthCheckStatus",
    "s3.ListObjectsV2",
    "sqs.GetQueueAttributes",
    "sqs.GetQueueUrl",
    "sts.AssumeRole",
    "sts.GetCallerIdentity",
}
"""All that a look without --execute may ask."""

HANG, HANG_UP = "HANG", "HANG_UP"


class Refusal(NamedTuple):
    """An error of AWS."""

    code: str
    message: str = "told by the test"
    status: int = 400


DENIED = Refusal("AccessDeniedException", "User is not authorized to perform this", 403)


class Call(NamedTuple):
    """A request that arrived: `operation` is `service.Operation`."""

    operation: str
    region: str
    asked: dict[str, Any]


class HealthSide:
    """The server and its memory, as a context manager."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.errors: list[Exception] = []
        self._rules: list[tuple[str, str | None, Any]] = []
        self._ended = threading.Event()
        self._changed = threading.Condition()
        self._awaited, self._gathered = 0, set[str]()
        self._server = Server(self)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with self._changed:
            self._ended.set()
            self._changed.notify_all()
        self._server.shutdown()
        self._server.server_close()
        self._server.hang_up()
        self._thread.join()

    def on(self, operation: str, answer: Any, region: str | None = None) -> None:
        """Answer an operation, or every one of a service, in this way; also by a callable of what was asked."""
        self._rules.append((operation, region, answer))

    def check(self, region: str) -> str:
        """The URL of a region's check endpoint."""
        return f"{self.url}/{region}/check"

    def toml(self, region: str) -> str:
        """A region's part of a `cncbops.toml` that names one subject for each probe."""
        return f"""
[health.{region}]
checks = ["{self.check(region)}"]
alarms = ["john-*"]
health_checks = ["hc-{region}"]
tables = ["t1"]
streams = ["s1"]
functions = ["fn"]
queues = ["dlq"]
faults = ["s3://faults/"]
"""

    def wait_until(self, condition: Callable[[], bool], timeout_s: float = 60.0) -> None:
        """Wait for a condition on what arrived."""
        with self._changed:
            assert self._changed.wait_for(condition, timeout_s), "the far side waited in vain"

    def gather(self, requests: int) -> None:
        """From now on let all wait until so many different requests have come."""
        with self._changed:
            self._awaited, self._gathered = requests, set()

    def count(self, operation: str, region: str | None = None) -> int:
        """How many such requests arrived."""
        return sum(call.operation == operation and region in (None, call.region) for call in list(self.calls))

    def answer(self, method: str, target: str, headers: Message, body: bytes) -> Answer | None:
        call = _call(method, target, headers, body)
        with self._changed:
            self.calls.append(call)
            self._gathered.add(repr(call))  # one that is asked again is the same
            self._changed.notify_all()
            self._changed.wait_for(lambda: len(self._gathered) >= self._awaited or self._ended.is_set())
        told = self._told(call)
        if told == HANG:
            self._ended.wait()
        if told in (HANG, HANG_UP):
            return None
        return _wire(call, told)

    def _told(self, call: Call) -> Any:
        service = call.operation.partition(".")[0]
        for operation, region, answer in reversed(self._rules):
            if operation in (call.operation, service) and region in (None, call.region):
                return answer(call) if callable(answer) else answer
        return _DEFAULTS[call.operation](call)


def stack(**outputs: str) -> str:
    """A stack with outputs, as CloudFormation tells it."""
    members = "".join(
        tag("member", tag("OutputKey", key) + tag("OutputValue", value)) for key, value in outputs.items()
    )
    return tag("Stacks", tag("member", tag("StackStatus", "CREATE_COMPLETE") + tag("Outputs", members)))


def checked(status: int, **body: Any) -> Answer:
    """A check endpoint's answer."""
    return Answer(status, {"Content-Type": "application/json"}, json.dumps(body).encode())


def faults_of(now: datetime, *minutes: float) -> Bucket:
    """A bucket with a fault object for each age."""
    times = [now - timedelta(minutes=age) for age in minutes]
    keys = {
        f"{time:%Y/%m/%d/%H}/{number}.json": StoredObject(b"{}", last_modified=time)
        for number, time in enumerate(times)
    }
    return Bucket("faults", keys)


def _call(method: str, target: str, headers: Message, body: bytes) -> Call:
    url = urlsplit(target)
    signed = re.search(r"Credential=[^/]+/\d+/([^/]+)/([^/]+)/aws4_request", headers.get("Authorization", ""))
    if signed is None:
        return Call(f"check.{method}", url.path.split("/")[1], {})
    region, service = signed.groups()
    if wanted := headers.get("X-Amz-Target"):
        return Call(f"{service}.{wanted.partition('.')[2]}", region, json.loads(body))
    if service in ("cloudformation", "sts"):
        form = dict(parse_qsl(body.decode()))
        return Call(f"{service}.{form['Action']}", region, form)
    if service == "route53" and method == "GET":
        _, _, _, check, *rest = url.path.split("/")
        return Call(f"route53.GetHealthCheck{'Status' if rest else ''}", region, {"id": check})
    if service == "lambda":
        name = {"GET": "GetFunctionConfiguration", "PUT": "UpdateFunctionConfiguration"}[method]
        return Call(f"lambda.{name}", region, json.loads(body) if body else {"path": url.path})
    query = dict(parse_qsl(url.query))
    name = "ListObjectsV2" if service == "s3" and method == "GET" and query.get("list-type") == "2" else method
    return Call(f"{service}.{name}", region, {**query, "path": url.path})


def _wire(call: Call, told: Any) -> Answer:
    """An answer in the form of the service."""
    service, _, operation = call.operation.partition(".")
    if isinstance(told, Answer):
        return told
    if isinstance(told, Bucket):
        return told.answer("GET", "", call.asked, Message())
    is_json = service in ("dynamodb", "kinesis", "lambda", "monitoring", "sqs")
    if isinstance(told, Refusal):
        return _refused(told, is_json=is_json, is_s3=service == "s3")
    if is_json:
        return Answer(200, {"Content-Type": "application/x-amz-json-1.0"}, json.dumps(told).encode())
    inner = told if service == "route53" else tag(f"{operation}Result", told)
    return xml(200, f"{operation}Response", inner)


def _refused(told: Refusal, *, is_json: bool, is_s3: bool) -> Answer:
    if is_json:
        body = {"__type": told.code, "message": told.message}
        return Answer(told.status, {"Content-Type": "application/x-amz-json-1.0"}, json.dumps(body).encode())
    if is_s3:
        return far_side_s3.error(told.status, told.code, told.message)
    return xml(told.status, "ErrorResponse", tag("Error", tag("Code", told.code) + tag("Message", told.message)))


def _no_stack(call: Call) -> Refusal:
    return Refusal("ValidationError", f"Stack with id {call.asked['StackName']} does not exist")


def health_check_of(kind: str, more: str = "") -> str:
    """A health check of Route 53, with more of its configuration as XML."""
    config = tag("HealthCheckConfig", tag("Type", kind) + more)
    return tag("HealthCheck", tag("Id", "x") + tag("CallerReference", "x") + config + tag("HealthCheckVersion", "1"))


def observations(*statuses: str) -> str:
    """What Route 53's checkers report."""
    each = (tag("HealthCheckObservation", tag("StatusReport", tag("Status", status))) for status in statuses)
    return tag("HealthCheckObservations", "".join(each))


def _alarms(call: Call) -> Any:
    names = call.asked.get("AlarmNames") or [call.asked.get("AlarmNamePrefix", "") + "one"]
    return {"MetricAlarms": [alarm(name, "OK") for name in names], "CompositeAlarms": []}


def alarm(name: str, state: str, reason: str = "as the test says") -> dict[str, Any]:
    """An alarm, as CloudWatch tells it."""
    return {"AlarmName": name, "StateValue": state, "StateReason": reason, "StateUpdatedTimestamp": 1700611200.0}


def _healthy(call: Call) -> Answer:
    return checked(200, timestamp=round(datetime.now(UTC).timestamp() * 1000), region=call.region)


_DEFAULTS: dict[str, Callable[[Call], Any]] = {
    "check.GET": _healthy,
    "cloudformation.DescribeStackResource": _no_stack,
    "cloudformation.DescribeStacks": _no_stack,
    "dynamodb.DescribeTable": lambda _: {"Table": {"TableStatus": "ACTIVE"}},
    "dynamodb.GetItem": lambda _: {},
    "dynamodb.PutItem": lambda _: {},
    "kinesis.DescribeStreamSummary": lambda call: {
        "StreamDescriptionSummary": {
            "StreamName": call.asked["StreamName"],
            "StreamStatus": "ACTIVE",
            "OpenShardCount": 1,
        }
    },
    "lambda.GetFunctionConfiguration": lambda _: {"State": "Active"},
    "monitoring.DescribeAlarms": _alarms,
    "monitoring.GetMetricData": lambda _: {"MetricDataResults": []},
    "route53.GetHealthCheck": lambda _: health_check_of("HTTPS"),
    "route53.GetHealthCheckStatus": lambda _: observations("Success: HTTP Status Code 200, OK"),
    "s3.ListObjectsV2": lambda _: Bucket("faults", {}),
    "sts.AssumeRole": lambda _: tag(
        "Credentials",
        tag("AccessKeyId", "role")
        + tag("SecretAccessKey", "x")
        + tag("SessionToken", "x")
        + tag("Expiration", "2100-01-01T00:00:00Z"),
    ),
    "sts.GetCallerIdentity": lambda _: (
        tag("Account", "123456789012") + tag("Arn", "arn:aws:sts::123456789012:assumed-role/operators/ann")
    ),
    "sqs.GetQueueAttributes": lambda _: {"Attributes": {"ApproximateNumberOfMessages": "0"}},
    "sqs.GetQueueUrl": lambda call: {"QueueUrl": f"http://127.0.0.1/000000000000/{call.asked['QueueName']}"},
}
