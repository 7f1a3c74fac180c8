"""What is read of a function, and what is said where it cannot be read."""

import io
import json
import signal
import socket
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator, Mapping
from email.message import Message
from typing import Any

import boto3
import pytest
from moto import mock_aws

from cncbops.aws import Aws, AwsAccess
from cncbops.errors import BadInput, CannotRun
from cncbops.function_name import parse_function
from cncbops.target import Target, inspect
from tests.e2e.far_side import FarSide, service_error
from tests.e2e.far_side_s3 import Answer

STREAM = "john-cncb-event-stream-s1"
NAME = "cncb-replaying-events-john-listener"
ARN = "arn:aws:lambda:us-east-1:123456789012:function:fn"
PATIENCE_S = 20
UUID = "1f2e3d4c-0000-4000-8000-000000000001"
ENCRYPTED = {"UUID": UUID, "KMSKeyArn": "arn:aws:kms:us-east-1:123456789012:key/k"}


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)


INSPECTS = """
import sys
from cncbops.aws import Aws, AwsAccess
from cncbops.function_name import parse_function
from cncbops.target import inspect
inspect(Aws(AwsAccess(region="us-east-1", endpoint_url=sys.argv[1])), parse_function("fn"))
"""


class Gathering(FarSide):
    """A far side that answers nobody until it was asked five times."""

    def __init__(self) -> None:
        super().__init__()
        self._all_asked = threading.Barrier(5)

    def answer(self, method: str, target: str, headers: Message, body: bytes) -> Answer | None:
        self._all_asked.wait(PATIENCE_S)
        return super().answer(method, target, headers, body)


class Guarded(FarSide):
    """A far side that denies, or answers otherwise, what a test names by a part of its path."""

    def __init__(self, answers: Mapping[str, Answer | None]) -> None:
        super().__init__()
        self._answers = answers

    def answer(self, method: str, target: str, headers: Message, body: bytes) -> Answer | None:
        found = [answer for part, answer in self._answers.items() if part in target]
        return found[0] if found else super().answer(method, target, headers, body)


DENIED = service_error("AccessDeniedException", 403).answer


@pytest.fixture
def aws() -> Iterator[Aws]:
    """An account with one function and one stream."""
    with mock_aws(config={"lambda": {"use_docker": False}}):
        role = boto3.client("iam", region_name="us-east-1").create_role(
            RoleName="listener", AssumeRolePolicyDocument="{}"
        )
        client = boto3.client("lambda", region_name="us-east-1")
        client.create_function(
            FunctionName=NAME,
            Runtime="python3.11",
            Role=role["Role"]["Arn"],
            Handler="index.handler",
            Timeout=42,
            Code={"ZipFile": _code()},
        )
        kinesis = boto3.client("kinesis", region_name="us-east-1")
        kinesis.create_stream(StreamName=STREAM, ShardCount=1)
        yield Aws(AwsAccess(region="us-east-1"))


def _code() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("index.py", "def handler(event, context): pass")
    return packed.getvalue()


def inspected(server: FarSide, function: str = "fn") -> Target:
    return inspect(Aws(AwsAccess(region="us-east-1", endpoint_url=server.url)), parse_function(function))


# Against an account


def test_the_configuration_of_a_function_is_read(aws: Aws) -> None:
    target = inspect(aws, parse_function(NAME))
    assert target.arn == f"arn:aws:lambda:us-east-1:123456789012:function:{NAME}"
    assert target.role_arn == "arn:aws:iam::123456789012:role/listener"
    assert (target.timeout_s, target.state, target.version) == (42, "Active", "$LATEST")
    assert target.code_sha256
    assert (target.may_invoke, target.reserved_concurrency, target.mappings) == (True, None, [])
    assert target.unchecked == []


def test_reserved_concurrency_is_read_also_when_it_is_zero(aws: Aws) -> None:
    aws.lambda_().put_function_concurrency(FunctionName=NAME, ReservedConcurrentExecutions=0)
    assert inspect(aws, parse_function(NAME)).reserved_concurrency == 0


def test_a_name_that_is_nearly_right_brings_up_what_may_be_meant(aws: Aws) -> None:
    with pytest.raises(CannotRun) as raised:
        inspect(aws, parse_function("john-cncb-replaying-events-listener"))
    assert raised.value.what == "there is no function john-cncb-replaying-events-listener in us-east-1"
    assert f"Did you mean {NAME}?" in raised.value.next_step


def test_a_name_like_no_other_brings_up_account_and_region(aws: Aws) -> None:
    with pytest.raises(CannotRun) as raised:
        inspect(aws, parse_function("zzz"))
    assert raised.value.next_step == "Check the name, and the account and region in use"


def test_a_stream_in_place_of_a_function_is_bad_input(aws: Aws) -> None:
    with pytest.raises(BadInput, match="is a Kinesis stream, not a function"):
        inspect(aws, parse_function(STREAM))


def test_the_region_of_an_arn_is_the_one_that_is_asked(aws: Aws) -> None:
    arn = f"arn:aws:lambda:us-east-1:123456789012:function:{NAME}"
    assert inspect(Aws(AwsAccess(region="eu-west-1")), parse_function(arn)).arn == arn
    with pytest.raises(CannotRun, match="in eu-west-1"):
        inspect(Aws(AwsAccess(region="eu-west-1")), parse_function(NAME))


# Over HTTP


