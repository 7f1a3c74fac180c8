"""Who a run is done as, for the record."""

from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as NotConnected
from botocore.parsers import ResponseParserError
from msgspec import Struct

from cncbops.aws import Aws
from cncbops.aws_errors import blames_credentials, explain


class Identity(Struct, frozen=True):
    """Account and ARN of the caller, as STS names them."""

    account: str
    arn: str


def whoami(aws: Aws) -> Identity | None:
    """The caller, or None where STS does not say: a private network without its endpoint, an emulator.

    Raises CncbopsError where credentials are missing, expired or refused: no other call would succeed.
    """
    try:
        found = aws.sts().get_caller_identity()
    except ClientError as error:
        if blames_credentials(error):
            raise explain(error, _DOING) from error
        return None
    except (NotConnected, HTTPClientError, ResponseParserError):
        return None
    except BotoCoreError as error:
        raise explain(error, _DOING) from error
    return Identity(found["Account"], found["Arn"])


_DOING = "tell who you are to AWS"
