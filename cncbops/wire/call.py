"""A call of AWS that is made again and again: prepared once by botocore, then signed and sent here.

Credentials stay botocore's and are asked for each time, so that they are renewed; so do the region and the
endpoint, and it makes the connections. What is made here is compared with what botocore makes before it is used:
where the signatures differ, for whatever reason, the call is left to botocore.
"""

import calendar
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlsplit

from cncbops.wire.line import Line, NotLean
from cncbops.wire.recording import Recorded, recorded
from cncbops.wire.reply import Reply
from cncbops.wire.signing import TIMESTAMP, Form, Scope, Signer

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


def lean_call(client: Any, operation: str, parameters: dict[str, Any], *varying: str) -> "Call | None":
    """The lean way for an operation, or None where the call is to be left to botocore. Raises what botocore raises.

    Of the headers in `varying` each request has a value of its own. A later botocore or urllib3 may be made otherwise
    inside: that, too, leaves the call to botocore.
    """
    try:
        return Call(client, operation, parameters, *varying)
    except (NotLean, AttributeError, LookupError, TypeError):
        return None


class Call:
    """One operation with most of its parameters; safe to make from many threads."""

    def __init__(self, client: Any, operation: str, parameters: dict[str, Any], *varying: str) -> None:
        """Raises NotLean where the call is to be left to botocore, and what botocore raises."""
        model = recorded(client, operation, parameters)
        # Of S3 a key may hold anything: its path is signed as it is sent. All others are encoded once more.
        self._is_s3 = model.service.startswith("s3")
        self.path = urlsplit(model.url).path
        self._uri = self._canonical(self.path)
        form = _form(model, frozenset(varying))
        if not form.varying <= form.signed.keys():
            raise NotLean("a header that varies is not signed")
        self._signer = Signer(client._get_credentials(), Scope(model.region, model.service), form)
        self._compare(model, {name: model.headers[name] for name in form.varying})
        self._line = Line(client._endpoint.http_session, model.url)

    def send(
        self, body: bytes = b"", *, path: str = "", varying: Mapping[str, str] = _NOTHING, expected: int = 0
    ) -> Reply:
        """Make the call with another body or path (encoded); some bytes may be `expected` for an answer.

        Raises as Line does, and what credentials raise.
        """
        uri = self._canonical(path) if path else self._uri
        return self._line.exchange(self._signer.head(body, path or self.path, uri, varying), body, expected)

    def _canonical(self, path: str) -> str:
        return path if self._is_s3 else quote(path, safe="/~")

    def _compare(self, model: Recorded, varying: Mapping[str, str]) -> None:
        at_s = calendar.timegm(time.strptime(model.headers["x-amz-date"], TIMESTAMP))
        head = self._signer.head(model.body, self.path, self._uri, varying, at_s)
        if f"\r\nauthorization: {model.headers['authorization']}\r\n".encode() not in head:
            raise NotLean("requests are signed in another way")


def _form(model: Recorded, varying: frozenset[str]) -> Form:
    lasting = {name: value for name, value in model.headers.items() if name not in _OF_ONE_ATTEMPT}
    signed = {name: value for name, value in lasting.items() if name in model.names_signed}
    unsigned = {name: value for name, value in lasting.items() if name not in model.names_signed}
    return Form(
        model.method,
        urlsplit(model.url).query,
        {**signed, "host": _host(model.url)},
        {"accept-encoding": "identity", **unsigned},
        varying,
        tells_hash="x-amz-content-sha256" in model.names_signed,
        tells_length=model.method != "GET",
    )


def _host(url: str) -> str:
    parts = urlsplit(url)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
    return host if parts.port in (None, _DEFAULT_PORTS.get(parts.scheme)) else f"{host}:{parts.port}"