def test_mappings_are_read_with_what_decides_over_batches() -> None:
    mapping = {
        "UUID": UUID,
        "BatchSize": 25,
        "BisectBatchOnFunctionError": True,
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
        "FilterCriteria": {"Filters": [{"Pattern": '{"data":{"type":["a"]}}'}, {}]},
        "TumblingWindowInSeconds": 30,
        "DestinationConfig": {"OnFailure": {"Destination": "arn:aws:sqs:us-east-1:123456789012:q"}},
    }
    with FarSide() as server:
        server.add_function("fn", mappings=[mapping, {"State": "Disabled", "FunctionResponseTypes": None}])
        target = inspected(server)
    first, second = target.mappings
    assert (first.uuid, first.batch_size, first.bisect, first.partial_responses) == (
        UUID,
        25,
        True,
        True,
    )
    assert (first.filters, first.tumbling_window_s) == (('{"data":{"type":["a"]}}',), 30)
    assert first.on_failure == "arn:aws:sqs:us-east-1:123456789012:q"
    assert first.source_arn.endswith(f"stream/{STREAM}")
    assert (second.enabled, second.batch_size, second.partial_responses, second.filters) == (False, 100, False, ())
    assert target.mapping == first


@pytest.mark.parametrize(
    ("path", "fact"),
    [
        ("/functions/fn/configuration", "its configuration"),
        ("/functions/fn/concurrency", "its reserved concurrency"),
        ("/event-source-mappings", "its event source mappings"),
        ("/functions/fn/event-invoke-config", "its on-failure destination"),
    ],
)
def test_a_fact_that_may_not_be_read_is_named_and_the_others_are_read(path: str, fact: str) -> None:
    with Guarded({path: DENIED}) as server:
        server.add_function("fn", reserved_concurrency=7)
        target = inspected(server)
    assert target.unchecked == [fact]
    assert target.may_invoke
    assert target.reserved_concurrency == (None if "concurrency" in fact else 7)


def test_a_function_that_may_not_be_invoked_is_known_to_be_so() -> None:
    with FarSide() as server:
        server.add_function("fn", refuse=service_error("AccessDeniedException", 403))
        target = inspected(server)
    assert (target.may_invoke, target.unchecked) == (False, [])


def test_the_permission_is_asked_for_by_a_dry_run_of_the_version_meant() -> None:
    with FarSide() as server:
        server.add_function("fn")
        inspected(server, "fn:live")
        asked = [(call.invocation_type, call.qualifier, call.outcome) for call in server.invocations]
    assert asked == [("DryRun", "live", "dry-run")]


def test_all_is_asked_at_a_time() -> None:
    with Gathering() as server:
        server.add_function("fn", reserved_concurrency=7)
        target = inspected(server)
    assert (target.arn, target.reserved_concurrency, target.may_invoke) == (ARN, 7, True)


def test_who_is_interrupted_does_not_wait_for_what_was_asked() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(PATIENCE_S)
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with subprocess.Popen([sys.executable, "-c", INSPECTS, url], stderr=subprocess.DEVNULL) as process:
            try:
                with silent.accept()[0]:
                    process.send_signal(signal.SIGINT)
                    assert process.wait(PATIENCE_S) == -signal.SIGINT
            finally:
                process.kill()


def test_what_may_not_be_read_is_named_in_the_order_of_the_facts() -> None:
    with Guarded({"/functions/fn/": DENIED, "/event-source-mappings": DENIED}) as server:
        server.add_function("fn")
        target = inspected(server)
    facts = ["its configuration", "its reserved concurrency", "its event source mappings", "its on-failure destination"]
    assert (target.unchecked, target.may_invoke) == (facts, False)


def test_filters_that_a_listing_hides_are_looked_up() -> None:
    shown = {
        "UUID": UUID,
        "FilterCriteria": {"Filters": [{"Pattern": '{"data":{"type":["a"]}}'}]},
    }
    with Guarded({f"/event-source-mappings/{UUID}": _json(shown)}) as server:
        server.add_function(
            "fn",
            mappings=[
                {
                    "UUID": UUID,
                    "KMSKeyArn": "arn:aws:kms:us-east-1:123456789012:key/k",
                }
            ],
        )
        target = inspected(server)
    assert (target.mappings[0].filters, target.unchecked) == (('{"data":{"type":["a"]}}',), [])


def test_filters_that_stay_encrypted_are_named_as_unchecked() -> None:
    with Guarded({f"/event-source-mappings/{UUID}": _json({"UUID": UUID})}) as server:
        server.add_function(
            "fn",
            mappings=[
                {
                    "UUID": UUID,
                    "KMSKeyArn": "arn:aws:kms:us-east-1:123456789012:key/k",
                }
            ],
        )
        target = inspected(server)
    assert target.unchecked == ["its mapping's filters, which are encrypted"]


def test_a_dead_letter_queue_is_read() -> None:
    queue = "arn:aws:sqs:us-east-1:123456789012:letters"
    with FarSide() as server:
        server.add_function("fn", configuration={"DeadLetterConfig": {"TargetArn": queue}})
        assert inspected(server).dead_letter == queue


def test_an_on_failure_destination_is_read() -> None:
    destination = {"DestinationConfig": {"OnFailure": {"Destination": "arn:aws:sqs:us-east-1:123456789012:q"}}}
    with Guarded({"/functions/fn/event-invoke-config": _json(destination)}) as server:
        server.add_function("fn")
        assert inspected(server).on_failure == "arn:aws:sqs:us-east-1:123456789012:q"


def test_other_errors_end_the_run() -> None:
    expired = service_error("ExpiredTokenException", 403).answer
    with (
        Guarded({"/configuration": expired}) as server,
        pytest.raises(CannotRun, match="cannot look at function fn: the AWS credentials have expired"),
    ):
        inspected(server)


def _json(body: Mapping[str, Any]) -> Answer:
    return Answer(200, {"Content-Type": "application/json"}, json.dumps(body).encode())
