"""One invocation over real HTTP: what is asked, and what each answer is taken for."""

import socket
from collections.abc import Iterator

import pytest

from cncbops.aws import Aws, AwsAccess
from cncbops.delivery.answers import Answer, Kind
from cncbops.delivery.invoker import MESSAGE_CHARS, Invoker
from tests.delivery.batches import batch
from tests.e2e import far_side_s3
from tests.e2e.far_side import FarSide, Reply, close_after_running, function_error, ok, service_error, throttled
from tests.e2e.held import Held

PAYLOAD = batch(2).payload()


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.delenv("AWS_PROFILE", raising=False)


@pytest.fixture(scope="module")
def far_side() -> Iterator[FarSide]:
    with FarSide() as server:
        yield server
    assert server.errors == []


def invoker(url: str, function: str = "fn", qualifier: str | None = None, read_timeout_s: float = 10) -> Invoker:
    aws = Aws(AwsAccess(region="us-east-1", endpoint_url=url))
    return Invoker(aws.lambda_(once=True, read_timeout_s=read_timeout_s), function, qualifier)


def answered(far_side: FarSide, reply: Reply, *, asynchronous: bool = False) -> Answer:
    """What a reply is taken for; there is exactly one request for it."""
    far_side.add_function("fn", lambda _payload, _context: reply)
    before = len(far_side.invocations)
    answer = invoker(far_side.url).invoke(PAYLOAD, asynchronous=asynchronous)
    assert len(far_side.invocations) == before + 1
    return answer


def test_a_synchronous_result_comes_back_as_the_function_returned_it(far_side: FarSide) -> None:
    assert answered(far_side, ok({"batchItemFailures": []})) == Answer(Kind.TAKEN, body=b'{"batchItemFailures": []}')
    call = far_side.invocations[-1]
    assert (call.invocation_type, call.payload, call.qualifier) == ("RequestResponse", PAYLOAD, None)


def test_an_asynchronous_invocation_is_taken_when_it_is_queued(far_side: FarSide) -> None:
    assert answered(far_side, ok({"ignored": 1}), asynchronous=True) == Answer(Kind.TAKEN)
    assert far_side.invocations[-1].invocation_type == "Event"


@pytest.mark.parametrize(
    ("function", "qualifier", "asked"),
    [
        ("fn", "live", "live"),
        ("arn:aws:lambda:us-east-1:123456789012:function:fn", None, None),
        ("123456789012:function:fn", "7", "7"),
    ],
)
def test_a_function_is_called_by_name_or_arn_and_qualifier(
    far_side: FarSide, function: str, qualifier: str | None, asked: str | None
) -> None:
    far_side.add_function("fn")
    assert invoker(far_side.url, function, qualifier).invoke(PAYLOAD, asynchronous=False).kind is Kind.TAKEN
    assert far_side.invocations[-1].qualifier == asked


def test_a_function_error_has_its_type_and_message(far_side: FarSide) -> None:
    answer = answered(far_side, function_error("ValueError", "bad\nthing"))
    assert answer == Answer(Kind.FUNCTION_ERROR, "ValueError", "bad thing")


@pytest.mark.parametrize(
    ("body", "error", "message"),
    [
        (b'{"errorMessage":"Task timed out after 6.00 seconds"}', "FunctionError", "Task timed out after 6.00 seconds"),
        (b'{"errorType":"Sandbox.Timedout"}', "Sandbox.Timedout", "no message"),
        (b"null", "FunctionError", "no message"),
        (b"", "FunctionError", "no message"),
        (b"\xff", "FunctionError", "no message"),
        (b'{"errorMessage":"\xff"}', "FunctionError", "no message"),
        (rb'{"errorType":"E","errorMessage":"cut \ud83d"}', "E", "cut \ufffd"),
        (b'{"errorType":"E","errorMessage":{"a":1}}', "E", "{'a': 1}"),
        (b'{"a":' + b"[" * 5000 + b"]" * 5000 + b"}", "FunctionError", "no message"),
    ],
)
def test_an_error_body_may_be_anything(far_side: FarSide, body: bytes, error: str, message: str) -> None:
    headers = {"X-Amz-Function-Error": "Unhandled"}
    reply = Reply("failed", far_side_s3.Answer(200, headers, body))
    assert answered(far_side, reply) == Answer(Kind.FUNCTION_ERROR, error, message)


