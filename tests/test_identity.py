"""Who runs it: asked of STS, done without where STS does not answer, an error where credentials are to blame."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from moto import mock_aws

from cncbops.aws import Aws, AwsAccess
from cncbops.errors import CannotRun
from cncbops.identity import Identity, whoami
from tests.e2e.far_side import FarSide
from tests.e2e.far_side_s3 import Answer

ACCESS = AwsAccess(region="us-east-1")


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_STS", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))


@pytest.fixture
def far_side() -> Iterator[FarSide]:
    with FarSide() as server:
        yield server


def error(status: int, code: str) -> Answer:
    """An error as STS writes it."""
    body = f"<ErrorResponse><Error><Code>{code}</Code><Message>no</Message></Error></ErrorResponse>"
    return Answer(status, {}, body.encode())


def asked(far_side: FarSide, answer: Answer) -> Identity | None:
    far_side.refuse("POST /", answer)
    return whoami(Aws(AwsAccess(region="us-east-1", endpoint_url=far_side.url)))


def test_the_caller_is_told_by_account_and_arn() -> None:
    with mock_aws():
        assert whoami(Aws(ACCESS)) == Identity("123456789012", "arn:aws:sts::123456789012:user/moto")


def test_with_a_role_the_caller_is_the_role() -> None:
    role_arn = "arn:aws:iam::210987654321:role/recovery"
    with mock_aws():
        found = whoami(Aws(AwsAccess(region="us-east-1", role_arn=role_arn)))
    assert found == Identity("210987654321", "arn:aws:sts::210987654321:assumed-role/recovery/cncbops")


def test_where_nobody_listens_the_caller_is_unknown() -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))  # bound and not listening: connections are refused
        endpoint = f"http://127.0.0.1:{reserved.getsockname()[1]}"
        assert whoami(Aws(AwsAccess(region="us-east-1", endpoint_url=endpoint))) is None


def test_where_no_answer_comes_the_caller_is_unknown_soon() -> None:
    settings = Aws(ACCESS).sts().meta.config
    assert (settings.connect_timeout, settings.read_timeout) == (5, 5)
    assert settings.retries["total_max_attempts"] == 2


@pytest.mark.parametrize(
    "answer",
    [
        error(403, "AccessDenied"),
        error(503, "ServiceUnavailable"),
        error(404, "NoSuchBucket"),
        Answer(404, {}, b"not XML"),
        Answer(200, {}, b"not XML"),
        Answer(200, {}, b""),
    ],
)
def test_where_the_answer_is_of_no_use_the_caller_is_unknown(far_side: FarSide, answer: Answer) -> None:
    assert asked(far_side, answer) is None


@pytest.mark.parametrize(
    ("code", "what"),
    [
        ("ExpiredToken", "credentials have expired"),
        ("InvalidClientTokenId", "does not know these credentials"),
        ("SignatureDoesNotMatch", "does not know these credentials"),
    ],
)
def test_refused_credentials_are_an_error(far_side: FarSide, code: str, what: str) -> None:
    with pytest.raises(CannotRun, match=f"cannot tell who you are to AWS: .*{what}"):
        asked(far_side, error(403, code))


def test_no_credentials_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(CannotRun, match="no usable AWS credentials"):
        whoami(Aws(ACCESS))


def test_a_role_that_may_not_be_assumed_is_an_error(far_side: FarSide) -> None:
    far_side.refuse("POST /", error(403, "AccessDenied"))
    access = AwsAccess(
        region="us-east-1", endpoint_url=far_side.url, role_arn="arn:aws:iam::210987654321:role/recovery"
    )
    with pytest.raises(CannotRun, match="Ask for sts:AssumeRole"):
        whoami(Aws(access))
