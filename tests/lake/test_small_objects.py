"""The quick first try at a small object, and what it leaves to the long way."""

import base64
import hashlib
import zlib
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import botocore.session
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.loaders import Loader
from hypothesis import given
from hypothesis import strategies as st

from cncbops.lake.objects import LakeObject
from cncbops.lake.reading import open_object
from cncbops.lake.small_objects import LARGEST, MOST_BUCKETS, _gets, content_of
from cncbops.wire.recording import recorded
from tests.e2e.far_side import FarSide
from tests.lake.conftest import lake_object
from tests.wire.scripted import Answer, Request, Scripted, ok

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

BODY = b'{"id":"e-1"}\n' * 1_000
OBJECT = lake_object("x", len(BODY))
MODELS = Loader()
WAITED_FOR_S, PATIENCE_S = 1, 60
"""For an answer that does not come, and for one that a busy machine is late with."""


def client(url: str | None, **config: Any) -> "S3Client":
    session: Any = botocore.session.Session()
    session.register_component("data_loader", MODELS)  # read once
    session._credentials = Credentials("AKIATEST", "secret", "token")
    settings = {"retries": {"total_max_attempts": 1}, "s3": {"addressing_style": "path"}, **config}
    made: S3Client = session.create_client("s3", region_name="us-east-1", endpoint_url=url, config=Config(**settings))
    return made


@pytest.fixture
def server() -> Iterator[Scripted]:
    with Scripted() as server:
        yield server


def whole(**headers: str) -> Answer:
    return ok(BODY, ETag='"etag"', **headers)


def test_a_small_object_is_one_signed_get_on_a_connection_that_is_kept(server: Scripted) -> None:
    server.answer = lambda _: whole()
    s3 = client(server.url)
    for _ in range(3):
        with open_object(OBJECT, s3) as opened:
            assert [block.data for block in opened.blocks()] == [BODY]
    assert [(request.connection, request.line) for request in server.requests] == [(1, "GET /lake/x HTTP/1.1")] * 3
    for request in server.requests:
        assert (request.headers["if-match"], request.headers["x-amz-security-token"]) == ('"etag"', "token")
        assert not {"range", "content-length"} & set(request.headers)


def test_an_empty_object_is_whole_too(server: Scripted) -> None:
    server.answer = lambda _: ok(b"", ETag='"etag"')
    assert content_of(lake_object("x", 0), client(server.url)) == b""


@pytest.mark.parametrize("standing", [False, True])
@pytest.mark.parametrize(
    "answer",
    [
        lambda: ok(b"<Error><Code>NoSuchKey</Code></Error>", "404 Not Found"),
        lambda: ok(b"<Error><Code>PreconditionFailed</Code></Error>", "412 Precondition Failed"),
        lambda: ok(b"<Error><Code>InvalidObjectState</Code></Error>", "403 Forbidden"),
        lambda: ok(b"<Error><Code>PermanentRedirect</Code></Error>", "301 Moved Permanently"),
        lambda: ok(b"<Error><Code>SlowDown</Code></Error>", "503 Slow Down"),
        lambda: ok(BODY, "206 Partial Content", ETag='"etag"'),
        lambda: ok(BODY[:-1], ETag='"etag"'),
        lambda: ok(BODY + b"x", ETag='"etag"'),
        lambda: ok(BODY, ETag='"other"'),
        lambda: whole(x_amz_checksum_crc32=base64.b64encode(b"0000").decode()),
        lambda: whole(x_amz_checksum_sha256=base64.b64encode(b"0" * 32).decode()),
        lambda: Answer(whole().data[:-1], "close"),
        lambda: Answer(whole().data[:-1], "wait"),
        lambda: Answer(then="close"),
        lambda: Answer(then="reset"),
    ],
)
def test_whatever_is_not_the_whole_object_as_listed_is_left_to_the_long_way(
    server: Scripted, answer: Any, standing: bool
) -> None:
    given = answer()
    s3 = client(server.url, read_timeout=WAITED_FOR_S if given.then == "wait" else PATIENCE_S)
    server.answers = [*([whole()] if standing else []), given, whole()]
    if standing:
        assert content_of(OBJECT, s3) == BODY
    assert content_of(OBJECT, s3) is None
    given.released.set()
    assert content_of(OBJECT, s3) == BODY


