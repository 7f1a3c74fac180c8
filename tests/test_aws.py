"""Clients, and what AWS's errors are in words: one line, and what to do next."""

import inspect
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from botocore import exceptions
from botocore.exceptions import BotoCoreError, ClientError
from moto import mock_aws

from cncbops.aws import READ_TIMEOUT_S, Aws, AwsAccess
from cncbops.aws_errors import explain
from cncbops.errors import BadInput, CannotRun, CncbopsError
from tests.e2e.far_side import FarSide, throttled
from tests.e2e.far_side_health import HANG_UP, HealthSide


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing of the machine's own settings of AWS, but credentials."""
    for name in ("AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    (tmp_path / "config").write_text("[profile ops]\nregion = eu-west-1\n[profile home]\n")


@pytest.fixture
def account() -> Iterator[None]:
    with mock_aws():
        yield


def answer(code: str, operation: str = "GetObject", message: str = "said\nAWS") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, operation)


def told(error: BotoCoreError | ClientError) -> CncbopsError:
    """The explanation, which is always one line and a next step."""
    found = explain(error, "read s3://lake/key")
    assert found.what.startswith("cannot read s3://lake/key: ")
    assert len(str(found).splitlines()) == 1
    assert found.next_step
    assert not found.next_step.endswith(".")
    return found


@pytest.mark.parametrize(
    ("error", "what", "next_step"),
    [
        (answer("ExpiredToken"), "credentials have expired", "Log in again"),
        (answer("RequestExpired"), "credentials have expired", "Log in again"),
        (answer("InvalidAccessKeyId"), "does not know these credentials (InvalidAccessKeyId)", "Log in again"),
        (answer("SignatureDoesNotMatch"), "does not know these credentials", "Log in again"),
        (answer("AccessDenied"), "access denied", "Ask for s3:GetObject, or use --role-arn"),
        (answer("403", "HeadObject"), "access denied", "Ask for s3:GetObject"),
        (answer("AccessDenied", "ListObjectsV2"), "access denied", "Ask for s3:ListBucket"),
        (answer("AccessDeniedException", "Invoke"), "access denied", "Ask for lambda:InvokeFunction"),
        (answer("AccessDenied", "AssumeRole"), "access denied", "Ask for sts:AssumeRole"),
        (answer("PermanentRedirect"), "it is in another region", "Give its region with --region"),
        (answer("NoSuchBucket"), "it does not exist", "Check the name"),
        (answer("404", "HeadObject"), "it does not exist", "Check the name"),
        (answer("SlowDown"), "SlowDown: said AWS", "with -v"),
        (answer("", message="x" * 5000), "x" * 300, "with -v"),
        (exceptions.EndpointConnectionError(endpoint_url="http://127.0.0.1:9/p?q"), "http://127.0.0.1:9", "network"),
        (exceptions.ConnectTimeoutError(endpoint_url="https://s3.amazonaws.com/"), "cannot be reached", "network"),
        (exceptions.ReadTimeoutError(endpoint_url="https://s3.amazonaws.com/"), "does not answer", "Try again"),
        (exceptions.NoCredentialsError(), "no usable AWS credentials", "Log in again"),
        (exceptions.PartialCredentialsError(provider="env", cred_var="x"), "no usable AWS credentials", "Log in"),
        (exceptions.CredentialRetrievalError(provider="sso", error_msg="x"), "no usable AWS credentials", "Log in"),
        (exceptions.UnauthorizedSSOTokenError(), "no usable AWS credentials", "aws sso login"),
        (exceptions.IncompleteReadError(actual_bytes=1, expected_bytes=2), "1 read, but total bytes", "with -v"),
    ],
)
def test_an_error_is_explained(error: BotoCoreError | ClientError, what: str, next_step: str) -> None:
    found = told(error)
    assert isinstance(found, CannotRun)
    assert what in found.what
    assert next_step in found.next_step


@pytest.mark.parametrize(
    ("error", "what", "next_step"),
    [
        (exceptions.NoRegionError(), "no AWS region is set", "Give --region"),
        (exceptions.ProfileNotFound(profile="x"), "(x) could not be found", "ops, home"),
        (exceptions.ParamValidationError(report="bad\nname"), "bad name", "Check the name"),
    ],
)
def test_what_was_typed_wrong_is_bad_input(error: BotoCoreError, what: str, next_step: str) -> None:
    found = told(error)
    assert isinstance(found, BadInput)
    assert what in found.what
    assert next_step in found.next_step


def test_every_error_of_the_sdk_has_an_explanation() -> None:
    for kind in vars(exceptions).values():
        if inspect.isclass(kind) and issubclass(kind, BotoCoreError):
            error = kind.__new__(kind)
            Exception.__init__(error, "a message")
            error.kwargs = {}
            assert told(error).next_step


def test_the_url_of_an_error_is_told_without_its_path() -> None:
    error = exceptions.EndpointConnectionError(endpoint_url="https://fn.example.com/2015/secret?token=s3cr3t")
    assert "s3cr3t" not in str(told(error))


def test_a_profile_brings_its_region_and_an_option_comes_before_it() -> None:
    assert Aws(AwsAccess(profile="ops")).region == "eu-west-1"
    assert Aws(AwsAccess(profile="ops", region="us-east-1")).region == "us-east-1"
    assert Aws(AwsAccess(profile="ops")).in_region("sa-east-1").region == "sa-east-1"


