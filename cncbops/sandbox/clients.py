"""The AWS clients the sandbox is built and watched with, all of one endpoint."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import boto3
import botocore.session
from botocore.config import Config

from cncbops.sandbox.server import REGION

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudfront import CloudFrontClient
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_firehose import FirehoseClient
    from mypy_boto3_kinesis import KinesisClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_route53 import Route53Client
    from mypy_boto3_s3 import S3Client

# Read from nowhere, not even from the environment: (file entry, variable, default, conversion).
_UNREAD = dict.fromkeys(("profile", "config_file", "credentials_file"), (None, None, None, None))


@dataclass(frozen=True, slots=True)
class Clients:
    """One client per service, of one region; `connect` makes them for a sandbox."""

    session: boto3.Session
    endpoint_url: str
    region: str
    kinesis: "KinesisClient"
    firehose: "FirehoseClient"
    s3: "S3Client"
    lambda_: "LambdaClient"
    dynamodb: "DynamoDBClient"
    cloudformation: "CloudFormationClient"
    cloudwatch: "CloudWatchClient"
    cloudfront: "CloudFrontClient"
    route53: "Route53Client"

    def of(self, region: str) -> "Clients":
        """The same for another region. What the session has read of the services is not read again."""
        return _made(self.session, self.endpoint_url, region)


def connect(endpoint_url: str, region: str = REGION) -> Clients:
    """Make clients for a sandbox which no profile, key or proxy of the user leads elsewhere."""
    session = boto3.Session("test", "test", region_name=region, botocore_session=_isolated_session())
    return _made(session, endpoint_url, region)


def _made(session: boto3.Session, url: str, region: str) -> Clients:
    config = Config(region_name=region, proxies={}, s3={"addressing_style": "path"})
    return Clients(
        session=session,
        endpoint_url=url,
        region=region,
        kinesis=session.client("kinesis", endpoint_url=url, config=config),
        firehose=session.client("firehose", endpoint_url=url, config=config),
        s3=session.client("s3", endpoint_url=url, config=config),
        lambda_=session.client("lambda", endpoint_url=url, config=config),
        dynamodb=session.client("dynamodb", endpoint_url=url, config=config),
        cloudformation=session.client("cloudformation", endpoint_url=url, config=config),
        cloudwatch=session.client("cloudwatch", endpoint_url=url, config=config),
        cloudfront=session.client("cloudfront", endpoint_url=url, config=config),
        route53=session.client("route53", endpoint_url=url, config=config),
    )


def _isolated_session() -> botocore.session.Session:
    return botocore.session.Session(session_vars=_UNREAD)
