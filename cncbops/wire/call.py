"""A call of AWS that is made again and again: prepared once by botocore, then signed and sent here.

Credentials stay botocore's and are asked for each time, so that they are renewed; so do the region, the
endpoint and the connections. What is made here is compared with what botocore makes before it is used:
where the signatures differ, for whatever reason, the call is left to botocore.
"""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any
from urllib.parse import quote, urlsplit

from cncbops.wire.line import Line, NotLean
from cncbops.wire.recording import Recorded, recorded
from cncbops.wire.reply import Reply
from cncbops.wire.signing import Signer

_OF_ONE_ATTEMPT = frozenset(
    {
        "amz-sdk-invocation-id",
        "amz-sdk-request",
        "authorization",
        "content-length",
        "x-amz-content-sha256",
        "x-amz-date",
        "x-amz-security-token",
    }
)
_NOTHING: Mapping[str, str] = {}
_DEFAULT_PORTS = {"http": 80, "https": 443}


def lean_call(client: Any, operation: str, parameters: dict[str, Any]) -> "Call | None":
    """The lean way for an operation, or None where the call is to be left to botocore. Raises what botocore raises.

    A later botocore or urllib3 may be made otherwise inside: that, too, leaves the call to botocore.
    """
    try:
        return Call(client, operation, parameters)
    except (NotLean, AttributeError, TypeError):
        return None


class Call:
    """One operation with most of its parameters; safe to make from many threads."""

    def __init__(self, client: Any, operation: str, parameters: dict[str, Any]) -> None:
        """Raises NotLean where the call is to be left to botocore, and what botocore raises."""
        model = recorded(client, operation, parameters)
        parts = urlsplit(model.url)
        self.path, self._query = parts.path, parts.query
        self._method = model.method
        lasting = {name: value for name, value in model.headers.items() if name not in _OF_ONE_ATTEMPT}
        self._signed = {name: value for name, value in lasting.items() if name in model.names_signed}
        self._signed["host"] = _host(model.url)
        self._unsigned = {name: value for name, value in lasting.items() if name not in model.names_signed}
        self._unsigned.setdefault("accept-encoding", "identity")
        # Of S3 a key may hold anything: its path is signed as it is sent. All others are encoded once more.
        self._is_s3 = model.service.startswith("s3")
        self._tells_hash = "x-amz-content-sha256" in model.names_signed
        self._signer = Signer(client._get_credentials(), model.region, model.service)
        self._compare(model)
        self._line = Line(client._endpoint.http_session, model.url)

    def send(self, body: bytes = b"", *, path: str | None = None, headers: Mapping[str, str] = _NOTHING) -> Reply:
        """Make the call with another body, path (encoded) or other values of signed headers. Raises as Line does."""
        path = path or self.path
        sent = self._sign(body, path, headers)
        sent.update(self._unsigned)
        if self._method != "GET":
            sent["content-length"] = str(len(body))
        return self._line.exchange(self._method, f"{path}?{self._query}" if self._query else path, sent, body)

    def _sign(self, body: bytes, path: str, headers: Mapping[str, str], timestamp: str | None = None) -> dict[str, str]:
        digest = sha256(body).hexdigest()
        signed = {**self._signed, **headers}
        if self._tells_hash:
            signed["x-amz-content-sha256"] = digest
        uri = path if self._is_s3 else quote(path, safe="/~")
        return self._signer.signed(self._method, uri, self._query, signed, digest, timestamp)

    def _compare(self, model: Recorded) -> None:
        ours = self._sign(model.body, self.path, _NOTHING, model.headers.get("x-amz-date"))
        if ours["authorization"] != model.headers["authorization"]:
            raise NotLean("requests are signed in another way")


def _host(url: str) -> str:
    parts = urlsplit(url)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
    return host if parts.port in (None, _DEFAULT_PORTS.get(parts.scheme)) else f"{host}:{parts.port}"
