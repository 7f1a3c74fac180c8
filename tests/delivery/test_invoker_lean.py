"""The lean way of an invocation: connections that are kept, and what befalls a request on one of them.

The first invocation of each test is taken, so that the next finds a connection that stands.
"""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import botocore.session
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.httpsession import URLLib3Session
from botocore.loaders import Loader

from cncbops.delivery import invoker as invoker_module
from cncbops.delivery.answers import Answer, Kind
from cncbops.delivery.invoker import Invoker
from cncbops.wire import reply, sockets
from tests.wire import scripted
from tests.wire.scripted import Counted, Scripted, Tunnel, ok, soon

PAYLOAD = b'{"Records":[]}'
SECRET, TOKEN = "the-secret-key", "the-session-token"


@pytest.fixture(autouse=True)
def surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "AWS_CA_BUNDLE", "AWS_PROFILE", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture(params=["as it is installed", "without C"])
def server(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scripted]:
    if request.param == "without C":
        monkeypatch.setattr(sockets, "hot", None)
        monkeypatch.setattr(reply, "hot", None)
    with Scripted() as server:
        yield server


@pytest.fixture
def by_botocore(monkeypatch: pytest.MonkeyPatch) -> Counted:
    """Counts the requests that go through botocore's session."""
    counted = Counted(URLLib3Session.send)
    monkeypatch.setattr(URLLib3Session, "send", lambda session, request: counted(session, request))
    return counted


def invoker(url: str, qualifier: str | None = None, **config: Any) -> Invoker:
    return Invoker(client(url, **config), "fn", qualifier)


MODELS = Loader()


def client(url: str, credentials: Credentials | None = None, **config: Any) -> Any:
    session: Any = botocore.session.Session()
    session.register_component("data_loader", MODELS)  # read once
    session._credentials = credentials or Credentials("AKIATEST", SECRET, TOKEN)
    settings = {"retries": {"total_max_attempts": 1}, "connect_timeout": 5, "read_timeout": 5, **config}
    return session.create_client("lambda", region_name="us-east-1", endpoint_url=url, config=Config(**settings))


def invoke(what: Invoker, payload: bytes = PAYLOAD) -> Answer:
    return what.invoke(payload, asynchronous=False)


def second(server: Scripted, answer: scripted.Answer, **config: Any) -> Answer:
    """What an answer on a standing connection is taken for; one request is made for it, and the next goes well."""
    server.answers = [ok(), answer]
    invoking = invoker(server.url, **config)
    assert invoke(invoking).kind is Kind.TAKEN
    taken_for = invoke(invoking)
    assert [request.connection for request in server.requests] == [1, 1]
    answer.released.set()
    assert invoke(invoking).kind is Kind.TAKEN
    return taken_for


def test_what_is_sent_is_what_botocore_sends_but_for_its_marks_of_an_attempt(
    server: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    lean = invoker(server.url, "live")
    for _ in range(2):
        lean.invoke(PAYLOAD, asynchronous=True)
    monkeypatch.setattr(invoker_module, "lean_call", lambda *_: None)
    invoker(server.url, "live").invoke(PAYLOAD, asynchronous=True)
    first, standing, theirs = server.requests
    assert first.line == standing.line == theirs.line
    assert first.body == standing.body == theirs.body == PAYLOAD
    of_the_moment = {"x-amz-date", "authorization", "amz-sdk-invocation-id", "amz-sdk-request"}
    kept = {name: value for name, value in theirs.headers.items() if name not in of_the_moment}
    for ours in (first, standing):
        assert {name: value for name, value in ours.headers.items() if name not in of_the_moment} == kept
        assert ours.headers["authorization"].rpartition(",")[0] == theirs.headers["authorization"].rpartition(",")[0]


def test_connections_are_kept_and_botocore_makes_no_more_than_the_pool_holds(
    server: Scripted, by_botocore: Counted
) -> None:
    invoking = invoker(server.url, max_pool_connections=4)
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: invoke(invoking), range(60)))
    assert {answer.kind for answer in answers} == {Kind.TAKEN}
    assert len(server.requests) == 60
    assert server.connections == by_botocore.calls <= 4


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (scripted.Answer(then="close"), "ConnectionClosedError"),
        (scripted.Answer(then="reset"), "ConnectionClosedError"),
        (scripted.Answer(b"HTTP/1.1 200 OK\r\nContent-Le", "close"), "ConnectionClosedError"),
        (scripted.Answer(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}", "close"), "IncompleteReadError"),
        (
            scripted.Answer(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n{}", "close"),
            "IncompleteReadError",
        ),
        (scripted.Answer(b"no HTTP\r\n\r\n", "close"), "ConnectionClosedError"),
    ],
)
def test_an_answer_that_is_lost_on_a_standing_connection_is_unknown(
    server: Scripted, answer: scripted.Answer, error: str
) -> None:
    taken_for = second(server, answer)
    assert (taken_for.kind, taken_for.error) == (Kind.UNKNOWN, error)


