"""What Lambda's on-failure destinations have in common, for streams and asynchronous invocations.

Source: AWS Lambda Developer Guide, "Capturing records of Lambda asynchronous invocations".
"""

from cncbops.faults.fault import Fault, Nothing
from cncbops.faults.hints import Hints
from cncbops.faults.json_text import Fields, elements_in, fields_in, text_in, time_in


def described(fields: Fields, hints: Hints) -> Fault:
    """What the document says beside the unit of work: the function's own error, else Lambda's condition."""
    request, answer = fields_in(fields["requestContext"]), fields_in(fields.get("responsePayload"))
    condition = text_in(request.get("condition"))
    time_ms = time_in(fields.get("timestamp"))
    kind = text_in(fields_in(fields.get("responseContext")).get("functionError"))
    return Fault(
        id=text_in(request.get("requestId")) or hints.id,
        function=text_in(request.get("functionArn")),
        error=text_in(answer.get("errorType")) or condition or kind or "",
        message=text_in(answer.get("errorMessage")) or kind or "",
        stack=_stack(answer),
        pipeline=None,
        event_types=(),
        timestamp_ms=hints.time_ms if time_ms is None else time_ms,
        unit=Nothing("the document holds no invocation"),
    )


def _stack(answer: Fields) -> str | None:
    """Node.js writes `trace`, other runtimes `stackTrace`; some of its lines are lists themselves."""
    lines = elements_in(answer.get("trace")) or elements_in(answer.get("stackTrace"))
    return "\n".join(text_in(line) or bytes(line).decode() for line in lines) or None
