"""An AWS that denies: a proxy before an embedded AWS that lets through what policies allow, and nothing else.

What is not understood (see operations.py) is denied as well, and kept in `unknown`. Errors have the form of their
service, by microburst. Bound to 127.0.0.1 on a free port.
"""

import re
import threading
from collections.abc import Mapping
from email.message import Message
from http.client import HTTPConnection
from typing import Any, Self
from urllib.parse import urlsplit

from microburst.protocols import render_error

from tests.e2e.far_side import Server
from tests.e2e.far_side_s3 import Answer
from tests.e2e.iam import Request, allowed_by
from tests.e2e.operations import ACCOUNT, FREE, Call, understood

ROLE = "role"
_CODES = {"lambda": "AccessDeniedException", "dynamodb": "AccessDeniedException", "kinesis": "AccessDeniedException"}
_AS_A_QUERY = "x-amzn-query-error"
"""What SQS says to old and new clients alike: of its own errors with a name before it, of this one without."""


class Enforcing:
    """The proxy, as a context manager. `policies` are those of access keys, that of ROLE for every key of a session.

    `used` has each statement and action that alone allowed a request; `denied` the requests that were not allowed;
    `unknown` what was not understood.
    """

    def __init__(self, upstream: str) -> None:
        self.policies: dict[str, Mapping[str, Any]] = {}
        self.used: set[tuple[str, str]] = set()
        self.denied: list[Request] = []
        self.unknown: list[str] = []
        self.errors: list[Exception] = []
        self._upstream = urlsplit(upstream)
        self._server = Server(self)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._server.hang_up()
        self._thread.join()

    def allow(self, document: Mapping[str, Any], who: str = "test") -> None:
        """Let this policy hold from now on, and no other of whoever has it; what happened before is forgotten."""
        self.policies[who] = document
        self.used, self.denied, self.unknown = set(), [], []

    def answer(self, method: str, target: str, headers: Message, body: bytes) -> Answer | None:
        call = understood(method, target, headers, body)
        if call is None:
            self.unknown.append(f"{method} {target} {headers.get('X-Amz-Target', '')} {body[:80]!r}")
            return Answer(403, {}, b"the test does not know this request")
        if (call.service, call.operation) not in FREE:
            who = call.who if call.who in self.policies else ROLE
            allowing = allowed_by(self.policies.get(who, _NOTHING), call.request)
            if not allowing:
                self.denied.append(call.request)
                return _denied(call, method, headers)
            if len(allowing) == 1:
                self.used.update(allowing)
        return self._passed_on(method, target, headers, body)

    def _passed_on(self, method: str, target: str, headers: Message, body: bytes) -> Answer:
        assert self._upstream.hostname
        connection = HTTPConnection(self._upstream.hostname, self._upstream.port, timeout=30)
        kept = {name: value for name, value in headers.items() if name.lower() != "content-length"}
        try:
            connection.request(method, target, _WAITING.sub(rb"\g<1>0", body), kept)
            response = connection.getresponse()
            told = {name: value for name, value in response.getheaders() if name.lower() not in _OF_THE_WAY}
            length = {"Content-Length": response.headers["Content-Length"]} if method == "HEAD" else {}
            return Answer(response.status, {**told, **length}, response.read())
        finally:
            connection.close()


_WAITING = re.compile(rb'("WaitTimeSeconds": ?)\d+')
"""What SQS is asked to wait for messages: here nobody waits."""
_NOTHING = {"Version": "2012-10-17", "Statement": []}
_OF_THE_WAY = {"connection", "keep-alive", "transfer-encoding", "content-length", "date", "server"}


def _denied(call: Call, method: str, headers: Message) -> Answer:
    """AWS's own error, in the form of the service."""
    request = call.request
    message = (
        f"User: arn:aws:iam::{ACCOUNT}:user/{call.who} is not authorized to perform: {request.action} on resource: "
        f"{request.resource} because no identity-based policy allows the {request.action} action"
    )
    is_json = "X-Amz-Target" in headers
    status, told, body = render_error(
        call.service,
        _CODES.get(call.service, "AccessDenied"),
        message,
        status=400 if is_json else 403,
        protocol="json" if is_json else None,
        request_ct=headers.get("Content-Type"),
    )
    if _AS_A_QUERY in told:
        told[_AS_A_QUERY] = "AccessDenied;Sender"
    return Answer(status, told, b"" if method == "HEAD" else body)
