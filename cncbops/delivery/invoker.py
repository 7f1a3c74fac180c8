"""One invocation, made once: the SDK's own retries are off.

botocore takes a read timeout for a passing fault and sends the request again while the first
invocation still runs. So the client waits longer than the function may, and every retry is ours.

The way through botocore costs most of a millisecond a call. An invocation goes the lean way of
`cncbops.wire`, and through botocore where that is not to be had.
"""

import threading
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import msgspec
from botocore.awsrequest import HeadersDict
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
    IncompleteReadError,
    ProxyConnectionError,
    ReadTimeoutError,
    ResponseStreamingError,
    SSLError,
)
from botocore.parsers import create_parser

from cncbops.aws_errors import code_of, explain
from cncbops.delivery.answers import Answer, Kind, kind_of_error
from cncbops.formats.event import mend_lone_surrogates
from cncbops.wire.call import Call, lean_call
from cncbops.wire.reply import Reply

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

_NEVER_SENT = (ConnectTimeoutError, EndpointConnectionError, ProxyConnectionError, SSLError)
_ANSWER_LOST = (HTTPClientError, IncompleteReadError, ResponseStreamingError)
MESSAGE_CHARS = 300


class Invoker:
    """Invokes one function, by name or ARN and qualifier; safe to call from many threads."""

    def __init__(self, client: "LambdaClient", function: str, qualifier: str | None) -> None:
        self._client = client
        self._function = function
        self._address: dict[str, Any] = {"FunctionName": function}
        if qualifier:
            self._address["Qualifier"] = qualifier
        self._calls: dict[str, Call | None] = {}  # by invocation type; None is botocore's to make
        self._preparing = threading.Lock()

    def invoke(self, payload: bytes, *, asynchronous: bool) -> Answer:
        """Send one payload and say what became of it; raises nothing that an invocation can meet."""
        try:
            return _answer(self._result("Event" if asynchronous else "RequestResponse", payload))
        except ClientError as error:
            return self._service_error(error)
        except _NEVER_SENT as error:
            return Answer(Kind.UNREACHABLE, type(error).__name__, _one_line(error))
        except _ANSWER_LOST as error:
            late = isinstance(error, ReadTimeoutError)
            what = "no answer came in time" if late else "the connection was lost after the request was sent"
            return Answer(Kind.UNKNOWN, type(error).__name__, f"{what}; the function may have run")
        except BotoCoreError as error:
            return self._refused(error)

    def _result(self, invocation_type: str, payload: bytes) -> "_Result":
        """What the function gave. Raises ClientError and BotoCoreError, whichever way it goes."""
        call = self._call(invocation_type)
        if call is None:
            response = self._client.invoke(InvocationType=invocation_type, Payload=payload, **self._address)  # type: ignore[arg-type]
            return _Result(bool(response.get("FunctionError")), response["Payload"].read())
        reply = call.send(payload)
        if reply.status >= 300:
            raise self._error(reply)
        return _Result(bool(reply.headers.get("x-amz-function-error")), reply.body)

    def _call(self, invocation_type: str) -> Call | None:
        """The lean way, prepared with the first invocation: a lack of credentials is its answer."""
        if invocation_type in self._calls:
            return self._calls[invocation_type]
        with self._preparing:
            if invocation_type not in self._calls:
                self._calls[invocation_type] = self._prepared(invocation_type)
            return self._calls[invocation_type]

    def _prepared(self, invocation_type: str) -> Call | None:
        if _tries(self._client) != 1:
            return None
        return lean_call(self._client, "Invoke", {**self._address, "InvocationType": invocation_type, "Payload": b"{}"})

    def _error(self, reply: Reply) -> ClientError:
        """An answer of the service as botocore tells it."""
        model = self._client.meta.service_model
        parser, shape = create_parser(model.resolved_protocol), model.operation_model("Invoke").output_shape
        answer = {
            "status_code": reply.status,
            "headers": HeadersDict(reply.headers),
            "body": reply.body,
            "context": {"operation_name": "Invoke"},
        }
        try:
            return ClientError(parser.parse(answer, cast(Any, shape)), "Invoke")
        except ValueError:  # a body of something between that is no text: its status is left
            return ClientError(parser.parse({**answer, "body": b""}, cast(Any, shape)), "Invoke")

    def _service_error(self, error: ClientError) -> Answer:
        code = code_of(error)
        meta = error.response.get("ResponseMetadata", {})
        kind = kind_of_error(code, meta.get("HTTPStatusCode", 0))
        if kind is Kind.REFUSED:
            return self._refused(error)
        retry_after = meta.get("HTTPHeaders", {}).get("retry-after", "")
        message = _one_line(error.response.get("Error", {}).get("Message", ""))
        return Answer(kind, code, message, float(retry_after) if retry_after.isdecimal() else None)

    def _refused(self, error: BotoCoreError | ClientError) -> Answer:
        explained = explain(error, f"invoke {self._function}")
        return Answer(Kind.REFUSED, explained.what, explained.next_step)


class _Result(NamedTuple):
    is_error: bool
    body: bytes


def _tries(client: "LambdaClient") -> int | None:
    retries: dict[str, Any] = getattr(client.meta.config, "retries", None) or {}
    return retries.get("total_max_attempts")


def _answer(result: _Result) -> Answer:
    if not result.is_error:
        return Answer(Kind.TAKEN, body=result.body)
    return Answer(Kind.FUNCTION_ERROR, *_function_error(result.body))


class _ErrorBody(msgspec.Struct, rename="camel"):
    error_type: Any = None
    error_message: Any = None


def _function_error(body: bytes) -> tuple[str, str]:
    """Type and message of an error body; a crash or a timeout may carry the message alone."""
    try:
        error = msgspec.json.decode(mend_lone_surrogates(body), type=_ErrorBody)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        error = _ErrorBody()
    return _one_line(error.error_type or "FunctionError"), _one_line(error.error_message or "no message")


def _one_line(message: object) -> str:
    line = " ".join(str(message).split())
    return line if len(line) <= MESSAGE_CHARS else line[: MESSAGE_CHARS - 1] + "…"
