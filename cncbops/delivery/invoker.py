"""One invocation, made once: the SDK's own retries are off.

botocore takes a read timeout for a passing fault and sends the request again while the first
invocation still runs. So the client waits longer than the function may, and every retry is ours.
"""

from typing import TYPE_CHECKING, Any

import msgspec
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

from cncbops.aws import explain
from cncbops.delivery.answers import Answer, Kind, kind_of_error
from cncbops.formats.event import mend_lone_surrogates

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_lambda.type_defs import InvocationResponseTypeDef

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

    def invoke(self, payload: bytes, *, asynchronous: bool) -> Answer:
        """Send one payload and say what became of it; raises nothing that an invocation can meet."""
        try:
            return _answer(
                self._client.invoke(
                    InvocationType="Event" if asynchronous else "RequestResponse", Payload=payload, **self._address
                )
            )
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

    def _service_error(self, error: ClientError) -> Answer:
        code = error.response.get("Error", {}).get("Code", "")
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


def _answer(response: "InvocationResponseTypeDef") -> Answer:
    body = response["Payload"].read()
    if not response.get("FunctionError"):
        return Answer(Kind.TAKEN, body=body)
    return Answer(Kind.FUNCTION_ERROR, *_function_error(body))


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
