"""A request as botocore would send it, not sent: its URL, headers and signature are the model for ours."""

import re
from copy import copy
from dataclasses import dataclass
from typing import Any

from botocore.awsrequest import AWSResponse, HeadersDict

from cncbops.wire.line import NotLean
from cncbops.wire.signing import ALGORITHM

_AUTHORIZATION = re.compile(
    rf"{ALGORITHM} Credential=(?P<key>[^/]+)/\d{{8}}/(?P<region>[^/]+)/(?P<service>[^/]+)/aws4_request, "
    r"SignedHeaders=(?P<names>[^,]+), Signature=[0-9a-f]{64}"
)


@dataclass(frozen=True, slots=True)
class Recorded:
    """A signed request; the names of its headers in lower case, `names_signed` those in its signature."""

    method: str
    url: str
    headers: dict[str, str]
    body: bytes
    region: str
    service: str
    names_signed: frozenset[str]


def recorded(client: Any, operation: str, parameters: dict[str, Any]) -> Recorded:
    """What `client` would send for an operation (`GetObject`) with these parameters.

    Raises what botocore raises before it sends, and NotLean where the request is answered without being
    sent or is not signed with version 4 for one region.
    """
    request = _caught(client, operation, parameters)
    headers = {name.lower(): _text(value) for name, value in request.headers.items()}
    signature = _AUTHORIZATION.fullmatch(headers.get("authorization", ""))
    if signature is None:
        raise NotLean("requests are not signed in the plain way")
    names = frozenset(signature["names"].split(";"))
    body = request.body or b""
    if not isinstance(body, bytes):
        raise NotLean("the body is not bytes")
    return Recorded(request.method, request.url, headers, body, signature["region"], signature["service"], names)


class _Recorder:
    """Stands in for the HTTP session of an endpoint, and keeps what it is given."""

    request: Any = None

    def send(self, request: Any) -> AWSResponse:
        self.request = request
        return AWSResponse(request.url, 200, HeadersDict({"content-length": "0"}), _Nothing())  # type: ignore[arg-type]


class _Nothing:
    """An empty body."""

    def read(self, *_: object) -> bytes:
        return b""

    def stream(self, **_: object) -> list[bytes]:
        return []


def _caught(client: Any, operation: str, parameters: dict[str, Any]) -> Any:
    """Call a twin of the client: all is shared but the way to the network. Nothing is changed on the client itself."""
    recorder = _Recorder()
    endpoint = copy(client._endpoint)
    endpoint.http_session = recorder
    twin = object.__new__(type(client))  # copy() would ask its __getattr__ before it has any attributes
    twin.__dict__.update(client.__dict__, _endpoint=endpoint)
    twin._make_api_call(operation, parameters)
    if recorder.request is None:
        raise NotLean("requests are answered before they are sent")
    return recorder.request


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
