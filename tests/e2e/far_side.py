"""The far side: a small stand-in for S3, Lambda and STS that runs invocations truly side by side.

What a function does is a callable of the test, `handler(payload, context) -> Reply`, called in the thread of
the request: 16 requests in flight are 16 handlers running. The far side keeps what arrived and when, so a
test asks it afterwards what was delivered, in which order, and what overlapped. The wire formats are beside
it: far_side_s3.py, far_side_lambda.py. Bound to 127.0.0.1 on a free port.
"""

import json
import re
import socket
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from email.message import Message
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import takewhile
from pathlib import Path
from typing import Any, Protocol, Self
from urllib.parse import parse_qsl, unquote

from tests.e2e import far_side_lambda, far_side_s3
from tests.e2e.far_side_lambda import (
    ACCOUNT,
    Context,
    Function,
    Handler,
    Invocation,
    Outcome,
    Record,
    Reply,
    close_after_running,
    function_error,
    ok,
    service_error,
    throttled,
)
from tests.e2e.far_side_s3 import Answer, Bucket, StoredObject

__all__ = [
    "Context",
    "FarSide",
    "Handler",
    "Invocation",
    "Record",
    "Reply",
    "StoredObject",
    "close_after_running",
    "function_error",
    "ok",
    "service_error",
    "throttled",
]