def test_no_region_is_bad_input() -> None:
    with pytest.raises(BadInput, match="no AWS region is set"):
        _ = Aws(AwsAccess()).region
    with pytest.raises(BadInput, match="no AWS region is set"):
        Aws(AwsAccess()).lambda_()


def test_a_profile_that_does_not_exist_is_bad_input_with_those_that_do() -> None:
    with pytest.raises(BadInput, match=r"Choose one that exists: .*ops"):
        Aws(AwsAccess(profile="nobody")).lambda_()


@pytest.mark.parametrize("url", ["127.0.0.1:4566", "no url", "http://"])
def test_an_endpoint_that_is_no_url_is_bad_input(url: str) -> None:
    with pytest.raises(BadInput, match="Give an endpoint such as"):
        Aws(AwsAccess(region="us-east-1", endpoint_url=url)).lambda_()


def test_s3_is_addressed_by_path_except_at_aws() -> None:
    assert Aws(AwsAccess(region="us-east-1")).s3().meta.config.s3 is None
    elsewhere = Aws(AwsAccess(region="us-east-1", endpoint_url="http://127.0.0.1:4566")).s3()
    assert elsewhere.meta.config.s3 == {"addressing_style": "path"}


def test_s3_is_addressed_by_path_where_the_environment_names_the_endpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:4566")
    aws = Aws(AwsAccess(region="us-east-1"))
    first, second = aws.s3(), aws.s3()
    assert first.meta.config.s3 == second.meta.config.s3 == {"addressing_style": "path"}


def test_a_client_for_invocations_never_repeats_a_request() -> None:
    with FarSide() as server:
        server.add_function("fn", refuse=throttled())
        client = Aws(AwsAccess(region="us-east-1", endpoint_url=server.url)).lambda_(once=True, read_timeout_s=905)
        with pytest.raises(ClientError):
            client.invoke(FunctionName="fn")
        assert len(server.invocations) == 1
    assert client.meta.config.read_timeout == 905
    assert Aws(AwsAccess(region="us-east-1")).lambda_().meta.config.read_timeout == READ_TIMEOUT_S


def test_who_looks_at_cloudfront_gives_up_soon() -> None:
    aws = Aws(AwsAccess(region="us-east-1"))
    looks, creates = (client.meta.config for client in (aws.cloudfront(), aws.cloudfront(tries=1, read_timeout_s=10)))
    assert looks.retries["total_max_attempts"] * (looks.connect_timeout + looks.read_timeout) <= 30
    assert (creates.retries["total_max_attempts"], creates.read_timeout) == (1, 10)


def test_pools_are_as_large_as_asked() -> None:
    aws = Aws(AwsAccess(region="us-east-1"))
    assert aws.lambda_(pool=64).meta.config.max_pool_connections == 64
    assert aws.s3(5).meta.config.max_pool_connections == 5


@pytest.mark.usefixtures("account")
def test_a_role_is_assumed_for_every_client() -> None:
    role_arn = "arn:aws:iam::210987654321:role/recovery"
    kinesis = Aws(AwsAccess(region="us-east-1", role_arn=role_arn)).kinesis()
    kinesis.create_stream(StreamName="s1", ShardCount=1)
    assert ":210987654321:" in kinesis.describe_stream_summary(StreamName="s1")["StreamDescriptionSummary"]["StreamARN"]
    assert boto3.client("kinesis", region_name="us-east-1").list_streams()["StreamNames"] == []


def test_a_role_that_is_not_given_is_given_up_soon() -> None:
    role_arn = "arn:aws:iam::210987654321:role/recovery"
    with HealthSide() as server:
        server.on("sts", HANG_UP)
        aws = Aws(AwsAccess(region="us-east-1", role_arn=role_arn, endpoint_url=server.url))
        with pytest.raises(BotoCoreError):
            aws.kinesis().list_streams()
        assert server.count("sts.AssumeRole") == 2


def test_another_region_has_the_same_access_and_need_not_read_descriptions_again(account: None) -> None:
    here = Aws(AwsAccess(region="us-east-1", profile="ops"))
    there = here.in_region("us-west-2")
    assert (there.region, there.access.profile) == ("us-west-2", "ops")
    assert here.in_region(None) is here
    clients = [aws.probing("dynamodb") for aws in (here, there)]
    assert [client.meta.region_name for client in clients] == ["us-east-1", "us-west-2"]
    models = [client.meta.service_model._service_description for client in clients]
    assert models[0] is models[1]


def test_a_probing_client_gives_up_soon(account: None) -> None:
    config = Aws(AwsAccess(region="us-east-1")).probing("kinesis").meta.config
    assert (config.connect_timeout, config.read_timeout) == (1, 1)
    assert config.retries["total_max_attempts"] == 3


def test_sts_is_that_of_the_region_whatever_the_machine_is_set_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_STS_REGIONAL_ENDPOINTS", "legacy")
    east = Aws(AwsAccess(region="us-east-1"))
    for aws in (east, east.in_region("us-west-2")):
        assert aws.sts().meta.endpoint_url == f"https://sts.{aws.region}.amazonaws.com"