def test_a_checksum_that_s3_sends_is_checked(server: Scripted) -> None:
    right = base64.b64encode(zlib.crc32(BODY).to_bytes(4, "big")).decode()
    server.answers = [whole(x_amz_checksum_crc32=right), whole(x_amz_checksum_crc32="of-parts-2")]
    s3 = client(server.url)
    assert [content_of(OBJECT, s3), content_of(OBJECT, s3)] == [BODY, BODY]
    assert server.requests[0].headers["x-amz-checksum-mode"] == "ENABLED"


@pytest.mark.parametrize(
    "obj", [lake_object("x", LARGEST + 1), LakeObject("", "lake", "x", 1, 'a"\r\nb', OBJECT.last_modified)]
)
def test_large_objects_and_odd_etags_are_not_asked_for(server: Scripted, obj: LakeObject) -> None:
    assert content_of(obj, client(server.url)) is None
    assert server.requests == []


def test_a_client_that_does_not_sign_is_left_alone(server: Scripted) -> None:
    assert content_of(OBJECT, client(server.url, signature_version=UNSIGNED)) is None
    assert server.requests == []


def test_a_bucket_found_to_be_elsewhere_is_asked_there_from_then_on(server: Scripted) -> None:
    def answer(request: Request) -> Answer:
        if "/us-east-1/" in request.headers["authorization"]:
            body = b"<Error><Code>PermanentRedirect</Code></Error>"
            return ok(body, "301 Moved Permanently", x_amz_bucket_region="eu-west-1")
        if "range" not in request.headers:
            return whole()
        return ok(BODY, "206 Partial Content", Content_Range=f"bytes 0-{len(BODY) - 1}/{len(BODY)}", ETag='"etag"')

    server.answer = answer
    s3 = client(server.url)
    for _ in range(3):
        with open_object(OBJECT, s3) as opened:
            assert b"".join(block.data for block in opened.blocks()) == BODY
    last = server.requests[-2:]
    assert all("/eu-west-1/" in request.headers["authorization"] for request in last)
    assert not any("range" in request.headers for request in last)


KEYS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20) | st.sampled_from(
    ["/lead", "a/../b", "..", "a//b", ".", "a b+c%2F", "é/日本", "?versionId=1", "a#b", "a;b=c", "a\nb", "~", "key"]
)


@pytest.fixture(scope="module")
def echoing() -> "Iterator[tuple[Scripted, S3Client]]":
    with Scripted() as server:
        server.answer = lambda _: whole()
        yield server, client(server.url)


@given(key=KEYS)
def test_a_key_is_asked_for_as_botocore_asks_for_it(echoing: "tuple[Scripted, S3Client]", key: str) -> None:
    server, s3 = echoing
    assert content_of(lake_object(key, len(BODY)), s3) == BODY
    theirs = recorded(s3, "GetObject", {"Bucket": "lake", "Key": key, "IfMatch": '"etag"'})
    assert server.requests[-1].line == f"GET {theirs.url.removeprefix(server.url)} HTTP/1.1"
    ours = server.requests[-1].headers
    if ours["x-amz-date"] == theirs.headers["x-amz-date"]:  # else a second has begun
        assert ours["authorization"] == theirs.headers["authorization"]


def test_the_far_side_is_read_with_a_get_an_object() -> None:
    with FarSide() as far_side:
        far_side.add_bucket("lake", {"a b+%": BODY})
        etag = hashlib.md5(BODY).hexdigest()
        obj = LakeObject("s3://lake/a", "lake", "a b+%", len(BODY), etag, OBJECT.last_modified)
        with open_object(obj, client(far_side.url)) as opened:
            assert [block.data for block in opened.blocks()] == [BODY]
        assert far_side.requests == ["GET /lake/a%20b%2B%25"]


def test_connections_are_kept_of_the_last_few_buckets(server: Scripted) -> None:
    server.answer = lambda _: whole()
    s3 = client(server.url)
    for number in (*range(MOST_BUCKETS + 1), 0):
        assert content_of(replace(OBJECT, bucket=f"b-{number}"), s3) == BODY
    assert len(_gets(s3)._calls) == MOST_BUCKETS
    assert list(_gets(s3)._calls)[-1] == "b-0"