class FarSide:
    """The server and its memory. Use it as a context manager, or the `far_side` fixture."""

    def __init__(self) -> None:
        self.requests: list[str] = []  # "GET /bucket?list-type=2", in order of arrival
        self.callers: list[str] = []  # the access key that each of these was signed with
        self.errors: list[Exception] = []  # raised by a handler, or by a request that makes no sense
        self.max_concurrency = 0
        self._invocations: list[Invocation] = []
        self._running: list[Invocation] = []
        self._functions: dict[str, Function] = {}
        self._buckets: dict[str, Bucket] = {}
        self._refusals: dict[str, Answer | None] = {}
        self._held: dict[str, threading.Event] = {}
        self._moment: tuple[Callable[[], bool], Callable[[], object]] | None = None
        self._changed = threading.Condition()
        self._server = Server(self)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        for held in self._held.values():
            held.set()
        self._server.shutdown()
        self._server.server_close()
        self._server.hang_up()
        self._thread.join()

    def add_bucket(
        self, name: str, content: Mapping[str, bytes | StoredObject] | Path, *, role: str | None = None
    ) -> None:
        """Serve a dict of bodies (or StoredObjects) by key, or the files of a folder; with `role` to that alone."""
        if isinstance(content, Path):
            objects = far_side_s3.from_folder(content)
        else:
            objects = {k: StoredObject(v) if isinstance(v, bytes) else v for k, v in content.items()}
        self._buckets[name] = Bucket(name, objects, role and far_side_s3.key_of(role))

    def add_function(
        self,
        name: str,
        handler: Handler = lambda _payload, _context: ok(),
        *,
        configuration: Mapping[str, object] | None = None,
        mappings: Sequence[Mapping[str, object]] = (),
        reserved_concurrency: int | None = None,
        refuse: Reply | None = None,
    ) -> None:
        """Deploy a function; `configuration` and `mappings` override members of what AWS answers."""
        settings = configuration or {}
        self._functions[name] = Function(name, handler, settings, mappings, reserved_concurrency, refuse)

    def refuse(self, beginning: str, answer: Answer | Reply) -> None:
        """Answer every request that begins like this, such as "GET /lake?list-type", in this one way."""
        self._refusals[beginning] = answer.answer if isinstance(answer, Reply) else answer

    def hold(self, beginning: str) -> threading.Event:
        """Let every request that begins like this wait until the event is set, or the far side ends."""
        return self._held.setdefault(beginning, threading.Event())

    # What arrived

    @property
    def invocations(self) -> list[Invocation]:
        """Every invocation in order of arrival, refused ones and dry runs included."""
        with self._changed:
            return list(self._invocations)

    @property
    def in_flight(self) -> int:
        with self._changed:
            return len(self._running)

    def wait_until(self, condition: Callable[[], bool], timeout_s: float = 60.0) -> None:
        """Wait for a condition on what arrived, such as `lambda: far_side.in_flight == 0`."""
        with self._changed:
            assert self._changed.wait_for(condition, timeout_s), "the far side waited in vain"

    def once(self, condition: Callable[[], bool], act: Callable[[], object]) -> None:
        """Do something at the request that makes a condition on what arrived hold, before that is answered.

        Whoever waited for it until then, and acts afterwards, may find that all is over.
        """
        with self._changed:
            self._moment = (condition, act)
            self._note_arrival()

    def delivered(self) -> list[Record]:
        """The records of every invocation that succeeded, in order of arrival; twice if taken twice."""
        return [record for call in self.invocations if call.outcome == "succeeded" for record in call.records]

    def delivered_data(self) -> list[bytes]:
        return [record.data for record in self.delivered()]

    def by_key(self) -> dict[str, list[bytes]]:
        """The delivered data of each partition key, in order of arrival."""
        lanes: dict[str, list[bytes]] = {}
        for record in self.delivered():
            lanes.setdefault(record.partition_key, []).append(record.data)
        return lanes

    def overlaps_within_key(self) -> list[tuple[str, Invocation, Invocation]]:
        """Pairs of runs of one function that shared a partition key and were under way at the same time."""
        lanes: dict[tuple[str, str], list[Invocation]] = {}
        for call in self.invocations:
            for key in {record.partition_key for record in call.records} if call.ran else ():
                lanes.setdefault((call.function, key), []).append(call)
        for calls in lanes.values():
            calls.sort(key=lambda call: call.started)
        return [
            (key, first, second)
            for (_, key), calls in lanes.items()
            for at, first in enumerate(calls)
            for second in takewhile(first.overlaps, calls[at + 1 :])
        ]

    # What is answered

    def answer(self, method: str, target: str, headers: Message, body: bytes) -> Answer | None:
        request = f"{method} {target}"
        with self._changed:
            self.requests.append(request)
            self.callers.append(headers.get("Authorization", "").partition("Credential=")[2].partition("/")[0])
            self._note_arrival()
        for beginning, go_on in self._held.items():
            if request.startswith(beginning):
                go_on.wait()
        for beginning, refusal in self._refusals.items():
            if request.startswith(beginning):
                return refusal
        raw_path, _, raw_query = target.partition("?")
        query = dict(parse_qsl(raw_query, keep_blank_values=True))
        if re.match(r"/20\d\d-\d\d-\d\d/", raw_path):
            return self._lambda(method, raw_path, query, headers, body)
        if raw_path == "/" and (identity := _of_sts(body)):
            return identity
        bucket, _, key = raw_path.removeprefix("/").partition("/")
        if bucket not in self._buckets:
            return far_side_s3.error(404, "NoSuchBucket", "The specified bucket does not exist")
        return self._buckets[bucket].answer(method, unquote(key), query, headers)

    def _lambda(self, method: str, path: str, query: Mapping[str, str], headers: Message, body: bytes) -> Answer | None:
        kind, name, rest = far_side_lambda.path_parts(path)
        if (kind, method, name) == ("event-source-mappings", "GET", ""):
            wanted = far_side_lambda.plain_name(query.get("FunctionName", ""))
            chosen = [function for function in self._functions.values() if wanted in ("", function.name)]
            return far_side_lambda.event_source_mappings(chosen)
        if (kind, method, name) == ("functions", "GET", ""):
            return far_side_lambda.function_list(self._functions.values())
        function = self._functions.get(name)
        if function is None or kind != "functions":
            return service_error("ResourceNotFoundException", 404, f"Function not found: {name}").answer
        if (method, rest) != ("POST", "invocations"):
            return far_side_lambda.described(function, rest)
        invocation_type = headers.get("X-Amz-Invocation-Type", "RequestResponse")
        return self._invoke(function, far_side_lambda.arrival(name, query.get("Qualifier"), invocation_type, body))

    def _invoke(self, function: Function, call: Invocation) -> Answer | None:
        reply = self._begin(function, call) or self._run(function, call)
        end = partial(self._end, call, reply.outcome)
        if call.invocation_type == "Event" and reply.outcome in ("succeeded", "failed"):
            threading.Timer(reply.delay_s, end).start()
            return Answer(202)
        time.sleep(reply.delay_s)
        end()
        return reply.answer

    def _begin(self, function: Function, call: Invocation) -> Reply | None:
        """Note the arrival; a Reply means that the function is not run."""
        with self._changed:
            self._invocations.append(call)
            reply = function.refuse or far_side_lambda.at_the_door(call) or self._full(function)
            if reply is None:
                self._running.append(call)
                self.max_concurrency = max(self.max_concurrency, len(self._running))
            self._note_arrival()
            return reply

    def _note_arrival(self) -> None:
        """Tell who waits for it, and do what is to be done at it."""
        self._changed.notify_all()
        if self._moment and self._moment[0]():
            (_, act), self._moment = self._moment, None
            act()

    def _full(self, function: Function) -> Reply | None:
        running = sum(call.function == function.name for call in self._running)
        if function.reserved_concurrency is None or running < function.reserved_concurrency:
            return None
        return throttled("ReservedFunctionConcurrentInvocationLimitExceeded")

    def _run(self, function: Function, call: Invocation) -> Reply:
        number = next(function.numbers)
        context = Context(function.name, call.qualifier, call.invocation_type, number)
        try:
            return function.handler(json.loads(call.payload or b"{}"), context)
        except Exception as problem:  # noqa: BLE001 - a mistake in a test's handler is raised at its teardown
            self.errors.append(problem)
            return service_error("ServiceException", 500, "the handler of the test raised")

    def _end(self, call: Invocation, outcome: Outcome) -> None:
        with self._changed:
            call.outcome, call.ended = outcome, time.monotonic()
            if call in self._running:
                self._running.remove(call)
            self._changed.notify_all()


