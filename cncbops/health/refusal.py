"""What is found where AWS refuses to answer, or does not answer at all."""

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ReadTimeoutError,
)
from botocore.parsers import ResponseParserError

from cncbops.aws import PROBE_TIMEOUT_S, PROBE_TRIES
from cncbops.aws_errors import blames_credentials, denies, explain, says_missing
from cncbops.errors import CncbopsError
from cncbops.health.finding import Finding, Status

REFUSALS = (BotoCoreError, ClientError, ResponseParserError, CncbopsError)
"""What asking AWS raises without being a defect of ours."""

Refusal = BotoCoreError | ClientError | ResponseParserError | CncbopsError

_DOING = "look"


def refused(subject: str, error: Refusal) -> Finding:
    """Nothing is known of what could not be looked at, but that it fails where AWS says that it does not exist."""
    missing = isinstance(error, ClientError) and says_missing(error)
    return Finding(subject, Status.fail if missing else Status.unknown, reason_of(error))


def reason_of(error: Refusal) -> str:
    """Why AWS did not tell, in one line."""
    match error:
        case ReadTimeoutError():
            return f"no answer within {PROBE_TIMEOUT_S} s, {PROBE_TRIES} tries"
        case ConnectTimeoutError() | EndpointConnectionError():
            return f"cannot be reached, {PROBE_TRIES} tries"
        case ResponseParserError():
            return "what answers is not AWS"
        case CncbopsError():
            return str(error)
        case _:
            return _explained(error)


def _explained(error: BotoCoreError | ClientError) -> str:
    explained = explain(error, _DOING)
    what = explained.what.removeprefix(f"cannot {_DOING}: ")
    helps = denies(error) or (isinstance(error, ClientError) and blames_credentials(error))
    return f"{what}. {explained.next_step}" if helps else what
