"""The connections to one host that a botocore client pools, used without the layers above them.

botocore makes each connection, with a request of ours as its first: proxies, TLS, certificates, time
limits and what their failures mean are its business. A connection that stands is then taken out of its pool, and
written to and read from directly, which is cheaper by far.
"""

from collections import deque
from contextlib import suppress
from queue import Empty
from typing import Any
from urllib.parse import urlsplit

from botocore.awsrequest import AWSRequest
from botocore.exceptions import ConnectionClosedError, IncompleteReadError, ReadTimeoutError
from botocore.httpsession import URLLib3Session

from cncbops.wire.reply import Broken, Reply
from cncbops.wire.sockets import Limits, standing


class NotLean(Exception):
    """Something about a client or its calls is botocore's to do; the message says what."""


class Line:
    """The way to the host of a URL; safe to use from many threads."""

    def __init__(self, session: Any, url: str) -> None:
        """Raises NotLean where requests are not simply sent to the host, or through a tunnel to it."""
        if type(session) is not URLLib3Session:
            raise NotLean("another HTTP session is in use")
        self._session = session
        parts = urlsplit(url)
        self._origin = f"{parts.scheme}://{parts.netloc}"
        self._proxy = session._proxy_config.proxy_url_for(url)  # type: ignore[attr-defined]
        if session._get_request_target(url, self._proxy) == url:  # type: ignore[attr-defined]
            raise NotLean("a proxy forwards the requests")
        self._pool = self._find_pool()
        self._free: deque[Any] = deque()  # those that stand; the pool's own queue takes as long as to sign a request
        self._limits = Limits(self._pool.timeout.connect_timeout, self._pool.timeout.read_timeout)

    def exchange(self, head: bytes, body: bytes, expected: int) -> Reply:
        """Send a request and read the whole of its answer, which may be of `expected` bytes; sent once, whatever comes.

        Raises what botocore's HTTP session raises, and IncompleteReadError for a body that is cut.
        """
        connection = self._standing()
        if connection is None:
            return self._by_botocore(head, body)
        done, keeps = None, False
        try:
            done = standing(connection, self._limits).exchange(head, body, expected)
            keeps = done is not None and done[1]
        except TimeoutError as error:
            raise ReadTimeoutError(endpoint_url=self._origin, error=error) from error
        except (OSError, Broken) as error:
            raise ConnectionClosedError(endpoint_url=self._origin, error=error) from error
        finally:
            self._let_go(connection, keeps=keeps)
        return done[0] if done else self._by_botocore(head, body)

    def _find_pool(self) -> Any:
        return self._session._get_connection_manager(self._origin, self._proxy).connection_from_url(self._origin)  # type: ignore[attr-defined]

    def _standing(self) -> Any | None:
        """A connection that stood, if one is free. None is made here: botocore sets up what it makes."""
        with suppress(IndexError):
            return self._free.pop()
        try:
            connection = self._pool.pool.get(block=False)
        except (Empty, AttributeError):  # a pool that was closed has no queue
            return None
        if connection is None or connection.sock is None:
            self._pool._put_conn(connection)
            return None
        return connection

    def _let_go(self, connection: Any, *, keeps: bool) -> None:
        if keeps:
            self._free.append(connection)
        else:
            connection.close()
            self._pool._put_conn(connection)

    def _by_botocore(self, head: bytes, body: bytes) -> Reply:
        response = self._session.send(_request(self._origin, head, body).prepare())
        self._pool = self._find_pool()  # where the connection is now: a manager of many hosts forgets some pools
        content, length = response.content, response.headers.get("content-length")
        if length and "transfer-encoding" not in response.headers and len(content) != int(length):
            raise IncompleteReadError(actual_bytes=len(content), expected_bytes=int(length))
        return Reply(response.status_code, {k.lower(): v for k, v in response.headers.items()}, content)


def _request(origin: str, head: bytes, body: bytes) -> AWSRequest:
    """A request as botocore has it."""
    first, *lines = head.decode().removesuffix("\r\n\r\n").split("\r\n")
    method, target, _ = first.split(" ")
    return AWSRequest(method, origin + target, dict(line.split(": ", 1) for line in lines), body or None)
