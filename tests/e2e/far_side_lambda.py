"""The far side's Lambda: what the API says, of functions that are callables of a test.

Paths, members and error shapes follow botocore's model of lambda 2015-03-31; payload limits are those of the
Lambda Developer Guide, "Lambda quotas" (6 MB synchronous, 1 MB asynchronous).
"""

import base64
import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any, Literal, NamedTuple
from urllib.parse import unquote

from tests.e2e.far_side_s3 import Answer

ACCOUNT = "123456789012"
ARN = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:"
PAYLOAD_LIMITS = {"RequestResponse": 6 * 1024 * 1024, "Event": 1024 * 1024, "DryRun": 6 * 1024 * 1024}
# The modelled exceptions disagree about the case of their message.
LOWER_CASE_MESSAGE = {
    "TooManyRequestsException",
    "InvalidParameterValueException",
    "InvalidRequestContentException",
    "RequestTooLargeException",
    "ResourceConflictException",
    "ResourceNotReadyException",
}
Outcome = Literal["running", "succeeded", "failed", "refused", "unknown", "dry-run"]


@dataclass(frozen=True)
class Reply:
    """What comes of one invocation; `answer` None closes the connection instead of answering.

    With InvocationType Event the handler is called before the 202, which hides result and delay but not a
    refusal or a closed connection.
    """

    outcome: Outcome
    answer: Answer | None
    delay_s: float = 0.0

    def after(self, delay_s: float) -> "Reply":
        """The same reply, given when the function has run for `delay_s` seconds."""
        return replace(self, delay_s=delay_s)


def ok(body: object = None) -> Reply:
    """The function returned `body`; a body with batchItemFailures is the test's own to interpret."""
    headers = {"Content-Type": "application/json", "X-Amz-Executed-Version": "$LATEST"}
    return Reply("succeeded", Answer(200, headers, json.dumps(body).encode()))


def function_error(error_type: str, message: str) -> Reply:
    """The function raised: status 200 with X-Amz-Function-Error, as a current Python runtime answers."""
    headers = {"X-Amz-Function-Error": "Unhandled", "X-Amz-Executed-Version": "$LATEST"}
    body = {"errorMessage": message, "errorType": error_type, "requestId": "far-side", "stackTrace": []}
    return Reply("failed", Answer(200, headers, json.dumps(body).encode()))


def service_error(code: str, status: int, message: str = "far side", **members: str) -> Reply:
    """Lambda refused or failed; the function did not run."""
    body = {
        "Type": "User" if status < 500 else "Service",
        "message" if code in LOWER_CASE_MESSAGE else "Message": message,
        **members,
    }
    headers = {"Content-Type": "application/json", "x-amzn-ErrorType": code}
    return Reply("refused", Answer(status, headers, json.dumps(body).encode()))


def throttled(reason: str = "ConcurrentInvocationLimitExceeded", retry_after: int | None = None) -> Reply:
    """429 TooManyRequestsException with its Reason, and Retry-After in seconds when given."""
    reply = service_error("TooManyRequestsException", 429, "Rate Exceeded.", Reason=reason)
    if retry_after is None or reply.answer is None:
        return reply
    headers = {**reply.answer.headers, "Retry-After": str(retry_after)}
    return replace(reply, answer=reply.answer._replace(headers=headers))


def close_after_running() -> Reply:
    """The function ran, then the connection was closed without an answer: nobody can know the outcome."""
    return Reply("unknown", None)


class Context(NamedTuple):
    """What a handler is told beside the payload; `number` counts the function's runs from 0."""

    function: str
    qualifier: str | None
    invocation_type: str
    number: int


Handler = Callable[[Any, Context], Reply]


class Record(NamedTuple):
    """One Kinesis record as it arrived, its data decoded."""

    data: bytes
    partition_key: str
    sequence_number: str


@dataclass(eq=False)
class Invocation:
    """One invocation as it arrived; times are time.monotonic() in seconds."""

    function: str
    qualifier: str | None
    invocation_type: str
    payload: bytes
    records: tuple[Record, ...]
    started: float
    ended: float | None = None
    outcome: Outcome = "running"

    @property
    def ran(self) -> bool:
        return self.outcome not in ("refused", "dry-run")

    def overlaps(self, other: "Invocation") -> bool:
        ends = [call.ended if call.ended is not None else float("inf") for call in (self, other)]
        return self.started < ends[1] and other.started < ends[0]


