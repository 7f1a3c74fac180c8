"""The AWS clients the sandbox is built and watched with, all of one endpoint."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import boto3
import botocore.session
from botocore.config import Config

from cncbops.sandbox.server import REGION

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_firehose import FirehoseClient
    from mypy_boto3_kinesis import KinesisClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_s3 import S3Client

# Read from nowhere, not even from the environment: (file entry, variable, default, conversion).
_UNREAD = dict.fromkeys(("profile", "config_file", "credentials_file"), (None, None, None, None))


@dataclass(frozen=True, slots=True)
class Clients:
    """One client per service; `connect` makes them for a sandbox."""

    kinesis: "KinesisClient"
    firehose: "FirehoseClient"
    s3: "S3Client"
    lambda_: "LambdaClient"
    dynamodb: "DynamoDBClient"
    logs: "CloudWatchLogsClient"


def connect(endpoint_url: str) -> Clients:
    """Make clients for a sandbox which no profile, key or proxy of the user leads elsewhere."""
    session = boto3.Session("test", "test", region_name=REGION, botocore_session=_isolated_session())
    config = Config(proxies={}, s3={"addressing_style": "path"})
    return Clients(
        kinesis=session.client("kinesis", endpoint_url=endpoint_url, config=config),
        firehose=session.client("firehose", endpoint_url=endpoint_url, config=config),
        s3=session.client("s3", endpoint_url=endpoint_url, config=config),
        lambda_=session.client("lambda", endpoint_url=endpoint_url, config=config),
        dynamodb=session.client("dynamodb", endpoint_url=endpoint_url, config=config),
        logs=session.client("logs", endpoint_url=endpoint_url, config=config),
    )


def _isolated_session() -> botocore.session.Session:
    return botocore.session.Session(session_vars=_UNREAD)