def _of_sts(body: bytes) -> Answer | None:
    """What STS answers to a form; None if it is none of its."""
    form = dict(parse_qsl(body.decode(errors="replace")))
    match form.get("Action"):
        case "GetCallerIdentity":
            return _caller_identity()
        case "AssumeRole":
            return far_side_s3.credentials_of(form["RoleArn"])
    return None


def _caller_identity() -> Answer:
    tag = far_side_s3.tag
    arn = f"arn:aws:iam::{ACCOUNT}:user/test"
    identity = tag("UserId", "AIDATEST") + tag("Account", ACCOUNT) + tag("Arn", arn)
    inner = tag("GetCallerIdentityResult", identity) + tag("ResponseMetadata", tag("RequestId", "far-side"))
    return far_side_s3.xml(200, "GetCallerIdentityResponse", inner, "https://sts.amazonaws.com/doc/2011-06-15/")


class Answering(Protocol):
    """What a server asks for its answers; None is to hang up."""

    errors: list[Exception]

    def answer(self, method: str, target: str, headers: Message, body: bytes) -> Answer | None: ...


class Server(ThreadingHTTPServer):
    """Gives the answers of a far side, each in a thread of its own."""

    request_queue_size = 256
    daemon_threads = True

    def __init__(self, far_side: Answering) -> None:
        self.far_side = far_side
        self._open: set[socket.socket] = set()
        super().__init__(("127.0.0.1", 0), _Handler)

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        self._open.add(connection)
        return connection, address

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def hang_up(self) -> None:
        """Close the connections that clients keep alive, so that their threads end."""
        for connection in list(self._open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        problem = sys.exception()
        if isinstance(problem, Exception) and not isinstance(problem, ConnectionError):
            self.far_side.errors.append(problem)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # headers and body leave together
    server: Server

    def _serve(self) -> None:
        answer = self.server.far_side.answer(self.command, self.path, self.headers, self._body())
        if answer is None:
            self.close_connection = True
            return
        self.send_response(answer.status)
        for name, value in {"x-amzn-RequestId": "far-side", **answer.headers}.items():
            self.send_header(name, value)
        if answer.status != 204 and "Content-Length" not in answer.headers:  # that of a HEAD is not its body's
            self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            size = int(self.headers.get("Content-Length", 0))
            body = self.rfile.read(size)
            if len(body) < size:
                raise ConnectionResetError("who asked has ended in the midst of it")
            return body
        chunks = []
        while size := int(self.rfile.readline().partition(b";")[0], 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(chunks)

    def handle_expect_100(self) -> bool:
        """Say `100 Continue` now: it would else wait in the buffer, and the client for it."""
        accepted = super().handle_expect_100()
        self.wfile.flush()
        return accepted

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = _serve

    def log_message(self, *_: object) -> None:
        """Say nothing: what arrived is kept in FarSide."""
