"""AWS's errors in words: what failed, and what to do next; and what they say of who asks."""

from urllib.parse import urlsplit

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    CredentialRetrievalError,
    EndpointConnectionError,
    NoCredentialsError,
    NoRegionError,
    ParamValidationError,
    PartialCredentialsError,
    ProfileNotFound,
    ReadTimeoutError,
    SSOError,
)
from botocore.session import Session

from cncbops.errors import BadInput, CannotRun, CncbopsError
from cncbops.role import NotGiven

_LOG_IN = "Log in again (for example `aws sso login`), or choose credentials with --profile"
_EXPIRED = {"ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"}
_INVALID = {
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "InvalidToken",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
}
_DENIED = {
    "403",
    "AccessDenied",
    "AccessDeniedException",
    "AllAccessDisabled",
    "Forbidden",
    "UnauthorizedOperation",
}
_ELSEWHERE = {
    "301",
    "AuthorizationHeaderMalformed",
    "IllegalLocationConstraintException",
    "PermanentRedirect",
}
_ACTIONS = {
    "AssumeRole": "sts:AssumeRole",
    "CreateInvalidation": "cloudfront:CreateInvalidation",
    "ChangeMessageVisibilityBatch": "sqs:ChangeMessageVisibility",
    "DeleteMessageBatch": "sqs:DeleteMessage",
    "DescribeAlarms": "cloudwatch:DescribeAlarms",
    "DescribeGlobalTable": "dynamodb:DescribeGlobalTable",
    "DescribeStackResource": "cloudformation:DescribeStackResource",
    "DescribeStacks": "cloudformation:DescribeStacks",
    "DescribeStreamSummary": "kinesis:DescribeStreamSummary",
    "DescribeTable": "dynamodb:DescribeTable",
    "GetDistribution": "cloudfront:GetDistribution",
    "GetFunctionConfiguration": "lambda:GetFunctionConfiguration",
    "GetHealthCheck": "route53:GetHealthCheck",
    "GetHealthCheckStatus": "route53:GetHealthCheckStatus",
    "GetInvalidation": "cloudfront:GetInvalidation",
    "GetItem": "dynamodb:GetItem",
    "GetMetricData": "cloudwatch:GetMetricData",
    "GetObject": "s3:GetObject",
    "GetQueueAttributes": "sqs:GetQueueAttributes",
    "GetQueueUrl": "sqs:GetQueueUrl",
    "HeadObject": "s3:GetObject",
    "Invoke": "lambda:InvokeFunction",
    "ListDistributions": "cloudfront:ListDistributions",
    "ListInvalidations": "cloudfront:ListInvalidations",
    "ListObjectsV2": "s3:ListBucket",
    "PutItem": "dynamodb:PutItem",
    "ReceiveMessage": "sqs:ReceiveMessage",
    "UpdateFunctionConfiguration": "lambda:UpdateFunctionConfiguration",
}
"""The IAM action behind an operation, where it goes by another name or needs its service."""
_MISSING = {
    "404",
    "AWS.SimpleQueueService.NonExistentQueue",
    "GlobalTableNotFoundException",
    "NoSuchBucket",
    "NoSuchDistribution",
    "NoSuchHealthCheck",
    "NoSuchInvalidation",
    "NoSuchKey",
    "QueueDoesNotExist",
    "ResourceNotFoundException",
}


def explain(error: BotoCoreError | ClientError, doing: str) -> CncbopsError:
    """An AWS error as one line and a next step; `doing` completes "cannot …"."""
    if isinstance(error, ClientError):
        return _explain_answer(error, doing)
    return _explain_local(error, doing)


def blames_credentials(error: ClientError) -> bool:
    """Whether AWS refused who asks, not what was asked: no other call would fare better."""
    return error.operation_name == "AssumeRole" or code_of(error) in _EXPIRED | _INVALID


def says_missing(error: ClientError) -> bool:
    """Whether AWS says that what was asked for does not exist."""
    return code_of(error) in _MISSING


def denies(error: BotoCoreError | ClientError) -> bool:
    """Whether AWS knows who asks, and does not allow it."""
    return code_of(error) in _DENIED


def code_of(error: Exception) -> str:
    """What AWS calls an error; nothing where it is none of AWS's."""
    return error.response.get("Error", {}).get("Code", "") if isinstance(error, ClientError) else ""


def _asked_for(operation: str) -> str:
    """What to do where an operation is denied."""
    other_way = "in the role's trust policy, too" if operation == "AssumeRole" else "or use --role-arn"
    return f"Ask for {_ACTIONS.get(operation, operation)}, {other_way}"


def _explain_answer(error: ClientError, doing: str) -> CncbopsError:
    code = code_of(error)
    message = " ".join(error.response.get("Error", {}).get("Message", "").split())[:300]
    cannot = f"cannot {doing}"
    if code in _EXPIRED:
        return CannotRun(f"{cannot}: the AWS credentials have expired", _LOG_IN)
    if code in _INVALID:
        return CannotRun(f"{cannot}: AWS does not know these credentials ({code})", _LOG_IN)
    if code in _DENIED:
        return CannotRun(f"{cannot}: access denied", _asked_for(error.operation_name))
    if code in _ELSEWHERE:
        return CannotRun(f"{cannot}: it is in another region", "Give its region with --region")
    if code in _MISSING:
        return CannotRun(f"{cannot}: it does not exist", "Check the name, and the account and region in use")
    return CannotRun(f"{cannot}: {code}: {message}", "Run it again with -v to see the whole error")


def _explain_local(error: BotoCoreError, doing: str) -> CncbopsError:
    cannot = f"cannot {doing}"
    match error:
        case NoRegionError():
            return BadInput(f"{cannot}: no AWS region is set", "Give --region, or set AWS_REGION")
        case ProfileNotFound():
            profiles = ", ".join(Session().available_profiles) or "none"
            return BadInput(f"{cannot}: {_one_line(error)}", f"Choose one that exists: {profiles}")
        case NoCredentialsError() | PartialCredentialsError() | CredentialRetrievalError() | SSOError():
            return CannotRun(f"{cannot}: no usable AWS credentials", _LOG_IN)
        case NotGiven():
            next_step = "Check --endpoint-url and what the environment says of it: is STS there? And check the clock"
            return CannotRun(f"{cannot}: {_one_line(error)}", next_step)
        case EndpointConnectionError() | ConnectTimeoutError():
            return CannotRun(f"{cannot}: {_host(error)} cannot be reached", "Check network, --endpoint-url, --region")
        case ReadTimeoutError():
            return CannotRun(f"{cannot}: {_host(error)} does not answer", "Try again, or check --endpoint-url")
        case ParamValidationError():
            return BadInput(f"{cannot}: {_one_line(error)}", "Check the name")
        case _:
            return CannotRun(f"{cannot}: {_one_line(error)}", "Run it again with -v to see the whole error")


def _host(error: BotoCoreError) -> str:
    """Whom an error of the network is about, without the path and what may stand in it."""
    url = urlsplit(str(error.kwargs.get("endpoint_url", "")))
    port = f":{url.port}" if url.port else ""
    return f"{url.scheme}://{url.hostname}{port}" if url.hostname else "the endpoint"


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:300]