def test_a_long_message_is_cut(far_side: FarSide) -> None:
    assert len(answered(far_side, function_error("E", "x" * 5000)).message) == MESSAGE_CHARS


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (throttled(), Kind.THROTTLED),
        (service_error("ServiceException", 500), Kind.TRANSIENT),
        (service_error("EC2UnexpectedException", 502), Kind.TRANSIENT),
        (service_error("ResourceConflictException", 409), Kind.NOT_READY),
        (service_error("InvalidRequestContentException", 400), Kind.REJECTED),
        (service_error("RequestTooLargeException", 413), Kind.TOO_LARGE),
        (Reply("refused", far_side_s3.Answer(503, {}, b"<html>busy</html>")), Kind.TRANSIENT),
        (Reply("refused", far_side_s3.Answer(502, {}, b"<html>bad gateway</html>")), Kind.UNKNOWN),
        (Reply("refused", far_side_s3.Answer(504, {}, b"")), Kind.UNKNOWN),
        (Reply("refused", far_side_s3.Answer(429, {}, b"")), Kind.THROTTLED),
    ],
)
def test_a_service_error_is_sorted_and_never_repeated_by_the_sdk(far_side: FarSide, reply: Reply, kind: Kind) -> None:
    assert answered(far_side, reply).kind is kind


@pytest.mark.parametrize(("retry_after", "expected"), [(None, None), (7, 7.0)])
def test_retry_after_is_passed_on(far_side: FarSide, retry_after: int | None, expected: float | None) -> None:
    assert answered(far_side, throttled(retry_after=retry_after)).retry_after_s == expected


@pytest.mark.parametrize("value", ["Wed, 21 Oct 2015 07:28:00 GMT", "-1", "1.5", "\u00b2", ""])
def test_a_retry_after_that_is_no_number_of_seconds_is_ignored(far_side: FarSide, value: str) -> None:
    reply = throttled()
    assert reply.answer is not None
    headers = {**reply.answer.headers, "Retry-After": value}
    answer = answered(far_side, Reply("refused", reply.answer._replace(headers=headers)))
    assert (answer.kind, answer.retry_after_s) == (Kind.THROTTLED, None)


@pytest.mark.parametrize(
    ("code", "status", "what"),
    [
        ("AccessDeniedException", 403, "cannot invoke fn: access denied"),
        ("ExpiredTokenException", 403, "cannot invoke fn: the AWS credentials have expired"),
        ("ResourceNotFoundException", 404, "cannot invoke fn: it does not exist"),
        ("KMSAccessDeniedException", 502, "cannot invoke fn: KMSAccessDeniedException: far side"),
    ],
)
def test_a_refusal_says_what_and_what_to_do(far_side: FarSide, code: str, status: int, what: str) -> None:
    answer = answered(far_side, service_error(code, status))
    assert (answer.kind, answer.error) == (Kind.REFUSED, what)
    assert answer.message


def test_a_connection_closed_after_the_function_ran_is_unknown(far_side: FarSide) -> None:
    answer = answered(far_side, close_after_running())
    assert (answer.kind, answer.error) == (Kind.UNKNOWN, "ConnectionClosedError")


def test_an_answer_that_does_not_come_in_time_is_unknown(far_side: FarSide) -> None:
    held = Held()
    far_side.add_function("slow", held)
    answer = invoker(far_side.url, "slow", read_timeout_s=0.2).invoke(PAYLOAD, asynchronous=False)
    held.go.set()
    assert (answer.kind, answer.error) == (Kind.UNKNOWN, "ReadTimeoutError")


def test_an_answer_that_breaks_off_is_unknown(far_side: FarSide) -> None:
    reply = Reply("unknown", far_side_s3.Answer(200, {"Content-Length": "1000"}, b"{}"))
    far_side.add_function("cut", lambda _payload, _context: reply)
    answer = invoker(far_side.url, "cut", read_timeout_s=0.2).invoke(PAYLOAD, asynchronous=False)
    assert answer.kind is Kind.UNKNOWN


def test_nobody_at_the_endpoint_means_that_nothing_was_sent() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    answer = invoker(url).invoke(PAYLOAD, asynchronous=False)
    assert (answer.kind, answer.error) == (Kind.UNREACHABLE, "EndpointConnectionError")


def test_an_endpoint_that_speaks_no_tls_means_that_nothing_was_sent(far_side: FarSide) -> None:
    answer = invoker(far_side.url.replace("http:", "https:")).invoke(PAYLOAD, asynchronous=False)
    assert answer.kind is Kind.UNREACHABLE


def test_no_credentials_end_the_run(far_side: FarSide, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", "no-such-file")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "no-such-file")
    answer = invoker(far_side.url).invoke(PAYLOAD, asynchronous=False)
    assert (answer.kind, answer.error) == (Kind.REFUSED, "cannot invoke fn: no usable AWS credentials")