@pytest.mark.parametrize("data", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}"])
def test_an_answer_that_does_not_come_in_time_on_a_standing_connection_is_unknown(
    server: Scripted, data: bytes
) -> None:
    taken_for = second(server, scripted.Answer(data, "wait"), read_timeout=1)
    assert (taken_for.kind, taken_for.error) == (Kind.UNKNOWN, "ReadTimeoutError")


def test_a_request_that_is_not_taken_in_time_is_unknown(server: Scripted) -> None:
    invoking = invoker(server.url, connect_timeout=1)
    pause = scripted.Answer(ok().data, "wait")
    server.answer = lambda _: pause  # answers, then reads no more
    assert invoke(invoking).kind is Kind.TAKEN
    assert invoke(invoking, b" " * 16_000_000).kind is Kind.UNKNOWN
    pause.released.set()


def test_a_body_cut_on_the_first_connection_is_unknown_too(server: Scripted) -> None:
    server.answers = [scripted.Answer(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}", "close")]
    answer = invoke(invoker(server.url))
    assert (answer.kind, answer.error) == (Kind.UNKNOWN, "IncompleteReadError")


def test_a_connection_the_server_closed_while_it_idled_is_not_written_to(server: Scripted) -> None:
    invoking = invoker(server.url)
    server.answers = [scripted.Answer(ok().data, "close")]
    assert invoke(invoking).kind is Kind.TAKEN
    for _ in range(2):
        server.hang_up()
        assert soon(lambda: not any(map(is_open, pooled(invoking))))
        assert invoke(invoking).kind is Kind.TAKEN
    assert [request.connection for request in server.requests] == [1, 2, 3]


def pooled(invoking: Invoker) -> list[Any]:
    call = invoking._calls["RequestResponse"]
    assert call is not None
    return [connection for connection in call._line._pool.pool.queue if connection]


def is_open(connection: Any) -> bool:
    return bool(connection.is_connected)


def test_an_answer_given_before_the_request_was_read_is_heard(server: Scripted) -> None:
    body = b'{"Type":"User","Message":"too large"}'
    too_large = ok(body, "413 Too Large", x_amzn_errortype="RequestTooLargeException", Connection="close")
    assert second(server, too_large).kind is Kind.TOO_LARGE


@pytest.mark.parametrize(
    ("data", "body"),
    [
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\n\r\n", b"{}"),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n", b""),
        (b"HTTP/1.1 204 No Content\r\n\r\n", b""),
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{}", b"{}"),
    ],
)
def test_a_result_is_read_to_its_end_in_whatever_form_it_comes(server: Scripted, data: bytes, body: bytes) -> None:
    answer = scripted.Answer(data, "close" if b"close" in data else "keep")
    assert second(server, answer) == Answer(Kind.TAKEN, body=body)


def error(status: int, code: str, message: str = "far side", **headers: str) -> scripted.Answer:
    body = json.dumps({"Type": "User", "Message": message}).encode()
    return ok(body, f"{status} No", x_amzn_ErrorType=code, Content_Type="application/json", **headers)


@pytest.mark.parametrize(
    "make",
    [
        lambda: error(429, "TooManyRequestsException", Retry_After="3"),
        lambda: error(500, "ServiceException", "a\nb"),
        lambda: error(403, "AccessDeniedException"),
        lambda: error(403, "InvalidSignatureException:http://internal.amazon.com/coral/"),
        lambda: error(404, "ResourceNotFoundException"),
        lambda: error(410, "NobodyKnowsException"),
        lambda: ok(b"<html>no</html>", "502 Bad Gateway"),
        lambda: ok(b"", "504 Gateway Timeout"),
        lambda: ok(b'{"__type":"ns#ThrottlingException","message":"m"}', "400 Bad"),
        lambda: ok(b"", "301 Moved", Location="http://elsewhere/"),
        lambda: ok(b'{"errorType":"E","errorMessage":"m"}', X_Amz_Function_Error="Unhandled"),
    ],
)
def test_an_answer_means_what_it_means_to_botocore(
    server: Scripted, monkeypatch: pytest.MonkeyPatch, make: Callable[[], scripted.Answer]
) -> None:
    lean = second(server, make())
    server.answers = [make()]
    assert invoke(invoker(server.url)) == lean  # on a first connection
    monkeypatch.setattr(invoker_module, "lean_call", lambda *_: None)
    server.answers = [make()]
    assert invoke(invoker(server.url)) == lean


