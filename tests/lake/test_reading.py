import gzip
import io
import os
import threading
import tracemalloc
from codecs import BOM_UTF8
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, EndpointConnectionError, NoCredentialsError
from hypothesis import given
from hypothesis import strategies as st

from cncbops.lake.lines import BLOCK_SIZE
from cncbops.lake.listing import list_objects
from cncbops.lake.objects import LakeObject, ObjectUnreadable
from cncbops.lake.reading import OpenObject, held, open_object
from cncbops.lake.small_objects import LARGEST
from cncbops.lake.sources import LocalSource, S3Source
from tests.lake.conftest import lake_object

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

LINES = b'{"id":"e-1"}\n{"id":"e-2"}\n'


def put(s3: "S3Client", key: str, body: bytes, storage_class: str = "STANDARD") -> LakeObject:
    s3.put_object(Bucket="lake", Key=key, Body=body, StorageClass=storage_class)  # type: ignore[arg-type]
    return next(obj for obj in list_objects(S3Source("lake", key), s3) if obj.key == key)


def write(path: Path, body: bytes) -> LakeObject:
    path.write_bytes(body)
    return next(list_objects(LocalSource(path), None))


def read(obj: LakeObject, s3: "S3Client | None" = None, head_bytes: int = 1024 * 1024) -> bytes:
    with open_object(obj, s3, head_bytes) as opened:
        return b"".join(block.data for block in opened.blocks())


def failure(obj: LakeObject, s3: "S3Client | None" = None) -> ObjectUnreadable:
    with pytest.raises(ObjectUnreadable) as failed:
        read(obj, s3)
    assert "\n" not in failed.value.message
    return failed.value


@pytest.mark.parametrize("key", ["a b+c%2F", "a\nb", "é/日本", "a//b", "?versionId=1", "x" * 1_000])
@pytest.mark.parametrize("head_bytes", [1, 10, 1024 * 1024])
def test_an_object_of_any_key_is_read_whole(s3: "S3Client", key: str, head_bytes: int) -> None:
    assert read(put(s3, key, LINES), s3, head_bytes) == LINES


def test_a_compressed_object_is_read_plain_with_its_line_numbers(s3: "S3Client") -> None:
    obj = put(s3, "x.json", gzip.compress(LINES))
    with open_object(obj, s3) as opened:
        (block,) = opened.blocks()
    assert (block.data, block.first_line, block.first_part) == (LINES, 1, 0)


def test_an_empty_object_yields_nothing(s3: "S3Client", tmp_path: Path) -> None:
    assert read(put(s3, "x", b""), s3) == b""
    assert read(write(tmp_path / "x", b"")) == b""


def test_an_object_above_the_head_is_read_on(s3: "S3Client", tmp_path: Path) -> None:
    body = LINES * 100_000
    assert read(put(s3, "x", body), s3) == body
    assert read(write(tmp_path / "x", body)) == body


def test_the_head_is_in_memory_when_an_object_is_opened(tmp_path: Path) -> None:
    obj = write(tmp_path / "x", LINES * 10)
    opened = open_object(obj, None, head_bytes=len(LINES) * 9)
    opened.close()
    with pytest.raises(ValueError, match="closed"):  # only what lies behind the head needs the file
        list(opened.blocks())
    opened = open_object(obj, None, head_bytes=len(LINES) * 9)
    os.truncate(obj.key, 0)
    found = b"".join(block.data for block in opened.blocks())
    assert len(found) >= len(LINES) * 9
    opened.close()


def test_a_small_file_is_in_memory_whole_and_open_no_longer(tmp_path: Path) -> None:
    opened = open_object(write(tmp_path / "x", LINES), None)
    opened.close()
    (block,) = opened.blocks()
    assert (block.data, block.first_line, block.first_part) == (LINES, 1, 0)


@given(
    lines=st.lists(st.binary(max_size=40), max_size=40),
    bom=st.booleans(),
    members=st.integers(0, 3),
    cut=st.integers(0, 3),
    padding=st.sampled_from([b"", b"\0", b"x", b"\x1f\x8b"]),
)
def test_an_object_that_is_here_whole_gives_what_it_gives_piece_by_piece(
    lines: list[bytes], bom: bool, members: int, cut: int, padding: bytes
) -> None:
    """Plain, or of some gzip members, damaged or not: in one block, or on the way of the large ones."""
    plain = (BOM_UTF8 if bom else b"") + b"\n".join(lines)
    content = b"".join([gzip.compress(plain)] * members) or plain
    content = content[: len(content) - cut] + padding
    obj = lake_object("x", len(content))
    assert outcome(held(obj, content)) == outcome(OpenObject(obj, io.BytesIO(content), b""))


