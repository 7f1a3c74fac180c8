"""A request as botocore would send it, not sent: its URL, headers and signature are the model for ours."""

import re
from typing import Any

from botocore.awsrequest import AWSResponse
from msgspec import Struct

from cncbops.wire.line import NotLean
from cncbops.wire.signing import ALGORITHM

_AUTHORIZATION = re.compile(
    rf"{ALGORITHM} Credential=(?P<key>[^/]+)/\d{{8}}/(?P<region>[^/]+)/(?P<service>[^/]+)/aws4_request, "
    r"SignedHeaders=(?P<names>[^,]+), Signature=[0-9a-f]{64}"
)


class Recorded(Struct, frozen=True):
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
    request = _prepared(client, operation, parameters)
    headers = {name.lower(): _text(value) for name, value in request.headers.items()}
    signature = _AUTHORIZATION.fullmatch(headers.get("authorization", ""))
    if signature is None:
        raise NotLean("requests are not signed in the plain way")
    names = frozenset(signature["names"].split(";"))
    body = request.body or b""
    if not isinstance(body, bytes):
        raise NotLean("the body is not bytes")
    return Recorded(request.method, request.url, headers, body, signature["region"], signature["service"], names)


class _Preparing:
    """Stands in for the endpoint of a client: prepares requests as that does, and sends none."""

    request: Any = None

    def __init__(self, endpoint: Any) -> None:
        self._endpoint = endpoint

    def make_request(self, operation: Any, parameters: Any) -> tuple[AWSResponse, dict[str, Any]]:
        self.request = self._endpoint.create_request(parameters, operation)
        event = f"before-send.{operation.service_model.service_id.hyphenize()}.{operation.name}"
        answers = self._endpoint._event_emitter.emit(event, request=self.request)
        if any(answer is not None for _, answer in answers):
            raise NotLean("requests are answered before they are sent")
        return AWSResponse(self.request.url, 200, {}, None), {}  # type: ignore[arg-type]


def _prepared(client: Any, operation: str, parameters: dict[str, Any]) -> Any:
    """The request of a twin of the client, which shares all but the endpoint: nothing is changed on the client."""
    endpoint = _Preparing(client._endpoint)
    twin = object.__new__(type(client))  # copy() would ask its __getattr__ before it has any attributes
    twin.__dict__.update(client.__dict__, _endpoint=endpoint)
    twin._make_api_call(operation, parameters)
    if endpoint.request is None:
        raise NotLean("calls are answered before a request is made")
    return endpoint.request


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