def test_a_body_that_is_no_text_leaves_its_status(server: Scripted) -> None:
    assert second(server, ok(b"\xff", "503 Busy")).kind is Kind.TRANSIENT


def test_credentials_are_asked_for_each_time(server: Scripted) -> None:
    credentials = Credentials("AKIAONE", "one", "token-one")
    invoking = Invoker(client(server.url, credentials), "fn", None)
    invoke(invoking)
    credentials.access_key, credentials.secret_key, credentials.token = "AKIATWO", "two", "token-two"
    invoke(invoking)
    first, other = (request.headers for request in server.requests)
    assert "=AKIAONE/" in first["authorization"]
    assert "=AKIATWO/" in other["authorization"]
    assert [first["x-amz-security-token"], other["x-amz-security-token"]] == ["token-one", "token-two"]


def unsigned(server: Scripted) -> Invoker:
    return invoker(server.url, signature_version=UNSIGNED)


def retried(server: Scripted) -> Invoker:
    return invoker(server.url, retries={"total_max_attempts": 2})


def watched(server: Scripted) -> Invoker:
    what = invoker(server.url)
    what._client.meta.events.register("before-send.lambda.Invoke", answered_elsewhere)
    return what


def answered_elsewhere(request: Any, **_: object) -> Any:
    return URLLib3Session().send(request)


@pytest.mark.parametrize("make", [unsigned, retried, watched])
def test_what_only_botocore_can_do_is_left_to_it(
    server: Scripted, by_botocore: Counted, make: Callable[[Scripted], Invoker]
) -> None:
    invoking = make(server)
    for _ in range(3):
        assert invoke(invoking).kind is Kind.TAKEN
    assert by_botocore.calls == len(server.requests) == 3 + (make is watched)  # which was asked to prepare one


def test_a_botocore_that_is_made_otherwise_does_all_itself(
    server: Scripted, by_botocore: Counted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(URLLib3Session, "_get_connection_manager")
    monkeypatch.setattr(URLLib3Session, "_find_manager", lambda *_: None, raising=False)
    assert invoker(server.url)._call("Event") is None


def test_a_proxy_that_forwards_is_botocore_s_to_speak_to(server: Scripted, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", server.url)
    invoking = invoker("http://lambda.example:8080")
    for _ in range(2):
        assert invoke(invoking).kind is Kind.TAKEN
    assert {request.line for request in server.requests} == {
        "POST http://lambda.example:8080/2015-03-31/functions/fn/invocations HTTP/1.1"
    }


def test_tls_and_its_certificates_are_botocore_s(
    monkeypatch: pytest.MonkeyPatch, by_botocore: Counted, certificate: scripted.Certificate
) -> None:
    with Scripted(tls=certificate.server) as server:
        assert invoke(invoker(server.url)).kind is Kind.UNREACHABLE  # nobody vouches for it
        monkeypatch.setenv("AWS_CA_BUNDLE", certificate.bundle)
        invoking = invoker(server.url)
        assert [invoke(invoking, PAYLOAD * 50_000).kind for _ in range(3)] == [Kind.TAKEN] * 3
        assert by_botocore.calls == 2
        assert [request.connection for request in server.requests] == [2, 2, 2]


def test_a_tunnel_is_made_once_and_then_used_as_any_connection(
    monkeypatch: pytest.MonkeyPatch, by_botocore: Counted, certificate: scripted.Certificate
) -> None:
    monkeypatch.setenv("AWS_CA_BUNDLE", certificate.bundle)
    with Scripted(tls=certificate.server) as server, Tunnel() as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url.replace("//", "//user:word@"))
        invoking = invoker(server.url)
        assert [invoke(invoking).kind for _ in range(3)] == [Kind.TAKEN] * 3
        (tunnel,) = proxy.requests
        assert tunnel.line.startswith(f"CONNECT 127.0.0.1:{server.port} ")
        assert tunnel.headers["proxy-authorization"].startswith("Basic ")
        assert by_botocore.calls == 1
        assert not any("proxy-authorization" in request.headers for request in server.requests)


def test_a_proxy_that_is_not_there_means_that_nothing_was_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    answer = invoke(invoker("https://127.0.0.1:1"))
    assert (answer.kind, answer.error) == (Kind.UNREACHABLE, "ProxyConnectionError")


def test_no_answer_tells_a_secret(server: Scripted) -> None:
    for answer in (scripted.Answer(then="reset"), error(400, "Nonsense"), scripted.Answer(b"x\r\n\r\n", "close")):
        told = repr(second(server, answer))
        server.requests.clear()
        server.connections = 0
        assert not any(secret in told for secret in (SECRET, TOKEN, PAYLOAD.decode()))