def outcome(opened: OpenObject) -> tuple[bytes, str]:
    found = b""
    try:
        for block in opened.blocks():
            assert (block.first_line, block.first_part) == (1 + found.count(b"\n"), 0)
            found += block.data
    except ObjectUnreadable as error:
        return found, error.error
    return found, ""


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_a_whole_object_of_many_blocks_is_no_more_than_a_block_at_a_time(pack: Callable[[bytes], bytes]) -> None:
    plain = LINES * 200_000
    found = list(held(lake_object("x"), pack(plain)).blocks())
    assert b"".join(block.data for block in found) == plain
    assert max(len(block.data) for block in found) <= BLOCK_SIZE


def test_a_bomb_is_not_undone_when_it_is_opened() -> None:
    bomb = gzip.compress(bytes(20 * BLOCK_SIZE))
    tracemalloc.start()
    try:
        held(lake_object("x"), bomb)
        assert tracemalloc.get_traced_memory()[1] < 4 * BLOCK_SIZE
    finally:
        tracemalloc.stop()


def test_a_corrupt_object_gives_its_whole_lines_first(s3: "S3Client") -> None:
    raw = gzip.compress(LINES + os.urandom(300_000).hex().encode())
    with open_object(put(s3, "x", raw[:-1_000]), s3) as opened:
        found = opened.blocks()
        assert next(found).data == LINES
        with pytest.raises(ObjectUnreadable) as failed:
            next(found)
    assert failed.value.error == "CorruptObject"


@pytest.mark.parametrize("storage_class", ["GLACIER", "DEEP_ARCHIVE"])
def test_an_archived_object_is_named_with_what_to_do(s3: "S3Client", storage_class: str) -> None:
    failed = failure(put(s3, "x", LINES, storage_class), s3)
    assert failed.error == "Archived"
    assert "restore" in failed.message
    assert storage_class in failed.message  # known from the listing: nothing was asked for


def test_an_object_that_turned_out_archived_is_named_too(s3: "S3Client") -> None:
    assert failure(replace(put(s3, "x", LINES, "GLACIER"), storage_class="STANDARD"), s3).error == "Archived"


def test_a_restored_object_is_read(s3: "S3Client") -> None:
    obj = put(s3, "x", LINES, "GLACIER")
    s3.restore_object(Bucket="lake", Key="x", RestoreRequest={"Days": 1})
    assert read(obj, s3) == LINES


def test_glacier_instant_retrieval_is_read_like_any_other(s3: "S3Client") -> None:
    assert read(put(s3, "x", LINES, "GLACIER_IR"), s3) == LINES


def test_an_object_that_vanished_or_changed_since_the_listing_is_named(s3: "S3Client") -> None:
    vanished, changed = put(s3, "a", LINES), put(s3, "b", LINES)
    archived = put(s3, "c", LINES, "GLACIER")
    s3.delete_object(Bucket="lake", Key="a")
    s3.delete_object(Bucket="lake", Key="c")
    put(s3, "b", LINES * 2)
    assert failure(vanished, s3).error == "NoSuchKey"
    assert failure(archived, s3).error == "NoSuchKey"
    assert failure(changed, s3).error == "Changed"


def test_a_missing_bucket_is_not_the_fault_of_an_object(s3: "S3Client") -> None:
    with pytest.raises(ClientError, match="NoSuchBucket"):
        read(replace(lake_object("x"), bucket="gone"), s3)


def test_a_local_file_that_vanished_or_changed_since_the_listing_is_named(tmp_path: Path) -> None:
    vanished, changed = write(tmp_path / "a", LINES), write(tmp_path / "b", LINES)
    (tmp_path / "a").unlink()
    write(tmp_path / "b", LINES * 2)
    assert failure(vanished).error == "NoSuchKey"
    assert failure(changed).error == "Changed"
    (tmp_path / "b").unlink()
    (tmp_path / "b").mkdir()
    assert failure(changed).error == "ReadFailed"


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_local_file_that_may_not_be_read_is_named(tmp_path: Path) -> None:
    obj = write(tmp_path / "a", LINES)
    (tmp_path / "a").chmod(0)
    assert failure(obj).error == "AccessDenied"


