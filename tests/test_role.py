"""What answers to AssumeRole may be no STS: that is one error of AWS, and the next time it is asked anew."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from cncbops.aws import Aws, AwsAccess
from cncbops.aws_errors import explain
from cncbops.errors import CannotRun
from cncbops.role import NotGiven
from tests.e2e.far_side_health import HealthSide, Refusal
from tests.e2e.far_side_s3 import Answer

ROLE = "arn:aws:iam::210987654321:role/recovery"
SECRET = "wJalrXUtnFEMI"


def answered(inside: str) -> Answer:
    body = f"<AssumeRoleResponse><AssumeRoleResult>{inside}</AssumeRoleResult></AssumeRoleResponse>"
    return Answer(200, {"Content-Type": "text/xml"}, body.encode())


def given(expiration: str, more: str = "<SessionToken>t</SessionToken>") -> Answer:
    keys = f"<AccessKeyId>A</AccessKeyId><SecretAccessKey>{SECRET}</SecretAccessKey>{more}"
    return answered(f"<Credentials>{keys}<Expiration>{expiration}</Expiration></Credentials>")


def html(status: int) -> Answer:
    return Answer(status, {"Content-Type": "text/html"}, b"<html><body>Welcome<br></body></html>")


IN_AN_HOUR = f"{datetime.now(UTC) + timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}"
NONSENSE = {
    "HTML": html(200),
    "HTML of an error": html(404),
    "nothing": Answer(200, {}, b""),
    "JSON": Answer(200, {"Content-Type": "application/json"}, b'{"Credentials": {}}'),
    "a redirect": Answer(302, {"Location": "http://127.0.0.1:9/"}, b""),
    "no credentials": answered(""),
    "a part of them": given(IN_AN_HOUR, more=""),
    "credentials until some time": given("soon"),
    "credentials of yesterday": given("2018-04-08T00:00:00Z"),
}


@pytest.fixture
def health_side() -> Iterator[HealthSide]:
    with HealthSide() as server:
        yield server


@pytest.fixture
def aws(health_side: HealthSide, monkeypatch: pytest.MonkeyPatch) -> Aws:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    return Aws(AwsAccess(region="us-east-1", role_arn=ROLE, endpoint_url=health_side.url))


@pytest.mark.parametrize("answer", NONSENSE.values(), ids=NONSENSE)
def test_what_makes_no_sense_gives_no_credentials(answer: Answer, aws: Aws, health_side: HealthSide) -> None:
    health_side.on("sts.AssumeRole", answer)
    with pytest.raises(NotGiven) as raised:
        aws.kinesis().list_streams()
    told = explain(raised.value, "list the streams")
    assert isinstance(told, CannotRun)
    assert told.what == f"cannot list the streams: what answers to AssumeRole gives no valid credentials of {ROLE}"
    assert told.next_step.startswith("Check --endpoint-url")
    assert raised.value.__suppress_context__ or raised.value.__context__ is None, "a traceback would show the answer"
    health_side.on("sts.AssumeRole", given(IN_AN_HOUR))
    health_side.on("kinesis.ListStreams", {"StreamNames": [], "HasMoreStreams": False})
    assert aws.kinesis().list_streams()["StreamNames"] == []


def test_what_sts_refuses_is_told_as_ever(aws: Aws, health_side: HealthSide) -> None:
    health_side.on("sts.AssumeRole", Refusal("AccessDenied", status=403))
    with pytest.raises(aws.sts().exceptions.ClientError, match="AccessDenied"):
        aws.kinesis().list_streams()