@dataclass
class Function:
    """A deployed function; `refuse` answers every invocation, DryRun too, before the function is reached."""

    name: str
    handler: Handler
    configuration: Mapping[str, object]
    mappings: Sequence[Mapping[str, object]]
    reserved_concurrency: int | None
    refuse: Reply | None
    numbers: Iterator[int] = field(default_factory=count, init=False)


def at_the_door(call: Invocation) -> Reply | None:
    """What Lambda says without running the function: a refusal, or a DryRun's 204."""
    kind = call.invocation_type
    if kind not in PAYLOAD_LIMITS:
        return service_error("InvalidParameterValueException", 400, "no such invocation type")
    if len(call.payload) > PAYLOAD_LIMITS[kind]:
        message = f"Request must be smaller than {PAYLOAD_LIMITS[kind]} bytes for the Invoke operation"
        return service_error("RequestTooLargeException", 413, message)
    try:
        json.loads(call.payload or b"{}")
    except ValueError:
        return service_error("InvalidRequestContentException", 400, "Could not parse request body into json")
    return Reply("dry-run", Answer(204)) if kind == "DryRun" else None


def arrival(name: str, qualifier: str | None, invocation_type: str, payload: bytes) -> Invocation:
    return Invocation(name, qualifier, invocation_type, payload, kinesis_records(payload), time.monotonic())


def kinesis_records(payload: bytes) -> tuple[Record, ...]:
    try:
        event = json.loads(payload)
    except ValueError:
        return ()
    records = event.get("Records", []) if isinstance(event, dict) else []
    kinesis = [record["kinesis"] for record in records if "kinesis" in record]
    return tuple(
        Record(base64.b64decode(each["data"], validate=True), each["partitionKey"], each["sequenceNumber"])
        for each in kinesis
    )


def plain_name(name: str) -> str:
    """The bare name in any form the API takes: name, name:alias, partial ARN, ARN."""
    return name.rpartition("function:")[2].partition(":")[0]


def path_parts(path: str) -> tuple[str, str, str]:
    """/2015-03-31/functions/{name}/{rest} as ("functions", name, rest)."""
    kind, name, rest = [*path.split("/", 4)[2:], "", ""][:3]
    return kind, plain_name(unquote(name)), rest


def json_answer(body: object) -> Answer:
    return Answer(200, {"Content-Type": "application/json"}, json.dumps(body).encode())


def function_list(functions: Iterable[Function]) -> Answer:
    return json_answer({"Functions": [configuration(function) for function in functions]})


def described(function: Function, rest: str) -> Answer | None:
    reserved = function.reserved_concurrency
    concurrency = {} if reserved is None else {"ReservedConcurrentExecutions": reserved}
    if rest == "configuration":
        return json_answer(configuration(function))
    if rest == "concurrency":
        return json_answer(concurrency)
    if rest == "":
        return json_answer({"Configuration": configuration(function), "Concurrency": concurrency})
    return service_error("ResourceNotFoundException", 404, f"{function.name} has no {rest}").answer


def configuration(function: Function) -> dict[str, object]:
    return {
        "FunctionName": function.name,
        "FunctionArn": ARN + function.name,
        "Runtime": "python3.11",
        "Role": f"arn:aws:iam::{ACCOUNT}:role/cncb-listener-role",
        "Handler": "index.handler",
        "Timeout": 6,
        "MemorySize": 1024,
        "Version": "$LATEST",
        "State": "Active",
        "LastUpdateStatus": "Successful",
        **function.configuration,
    }


def event_source_mappings(functions: Iterable[Function]) -> Answer:
    defaults = {
        "UUID": "1f2e3d4c-0000-4000-8000-000000000001",
        "EventSourceArn": f"arn:aws:kinesis:us-east-1:{ACCOUNT}:stream/john-cncb-event-stream-s1",
        "State": "Enabled",
        "StartingPosition": "TRIM_HORIZON",
        "BatchSize": 100,
        "ParallelizationFactor": 1,
        "MaximumRetryAttempts": -1,
        "MaximumRecordAgeInSeconds": -1,
        "BisectBatchOnFunctionError": False,
        "FunctionResponseTypes": [],
        "TumblingWindowInSeconds": 0,
    }
    mappings = [
        {**defaults, "FunctionArn": ARN + function.name, **mapping}
        for function in functions
        for mapping in function.mappings
    ]
    return json_answer({"EventSourceMappings": mappings})
