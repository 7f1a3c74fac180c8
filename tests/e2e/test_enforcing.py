"""The proxy that denies is not to be fooled: what it does not surely understand, it understands not at all."""

from email.message import Message

import pytest

from tests.e2e.iam import Request, allowed_by, matches
from tests.e2e.operations import understood

INVOKE = "/2015-03-31/functions/fn/invocations"
BUCKET, OBJECT = "arn:aws:s3:::bucket", "arn:aws:s3:::bucket/a/b c"
FUNCTION = "arn:aws:lambda:eu-west-1:000000000000:function:fn"


def headers(service: str, **more: str) -> Message:
    message = Message()
    scope = f"AKIDEXAMPLE/20231122/eu-west-1/{service}/aws4_request"
    message["Authorization"] = f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"
    for name, value in more.items():
        message[name.replace("_", "-")] = value
    return message


@pytest.mark.parametrize(
    ("service", "line", "request_"),
    [
        ("s3", "GET /bucket?list-type=2&prefix=a%2F", Request("s3:ListBucket", BUCKET, {"s3:prefix": "a/"})),
        ("s3", "GET /bucket/a/b%20c", Request("s3:GetObject", OBJECT)),
        ("s3", "HEAD /bucket/a/b%20c", Request("s3:GetObject", OBJECT)),
        ("lambda", f"POST {INVOKE}?Qualifier=PROD", Request("lambda:InvokeFunction", f"{FUNCTION}:PROD")),
        ("lambda", f"POST {INVOKE.replace('fn', 'fn%3APROD')}", Request("lambda:InvokeFunction", f"{FUNCTION}:PROD")),
    ],
)
def test_what_is_understood(service: str, line: str, request_: Request) -> None:
    call = understood(*line.split(), headers(service), b"")
    assert call is not None
    assert (call.request, call.who) == (request_, "AKIDEXAMPLE")


@pytest.mark.parametrize(
    ("service", "line"),
    [
        ("s3", "GET /bucket/key?acl"),
        ("s3", "GET /bucket/key?versionId=1"),
        ("s3", "PUT /bucket/key"),
        ("s3", "DELETE /bucket/key"),
        ("s3", "GET /bucket?versions"),
        ("s3", "GET /bucket?list-type=2&prefix=a&prefix=b"),
        ("s3", "GET /bucket?list-type=2&policy"),
        ("s3", f"POST {INVOKE}"),
        ("lambda", f"DELETE {INVOKE}"),
        ("lambda", "DELETE /2015-03-31/functions/fn"),
        ("lambda", "GET /bucket/key"),
        ("iam", "POST /"),
        ("sqs", "POST /"),
        ("cloudformation", "GET /?Action=DeleteStack"),
    ],
)
def test_what_is_not(service: str, line: str) -> None:
    assert understood(*line.split(), headers(service), b"") is None


@pytest.mark.parametrize(
    ("service", "target", "body"),
    [
        ("dynamodb", "DynamoDB_20120810.DeleteItem", b'{"TableName": "t"}'),
        ("dynamodb", "Kinesis_20131202.GetRecords", b'{"StreamARN": "s"}'),
        ("cloudformation", None, b"Action=DescribeStacks&Action=DeleteStack&StackName=s"),
        ("cloudformation", None, b"Action=DeleteStack&StackName=s"),
    ],
)
def test_nor_by_its_body(service: str, target: str | None, body: bytes) -> None:
    assert understood("POST", "/", headers(service, **({"X_Amz_Target": target} if target else {})), body) is None


def test_a_request_without_a_signature_asks_nothing() -> None:
    assert understood("GET", "/bucket/key", Message(), b"") is None


@pytest.mark.parametrize(
    ("pattern", "text", "fits"),
    [
        ("a*", "abc", True),
        ("a?c", "abc", True),
        ("a?c", "ac", False),
        ("a${*}", "a*", True),
        ("a${*}", "ab", False),
        ("a.c", "abc", False),
        ("*", "", True),
    ],
)
def test_wildcards(pattern: str, text: str, fits: bool) -> None:
    assert matches(pattern, text) is fits


def test_a_statement_allows_by_action_resource_and_condition_together() -> None:
    statement = {
        "Sid": "List",
        "Effect": "Allow",
        "Action": "s3:ListBucket",
        "Resource": BUCKET,
        "Condition": {"StringLike": {"s3:prefix": ["a/*", "b/*"]}},
    }
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    assert allowed_by(policy, Request("s3:listbucket", BUCKET, {"s3:prefix": "b/1"})) == [("List", "s3:ListBucket")]
    assert not allowed_by(policy, Request("s3:GetObject", BUCKET, {"s3:prefix": "b/1"}))
    assert not allowed_by(policy, Request("s3:ListBucket", f"{BUCKET}2", {"s3:prefix": "b/1"}))
    assert not allowed_by(policy, Request("s3:ListBucket", BUCKET, {"s3:prefix": "c/1"}))
    assert not allowed_by(policy, Request("s3:ListBucket", BUCKET))
