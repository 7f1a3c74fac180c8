"""AWS clients, made in one place.

Credentials, region and endpoint follow botocore's own chain unless the operator says otherwise. boto3 is not needed
for clients, and its import takes as long as botocore's.
"""

from dataclasses import asdict, dataclass, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, NoCredentialsError, NoRegionError, ProfileNotFound
from botocore.loaders import Loader
from botocore.session import Session

from cncbops import __version__
from cncbops.aws_errors import explain
from cncbops.descriptions import Descriptions
from cncbops.errors import BadInput
from cncbops.role import credentials_of

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudfront import CloudFrontClient
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_kinesis import KinesisClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sts import STSClient

_AT_AWS = "amazonaws.com"
CONNECT_TIMEOUT_S = 5
READ_TIMEOUT_S = 30
LOOK_TRIES, LOOK_TIMEOUT_S = 3, 5
"""Of CloudFront. A look hears no stop: one without an answer is given up within half a minute."""
PROBE_TIMEOUT_S, PROBE_TRIES = 1, 3
"""The book's regional health check asks with these."""


@dataclass(frozen=True)
class AwsAccess:
    """How AWS is reached: None leaves the choice to botocore (environment, config files, instance).

    `source_role_arn` is the role under which S3 alone is read, where that is another.
    """

    region: str | None = None
    profile: str | None = None
    role_arn: str | None = None
    endpoint_url: str | None = None
    source_role_arn: str | None = None

    def kept(self) -> dict[str, str | None]:
        """What a ledger keeps of it: a profile is a matter of one machine."""
        return {name: value for name, value in asdict(self).items() if name != "profile"}


