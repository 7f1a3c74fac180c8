"""What botocore prepares once: for whom the lean way is open, and where it leads."""

from typing import Any
from urllib.parse import urlsplit

import botocore.session
import pytest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import NoCredentialsError, ParamValidationError
from botocore.loaders import Loader

from cncbops.wire.call import Call, lean_call
from cncbops.wire.line import NotLean
from tests.wire.scripted import Scripted, ok

MODELS = Loader()
ACCESS_POINT = "arn:aws:s3:us-west-2:123456789012:accesspoint/lake"
FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:fn:live"


@pytest.fixture(autouse=True)
def surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE", "HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.delenv(name, raising=False)


def client(service: str, credentials: Credentials | None, url: str | None = None, **config: Any) -> Any:
    session: Any = botocore.session.Session()
    session.register_component("data_loader", MODELS)  # read once
    session._credentials = credentials
    return session.create_client(service, region_name="us-east-1", endpoint_url=url, config=Config(**config))


@pytest.mark.parametrize(
    ("service", "operation", "parameters", "config", "host", "path"),
    [
        ("s3", "GetObject", {"Bucket": "lake", "Key": "key"}, {}, "lake.s3.amazonaws.com", "/key"),
        ("s3", "GetObject", {"Bucket": "a.lake", "Key": "key"}, {}, "s3.amazonaws.com", "/a.lake/key"),
        (
            "s3",
            "GetObject",
            {"Bucket": ACCESS_POINT, "Key": "key"},
            {"s3": {"use_arn_region": True}},
            "lake-123456789012.s3-accesspoint.us-west-2.amazonaws.com",
            "/key",
        ),
        (
            "s3",
            "GetObject",
            {"Bucket": "lake", "Key": "key"},
            {"s3": {"use_accelerate_endpoint": True}},
            "lake.s3-accelerate.amazonaws.com",
            "/key",
        ),
        (
            "s3",
            "GetObject",
            {"Bucket": "lake", "Key": "key"},
            {"use_dualstack_endpoint": True, "use_fips_endpoint": True},
            "lake.s3-fips.dualstack.us-east-1.amazonaws.com",
            "/key",
        ),
        (
            "lambda",
            "Invoke",
            {"FunctionName": FUNCTION, "Payload": b"{}"},
            {"use_fips_endpoint": True},
            "lambda-fips.us-east-1.amazonaws.com",
            f"/2015-03-31/functions/{FUNCTION.replace(':', '%3A')}/invocations",
        ),
        (
            "lambda",
            "Invoke",
            {"FunctionName": "fn", "Qualifier": "$LATEST", "Payload": b"{}", "InvocationType": "Event"},
            {},
            "lambda.us-east-1.amazonaws.com",
            "/2015-03-31/functions/fn/invocations",
        ),
    ],
)
def test_botocore_says_where_and_the_signature_is_its_own(
    service: str, operation: str, parameters: Any, config: Any, host: str, path: str
) -> None:
    call = Call(client(service, Credentials("AKIA", "secret", "token"), **config), operation, parameters)
    assert (urlsplit(call._line._origin).netloc, call.path) == (host, path)


def test_a_session_of_s3_express_is_botocore_s_to_keep() -> None:
    inner = "".join(f"<{name}>x</{name}>" for name in ("SessionToken", "SecretAccessKey", "AccessKeyId"))
    body = f"<R><Credentials>{inner}<Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></R>".encode()
    with Scripted() as server:
        server.answer = lambda _: ok(body)
        s3 = client("s3", Credentials("AKIA", "secret"), server.url)
        parameters = {"Bucket": "lake--use1-az4--x-s3", "Key": "key"}
        with pytest.raises(NotLean):
            Call(s3, "GetObject", parameters)
        assert all("session" in request.line for request in server.requests)


def test_the_client_itself_is_as_it_was() -> None:
    with Scripted() as server:
        server.answer = lambda request: ok(request.line.encode())
        made = client("lambda", Credentials("AKIA", "secret"), server.url)
        before = dict(made.__dict__), dict(made._endpoint.__dict__)
        assert lean_call(made, "Invoke", {"FunctionName": "fn", "Payload": b"{}"})
        assert (made.__dict__, made._endpoint.__dict__) == before
        assert server.requests == []
        made.invoke(FunctionName="fn")
        assert len(server.requests) == 1


def test_what_botocore_objects_to_is_not_swallowed() -> None:
    parameters = {"FunctionName": "fn", "Payload": b"{}"}
    with pytest.raises(ParamValidationError):
        lean_call(client("lambda", Credentials("AKIA", "secret")), "Invoke", {"FunctionName": 1})
    made = client("lambda", None)
    made._request_signer._credentials = None
    with pytest.raises(NoCredentialsError):
        lean_call(made, "Invoke", parameters)


def test_a_pool_that_is_forgotten_or_closed_is_found_again() -> None:
    with Scripted() as server:
        server.answer = lambda request: ok()
        made = client("lambda", Credentials("AKIA", "secret"), server.url)
        call = Call(made, "Invoke", {"FunctionName": "fn", "Payload": b"{}"})
        call.send(b"{}")
        made.close()  # as the manager does with the pool used longest ago, when there are more hosts
        server.hang_up()
        for _ in range(2):
            call.send(b"{}")
        call._line._pool.close()
        made.close()
        call.send(b"{}")  # what stands, stands without its pool
        server.hang_up()
        for _ in range(2):
            call.send(b"{}")
        assert [request.connection for request in server.requests] == [1, 2, 2, 2, 3, 3]