def test_missing_credentials_are_not_the_fault_of_an_object(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, "/dev/null")
    client = boto3.client("s3", region_name="us-east-1", endpoint_url="http://127.0.0.1:9")
    with pytest.raises(NoCredentialsError):
        read(lake_object("x"), client)


# A real server, for what no bucket in memory does.


class Server(BaseHTTPRequestHandler):
    """Answers each request with the next of `answers`."""

    protocol_version = "HTTP/1.1"
    answers: ClassVar[list[Callable[["Server"], None]]] = []
    asked: ClassVar[list[dict[str, str]]] = []

    def do_GET(self) -> None:
        self.asked.append({name.lower(): value for name, value in self.headers.items()})
        self.answers.pop(0)(self)

    def log_message(self, format: str, *args: object) -> None:
        pass


def body(start: int, end: int) -> Callable[[Server], None]:
    """The lines from `start`, broken off at `end`."""

    def answer(server: Server) -> None:
        server.send_response(206)
        server.send_header("Content-Length", str(len(LINES) - start))
        server.send_header("Content-Range", f"bytes {start}-{len(LINES) - 1}/{len(LINES)}")
        server.end_headers()
        server.wfile.write(LINES[start:end])
        server.close_connection = True

    return answer


def refusal(status: int, code: str) -> Callable[[Server], None]:
    def answer(server: Server) -> None:
        text = f"<Error><Code>{code}</Code><Message>no</Message></Error>".encode()
        server.send_response(status)
        server.send_header("Content-Length", str(len(text)))
        server.end_headers()
        server.wfile.write(text)

    return answer


def client_of(port: int) -> "S3Client":
    return boto3.client(
        "s3",
        region_name="us-east-1",
        endpoint_url=f"http://127.0.0.1:{port}",
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
        config=Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}),
    )


@pytest.fixture
def served() -> "Iterator[S3Client]":
    Server.answers, Server.asked = [], []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield client_of(server.server_port)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def large_object() -> LakeObject:
    """One that is not read whole: the listing says that it is large."""
    return lake_object("x", LARGEST + 1)


def test_a_body_cut_midway_is_resumed_where_it_broke_off(served: "S3Client") -> None:
    Server.answers = [body(0, 5), body(5, len(LINES))]
    assert read(large_object(), served) == LINES
    assert [(asked["range"], asked["if-match"]) for asked in Server.asked] == [
        ("bytes=0-", '"etag"'),
        ("bytes=5-", '"etag"'),
    ]


def test_an_object_that_changes_while_it_is_read_is_never_a_mixture(served: "S3Client") -> None:
    Server.answers = [body(0, 5), refusal(412, "PreconditionFailed")]
    assert failure(large_object(), served).error == "Changed"


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        (403, "AccessDenied", "AccessDenied"),
        (403, "InvalidObjectState", "Archived"),
        (503, "SlowDown", "SlowDown"),
        (400, "KMS.DisabledException", "KMS.DisabledException"),
    ],
)
def test_what_s3_says_of_one_object_is_its_failure(served: "S3Client", status: int, code: str, error: str) -> None:
    Server.answers = [refusal(status, code)]
    assert failure(large_object(), served).error == error


@pytest.mark.parametrize("code", ["ExpiredToken", "InvalidAccessKeyId", "SignatureDoesNotMatch"])
def test_bad_credentials_are_not_the_fault_of_an_object(served: "S3Client", code: str) -> None:
    Server.answers = [refusal(400, code)]
    with pytest.raises(ClientError, match=code):
        read(large_object(), served)


def hang_up(server: Server) -> None:
    server.close_connection = True


def test_a_connection_closed_without_an_answer_is_the_failure_of_that_object(served: "S3Client") -> None:
    Server.answers = [hang_up]
    assert failure(large_object(), served).error == "ConnectionClosedError"


def test_an_endpoint_that_cannot_be_reached_is_not_the_fault_of_an_object(served: "S3Client") -> None:
    port = int(served.meta.endpoint_url.rsplit(":", 1)[1])
    secure = boto3.client(
        "s3",
        region_name="us-east-1",
        endpoint_url=f"https://127.0.0.1:{port}",
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
        config=Config(retries={"total_max_attempts": 1}),
    )
    with pytest.raises(BotoCoreError, match="SSL"):
        read(lake_object("x"), secure)
    with pytest.raises(EndpointConnectionError):
        read(lake_object("x"), client_of(9))
