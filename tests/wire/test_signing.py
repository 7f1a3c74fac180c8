"""Signatures, against those of botocore for the same requests."""

from types import SimpleNamespace
from urllib.parse import quote, urlsplit

import pytest
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st

from cncbops.wire.signing import Signer

NAMES = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", min_size=1, max_size=20)
SECRETS = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=40)
TOKENS = st.none() | st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=60)
KEYS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30)


@given(key=KEYS, access=NAMES, secret=SECRETS, token=TOKENS, etag=st.from_regex(r"\A[a-f0-9-]{0,34}\Z"))
def test_a_get_of_any_key_is_signed_as_botocore_signs_it(
    key: str, access: str, secret: str, token: str | None, etag: str
) -> None:
    credentials = Credentials(access, secret, token)
    url = f"https://lake.s3.eu-west-1.amazonaws.com/{quote(key, safe='/~')}"
    theirs = AWSRequest("GET", url, {"if-match": f'"{etag}"'})
    S3SigV4Auth(credentials, "s3", "eu-west-1").add_auth(theirs)
    hashed = theirs.headers["X-Amz-Content-SHA256"]
    headers = {"host": urlsplit(url).netloc, "if-match": f'"{etag}"', "x-amz-content-sha256": hashed}
    signer = Signer(credentials, "eu-west-1", "s3")
    ours = signer.signed("GET", url.removeprefix("https://lake.s3.eu-west-1.amazonaws.com"), "", headers, hashed)
    if ours["x-amz-date"] == theirs.headers["X-Amz-Date"]:  # else a second has begun
        assert ours["authorization"] == theirs.headers["Authorization"]
    assert ours.get("x-amz-security-token") == token


@given(body=st.binary(max_size=200), qualifier=st.from_regex(r"\A[a-zA-Z0-9$_-]{1,20}\Z"), token=TOKENS)
def test_an_invocation_is_signed_as_botocore_signs_it(body: bytes, qualifier: str, token: str | None) -> None:
    credentials = Credentials("AKIA", "secret", token)
    path = f"/2015-03-31/functions/{quote('arn:aws:lambda:eu-west-1:123456789012:function:fn', safe='')}/invocations"
    query = f"Qualifier={quote(qualifier, safe='-._~')}"
    url = f"https://lambda.eu-west-1.amazonaws.com{path}?{query}"
    theirs = AWSRequest("POST", url, {"X-Amz-Invocation-Type": "Event"}, body)
    auth = SigV4Auth(credentials, "lambda", "eu-west-1")
    auth.add_auth(theirs)
    headers = {"host": urlsplit(url).netloc, "x-amz-invocation-type": "Event"}
    date = theirs.headers["X-Amz-Date"]
    signer = Signer(credentials, "eu-west-1", "lambda")
    ours = signer.signed("POST", quote(path, safe="/~"), query, headers, auth.payload(theirs), date)
    assert ours["authorization"] == theirs.headers["Authorization"]


def test_other_credentials_and_another_day_have_another_key() -> None:
    keys = SimpleNamespace(access_key="A", secret_key="one", token=None)
    signer = Signer(SimpleNamespace(get_frozen_credentials=lambda: keys), "us-east-1", "s3")

    def signature(date: str) -> str:
        return signer.signed("GET", "/", "", {"host": "h"}, "", date)["authorization"].rpartition("=")[2]

    first = signature("20180408T000000Z")
    assert signature("20180409T000000Z") != first
    assert signature("20180408T000000Z") == first
    keys.secret_key = "two"
    assert signature("20180408T000000Z") != first


@pytest.mark.parametrize("token", ["a\r\nX-Evil: 1", "a  b"])
def test_a_token_is_one_line_whatever_it_holds(token: str) -> None:
    signer = Signer(Credentials("A", "s", token), "us-east-1", "s3")
    sent = signer.signed("GET", "/", "", {"host": "h"}, "")["x-amz-security-token"]
    assert sent == " ".join(token.split())
