"""What each answer of Lambda means for the records in the invocation."""

import botocore.session
import pytest

from cncbops.delivery.answers import Kind, kind_of_error


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        ("TooManyRequestsException", 429, Kind.THROTTLED),
        ("ThrottlingException", 400, Kind.THROTTLED),
        ("EC2ThrottledException", 502, Kind.THROTTLED),
        ("", 429, Kind.THROTTLED),
        ("429", 429, Kind.THROTTLED),
        ("ServiceException", 500, Kind.TRANSIENT),
        ("EC2UnexpectedException", 502, Kind.TRANSIENT),
        ("SnapStartTimeoutException", 408, Kind.TRANSIENT),
        ("EFSIOException", 410, Kind.TRANSIENT),
        ("500", 500, Kind.TRANSIENT),
        ("503", 503, Kind.TRANSIENT),
        ("ServiceUnavailable", 503, Kind.TRANSIENT),
        ("ResourceNotReadyException", 502, Kind.NOT_READY),
        ("ENILimitReachedException", 502, Kind.NOT_READY),
        ("ResourceConflictException", 409, Kind.NOT_READY),
        ("SnapStartNotReadyException", 409, Kind.NOT_READY),
        ("RequestTooLargeException", 413, Kind.TOO_LARGE),
        ("SerializedRequestEntityTooLargeException", 413, Kind.TOO_LARGE),
        ("413", 413, Kind.TOO_LARGE),
        ("InvalidRequestContentException", 400, Kind.REJECTED),
        ("DurableExecutionAlreadyStartedException", 409, Kind.REJECTED),
        ("502", 502, Kind.UNKNOWN),
        ("504", 504, Kind.UNKNOWN),
        ("", 502, Kind.UNKNOWN),
        ("Bad Gateway", 502, Kind.UNKNOWN),
        ("KMSAccessDeniedException", 502, Kind.REFUSED),
        ("InvalidZipFileException", 502, Kind.REFUSED),
        ("EFSMountFailureException", 403, Kind.REFUSED),
        ("RecursiveInvocationException", 400, Kind.REFUSED),
        ("ResourceNotFoundException", 404, Kind.REFUSED),
        ("AccessDeniedException", 403, Kind.REFUSED),
        ("ExpiredTokenException", 403, Kind.REFUSED),
        ("UnrecognizedClientException", 403, Kind.REFUSED),
        ("InvalidSignatureException", 403, Kind.REFUSED),
        ("", 400, Kind.REFUSED),
        ("", 0, Kind.REFUSED),
    ],
)
def test_an_error_is_sorted_by_its_code_else_by_its_status(code: str, status: int, kind: Kind) -> None:
    assert kind_of_error(code, status) is kind


def test_every_error_that_the_service_model_knows_has_a_definite_kind() -> None:
    model = botocore.session.get_session().get_service_model("lambda")
    for shape in model.operation_model("Invoke").error_shapes:
        status = shape.metadata.get("error", {}).get("httpStatusCode", 500)
        assert kind_of_error(shape.name, status) not in (Kind.TAKEN, Kind.UNKNOWN, Kind.UNREACHABLE), shape.name
