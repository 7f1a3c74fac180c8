"""What Lambda answers to an invocation, sorted by what it means for the records in it.

Source: AWS Lambda API Reference, "Invoke". The service model flags none of these errors as retryable; which ones are is
judged from their descriptions.
"""

from enum import Enum

from msgspec import Struct


class Kind(Enum):
    """The fates an invocation can meet."""

    TAKEN = "taken"  # it returned without a function error, or was queued
    FUNCTION_ERROR = "function error"
    THROTTLED = "throttled"
    NOT_READY = "not ready"  # the function is being updated or woken: wait
    TRANSIENT = "transient"  # the service failed before the function ran
    UNREACHABLE = "unreachable"  # no connection: nothing was sent
    TOO_LARGE = "too large"
    REJECTED = "rejected"  # this payload will never be taken
    REFUSED = "refused"  # no payload will be taken: the run has to stop
    UNKNOWN = "unknown"  # sent, and the answer lost: the function may have run


MAY_HAVE_RUN = (Kind.TAKEN, Kind.FUNCTION_ERROR, Kind.UNKNOWN)
"""Answers after which the function has, or may have, seen the records."""


class Answer(Struct, frozen=True):
    """One answer. `error` and `message` are for people, and for REFUSED what the run's error
    says: what failed, and what to do next. `body` is the function's result as sent."""

    kind: Kind
    error: str = ""
    message: str = ""
    retry_after_s: float | None = None
    body: bytes = b""


_KIND_OF_CODE = {
    "TooManyRequestsException": Kind.THROTTLED,
    "ThrottlingException": Kind.THROTTLED,
    "Throttling": Kind.THROTTLED,
    "RequestLimitExceeded": Kind.THROTTLED,
    "EC2ThrottledException": Kind.THROTTLED,
    "ServiceException": Kind.TRANSIENT,
    "EC2UnexpectedException": Kind.TRANSIENT,
    "SnapStartTimeoutException": Kind.TRANSIENT,
    "EFSMountConnectivityException": Kind.TRANSIENT,
    "EFSMountTimeoutException": Kind.TRANSIENT,
    "EFSIOException": Kind.TRANSIENT,
    "S3FilesMountConnectivityException": Kind.TRANSIENT,
    "S3FilesMountTimeoutException": Kind.TRANSIENT,
    "ResourceNotReadyException": Kind.NOT_READY,
    "SubnetIPAddressLimitReachedException": Kind.NOT_READY,
    "ENILimitReachedException": Kind.NOT_READY,
    "ResourceConflictException": Kind.NOT_READY,
    "SnapStartNotReadyException": Kind.NOT_READY,
    "RequestTooLargeException": Kind.TOO_LARGE,
    "SerializedRequestEntityTooLargeException": Kind.TOO_LARGE,
    "InvalidRequestContentException": Kind.REJECTED,
    "UnsupportedMediaTypeException": Kind.REJECTED,
    "DurableExecutionAlreadyStartedException": Kind.REJECTED,
}

GATEWAY_STATUSES = (502, 504)
"""Without an error code of Lambda's these come from something between: the function may have run."""


def kind_of_error(code: str, status: int) -> Kind:
    """The kind of a service error, by its code, else by its HTTP status."""
    if code in _KIND_OF_CODE:
        return _KIND_OF_CODE[code]
    if code.endswith("Exception") and status < 500:
        return Kind.REFUSED
    if status == 413:
        return Kind.TOO_LARGE
    if status == 429:
        return Kind.THROTTLED
    if status in GATEWAY_STATUSES and not code.endswith("Exception"):
        return Kind.UNKNOWN
    if status in (500, 503):
        return Kind.TRANSIENT
    return Kind.REFUSED
