"""Signatures, against those of botocore for the same requests."""

import calendar
import time
from types import SimpleNamespace
from urllib.parse import quote, urlsplit

import pytest
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials, ReadOnlyCredentials
from hypothesis import given
from hypothesis import strategies as st

from cncbops.native import hot
from cncbops.wire.signing import Form, Scope, Signer, Template, _signed

NAMES = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", min_size=1, max_size=20)
SECRETS = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=40)
TOKENS = st.none() | st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=60)
KEYS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30)


PLAIN = Form("GET", "", {"host": "h"})
DAY_S = 86_400


def seconds(date: str) -> int:
    return calendar.timegm(time.strptime(date, "%Y%m%dT%H%M%SZ"))


def sent(head: bytes) -> dict[str, str]:
    """The headers in a head."""
    return dict(line.split(": ", 1) for line in head.decode().removesuffix("\r\n\r\n").split("\r\n")[1:])


@given(key=KEYS, access=NAMES, secret=SECRETS, token=TOKENS, etag=st.from_regex(r"\A[a-f0-9-]{0,34}\Z"))
def test_a_get_of_any_key_is_signed_as_botocore_signs_it(
    key: str, access: str, secret: str, token: str | None, etag: str
) -> None:
    credentials = Credentials(access, secret, token)
    path = f"/{quote(key, safe='/~')}"
    theirs = AWSRequest("GET", f"https://lake.s3.eu-west-1.amazonaws.com{path}", {"if-match": f'"{etag}"'})
    S3SigV4Auth(credentials, "s3", "eu-west-1").add_auth(theirs)
    headers = {"host": "lake.s3.eu-west-1.amazonaws.com", "if-match": "another's"}
    form = Form("GET", "", headers, {}, frozenset({"if-match"}), tells_hash=True)
    signer = Signer(credentials, Scope("eu-west-1", "s3"), form)
    head = signer.head(b"", path, path, {"if-match": f'"{etag}"'}, seconds(theirs.headers["X-Amz-Date"]))
    assert head.startswith(f"GET {path} HTTP/1.1\r\n".encode())
    ours = sent(head)
    assert ours["authorization"] == theirs.headers["Authorization"]
    assert ours["x-amz-content-sha256"] == theirs.headers["X-Amz-Content-SHA256"]
    assert ours["if-match"] == f'"{etag}"'
    assert ours.get("x-amz-security-token") == token


@given(body=st.binary(max_size=200), qualifier=st.from_regex(r"\A[a-zA-Z0-9$_-]{1,20}\Z"), token=TOKENS)
def test_an_invocation_is_signed_as_botocore_signs_it(body: bytes, qualifier: str, token: str | None) -> None:
    credentials = Credentials("AKIA", "secret", token)
    path = f"/2015-03-31/functions/{quote('arn:aws:lambda:eu-west-1:123456789012:function:fn', safe='')}/invocations"
    query = f"Qualifier={quote(qualifier, safe='-._~')}"
    url = f"https://lambda.eu-west-1.amazonaws.com{path}?{query}"
    theirs = AWSRequest("POST", url, {"X-Amz-Invocation-Type": "Event"}, body)
    SigV4Auth(credentials, "lambda", "eu-west-1").add_auth(theirs)
    headers = {"host": urlsplit(url).netloc, "x-amz-invocation-type": "Event"}
    form = Form("POST", query, headers, {"user-agent": "100 %s"}, tells_length=True)
    signer = Signer(credentials, Scope("eu-west-1", "lambda"), form)
    head = signer.head(body, path, quote(path, safe="/~"), at_s=seconds(theirs.headers["X-Amz-Date"]))
    assert head.startswith(f"POST {path}?{query} HTTP/1.1\r\n".encode())
    ours = sent(head)
    assert ours["authorization"] == theirs.headers["Authorization"]
    assert (ours["content-length"], ours["user-agent"]) == (str(len(body)), "100 %s")


def test_each_second_is_signed_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    now_s = 1_523_145_600.0
    monkeypatch.setattr(time, "time", lambda: now_s)
    signer = Signer(Credentials("A", "s"), Scope("us-east-1", "s3"), PLAIN)
    first = [signer.head(b"", "/", "/"), signer.head(b"", "/", "/")]
    now_s += 1
    later = signer.head(b"", "/", "/")
    assert [sent(head)["x-amz-date"] for head in (*first, later)] == [*["20180408T000000Z"] * 2, "20180408T000001Z"]
    assert len({sent(head)["authorization"] for head in (*first, later)}) == 2


def test_other_credentials_and_another_day_have_another_key() -> None:
    keys = SimpleNamespace(access_key="A", secret_key="one", token=None)
    frozen = SimpleNamespace(get_frozen_credentials=lambda: ReadOnlyCredentials(**vars(keys)))
    signer = Signer(frozen, Scope("us-east-1", "s3"), PLAIN)

    def signature(day: int) -> str:
        return sent(signer.head(b"", "/", "/", at_s=day * DAY_S))["authorization"].rpartition("=")[2]

    first = signature(17_629)
    assert signature(17_630) != first
    assert signature(17_629) == first
    keys.secret_key = "two"
    assert signature(17_629) != first


@pytest.mark.parametrize("token", ["a\r\nX-Evil: 1", "a  b", "%(path)s %%"])
def test_a_token_is_one_line_whatever_it_holds(token: str) -> None:
    head = Signer(Credentials("A", "s", token), Scope("us-east-1", "s3"), PLAIN).head(b"", "/", "/")
    assert sent(head)["x-amz-security-token"] == " ".join(token.split())


VALUES = st.tuples(st.binary(max_size=40), st.binary(max_size=40))
TEMPLATES = st.lists(st.binary(max_size=40) | st.integers(0, 1), max_size=6).map(tuple)
KEY = b"k" * 32


@pytest.mark.skipif(hot is None, reason="not built")
@given(TEMPLATES, st.binary(max_size=300), st.binary(min_size=32, max_size=32), TEMPLATES, VALUES)
def test_a_head_is_signed_alike_in_both_ways(
    canonical: Template, to_sign: bytes, key: bytes, head: Template, values: tuple[bytes, ...]
) -> None:
    with_signature = (*head, b": ", 2, b"\r\n")
    ours = hot.signed_head(canonical, to_sign, key, with_signature, values)
    assert ours == _signed(canonical, to_sign, key, with_signature, values)


@pytest.mark.skipif(hot is None, reason="not built")
@pytest.mark.parametrize(
    ("canonical", "key", "head", "values", "error"),
    [
        ((1,), KEY, (), (b"",), IndexError),  # there is no signature yet
        ((), KEY, (2,), (b"",), IndexError),
        ((-1,), KEY, (), (b"",), IndexError),
        (("text",), KEY, (), (b"",), TypeError),
        ((0,), KEY, (), ("text",), TypeError),
        ((), b"short", (), (b"",), ValueError),
        ((2**70,), KEY, (), (b"",), OverflowError),
    ],
)
def test_what_cannot_be_signed_is_refused(
    canonical: Template, key: bytes, head: Template, values: tuple[bytes, ...], error: type[Exception]
) -> None:
    with pytest.raises(error):
        hot.signed_head(canonical, b"", key, head, values)