class Aws:
    """Makes clients; raises BadInput if there is no such profile."""

    def __init__(self, access: AwsAccess, models: Loader | None = None) -> None:
        """`models` has read descriptions of services already: for many regions they are read once."""
        self.access = access
        self._models = models
        self._s3_is_elsewhere = _AT_AWS not in (access.endpoint_url or _AT_AWS)

    def __reduce__(self) -> "tuple[type[Aws], tuple[AwsAccess]]":
        """Another process has a session of its own."""
        return Aws, (self.access,)

    @cached_property
    def _core(self) -> Session:
        """The session before any role."""
        session = Session(profile=self.access.profile)
        try:
            session.get_scoped_config()
        except ProfileNotFound as error:
            raise explain(error, "use the profile") from error
        models = self._models or Descriptions(session.get_component("data_loader").search_paths)
        return _in_region(session, self.access.region, models)

    @cached_property
    def _session(self) -> Session:
        return self._with_role(self._core, self.access.role_arn) if self.access.role_arn else self._core

    @cached_property
    def _source_session(self) -> Session:
        role_arn = self.access.source_role_arn
        return self._with_role(self._core, role_arn) if role_arn else self._session

    def _with_role(self, session: Session, role_arn: str) -> Session:
        """A session whose credentials are the role's, renewed for as long as a run lasts."""
        source = session.get_credentials()
        if source is None:
            raise explain(NoCredentialsError(), "assume the role")
        impatient = Config(**{**_DEFAULTS, **_IMPATIENT})
        client = partial(session.create_client, endpoint_url=self.access.endpoint_url, config=impatient)
        with_role = _in_region(Session(), session.get_config_variable("region"), session.get_component("data_loader"))
        with_role._credentials = credentials_of(role_arn, source, client, "cncbops")  # type: ignore[attr-defined]
        return with_role

    def in_region(self, region: str | None) -> "Aws":
        """The same access in another region, whose STS gives the role there; None is the region in force."""
        if region is None:
            return self
        return Aws(replace(self.access, region=region), self._core.get_component("data_loader"))

    def require_credentials(self) -> None:
        """Look for credentials, which may ask other machines or programs. Raises BotoCoreError, CncbopsError."""
        if self._session.get_credentials() is None:
            raise NoCredentialsError

    @property
    def region(self) -> str:
        """The region in force, found without credentials. Raises BadInput if none is set."""
        if not self.known_region:
            raise explain(NoRegionError(), "call AWS")
        return self.known_region

    @property
    def known_region(self) -> str | None:
        """The same, None if none is set."""
        region: str | None = self.access.region or self._core.get_config_variable("region")
        return region

    @cached_property
    def endpoint(self) -> str | None:
        """Where Lambda is, if not at AWS itself."""
        url = self.lambda_().meta.endpoint_url
        return None if _AT_AWS in url else url

    def s3(self, pool: int = 16) -> "S3Client":
        """A client for listing and reading; emulators and private endpoints get path-style URLs."""
        client: S3Client = self._s3(max_pool_connections=pool)
        return client

    def lambda_(self, *, pool: int = 4, read_timeout_s: float = READ_TIMEOUT_S, once: bool = False) -> "LambdaClient":
        """A Lambda client. `once` turns the SDK's retries off, as invocations need it."""
        retries = _ONCE if once else _RETRIES
        client: LambdaClient = self._client(
            "lambda", max_pool_connections=pool, read_timeout=read_timeout_s, retries=retries
        )
        return client

    def kinesis(self) -> "KinesisClient":
        """A Kinesis client."""
        client: KinesisClient = self._client("kinesis")
        return client

    def cloudwatch(self) -> "CloudWatchClient":
        """A CloudWatch client that gives up soon: what it reads is asked again and again."""
        client: CloudWatchClient = self._client("cloudwatch", **_IMPATIENT)
        return client

    def sqs(self) -> "SQSClient":
        """An SQS client for a queue that is received from and kept hidden: a call that hangs is soon made again."""
        client: SQSClient = self._client("sqs", max_pool_connections=16, read_timeout=10)
        return client

    def cloudfront(self, *, tries: int = LOOK_TRIES, read_timeout_s: float = LOOK_TIMEOUT_S) -> "CloudFrontClient":
        """A CloudFront client, to look things up; fewer `tries` are for calls that are made again by their caller."""
        retries = {"mode": "standard", "total_max_attempts": tries}
        client: CloudFrontClient = self._client("cloudfront", read_timeout=read_timeout_s, retries=retries)
        return client

    def cloudformation(self) -> "CloudFormationClient":
        """A CloudFormation client that gives up soon: it is asked for names in an incident."""
        client: CloudFormationClient = self._client("cloudformation", max_pool_connections=16, **_IMPATIENT)
        return client

    def probing(self, service: str) -> Any:
        """A client that takes the pulse of a service: one second for an answer, three tries."""
        make = self._s3 if service == "s3" else partial(self._client, service)
        return make(max_pool_connections=32, **_PROBING)

    def hasty(self, service: str) -> Any:
        """A client for somebody who is typing: a second for an answer, one try."""
        make = self._s3 if service == "s3" else partial(self._client, service)
        return make(**_HASTY)

    def sts(self) -> "STSClient":
        """An STS client that gives up soon: a run can do without its answer."""
        client: STSClient = self._client("sts", **_IMPATIENT)
        return client

    def _s3(self, **settings: Any) -> Any:
        if not self._s3_is_elsewhere:
            client = self._client("s3", **settings)
            if _AT_AWS in client.meta.endpoint_url:
                return client
            self._s3_is_elsewhere = True  # as the environment or a profile says: botocore alone knows all their places
        return self._client("s3", **settings, s3={"addressing_style": "path"})

    def _client(self, service: str, **settings: Any) -> Any:
        config = Config(**{**_DEFAULTS, **settings})
        try:
            session = self._source_session if service == "s3" else self._session
            return session.create_client(service, endpoint_url=self.access.endpoint_url, config=config)
        except BotoCoreError as error:
            raise explain(error, f"call {service}") from error
        except ValueError as error:
            raise BadInput(str(error), "Give an endpoint such as http://127.0.0.1:4566") from error


def _in_region(session: Session, region: str | None, models: Loader) -> Session:
    if region:
        session.set_config_variable("region", region)
    # The old global STS is in us-east-1: a role elsewhere must not hang on it.
    session.set_config_variable("sts_regional_endpoints", "regional")
    session.register_component("data_loader", models)
    return session


_RETRIES = {"mode": "standard", "total_max_attempts": 4}
_ONCE = {"total_max_attempts": 1}
_DEFAULTS: dict[str, Any] = {
    "connect_timeout": CONNECT_TIMEOUT_S,
    "read_timeout": READ_TIMEOUT_S,
    "retries": _RETRIES,
    "tcp_keepalive": True,
    "user_agent_extra": f"cncbops/{__version__}",
}

_IMPATIENT: dict[str, Any] = {"read_timeout": 5, "retries": {"mode": "standard", "total_max_attempts": 2}}
_HASTY: dict[str, Any] = {"connect_timeout": 1, "read_timeout": 1, "retries": _ONCE}
_PROBING: dict[str, Any] = {
    "connect_timeout": PROBE_TIMEOUT_S,
    "read_timeout": PROBE_TIMEOUT_S,
    "retries": {"mode": "standard", "total_max_attempts": PROBE_TRIES},
}
