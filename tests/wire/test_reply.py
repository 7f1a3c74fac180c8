"""Answers as they come off the wire, in pieces of any size."""

import pytest
from botocore.exceptions import IncompleteReadError
from hypothesis import given
from hypothesis import strategies as st

from cncbops.native import hot
from cncbops.wire import reply as reply_module
from cncbops.wire.reply import LONGEST_HEAD, Broken, Reply, read_reply


class Sent:
    """A connection on which these bytes come, at most `step` at a time, and then its end."""

    def __init__(self, data: bytes, step: int = 1_000_000) -> None:
        self._data, self._step = data, step

    def receive(self, least: int, most: int, held: bytes = b"") -> bytes:
        piece = self._data[: max(least, min(most, self._step))]
        self._data = self._data[len(piece) :]
        return held + piece


def read(data: bytes, step: int = 1_000_000) -> tuple[Reply, bool]:
    return read_reply(Sent(data, step))


@given(body=st.binary(max_size=300), cuts=st.lists(st.integers(1, 50), max_size=8), step=st.integers(1, 400))
def test_a_body_is_whole_however_it_is_sent(body: bytes, cuts: list[int], step: int) -> None:
    at, chunks = 0, b""
    for cut in [*cuts, len(body) or 1]:
        if piece := body[at : at + cut]:
            chunks += f"{len(piece):X};x=1\r\n".encode() + piece + b"\r\n"
        at += cut
    head = b"HTTP/1.1 200 OK\r\n"
    counted = head + f"Content-Length: {len(body)}\r\n\r\n".encode() + body
    chunked = head + b"Transfer-Encoding: Chunked\r\n\r\n" + chunks + b"0\r\nTrailer: 1\r\n\r\n"
    to_end = head + b"\r\n" + body
    assert [(reply.body, keeps) for reply, keeps in (read(sent, step) for sent in (counted, chunked, to_end))] == [
        (body, True),
        (body, True),
        (body, False),
    ]


@pytest.mark.parametrize("status", ["204 No Content", "304 Not Modified"])
def test_some_answers_have_no_body(status: str) -> None:
    reply, keeps = read(f"HTTP/1.1 {status}\r\nA: 1\r\n\r\n".encode())
    assert (reply.body, keeps) == (b"", True)


def test_headers_are_found_by_name() -> None:
    reply, _ = read(b"HTTP/1.1 429 \r\nRetry-After:7 \r\nX-A: 1\r\nx-a: b: c\r\nContent-Length: 0\r\n\r\n")
    assert reply == (429, {"retry-after": "7", "x-a": "1, b: c", "content-length": "0"}, b"")


def test_what_comes_before_the_answer_is_passed_over() -> None:
    interim = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
    reply, keeps = read(interim + b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")
    assert (reply.status, keeps) == (202, True)


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: Close\r\n\r\n{}",
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    ],
)
def test_a_connection_that_may_be_out_of_step_is_not_used_again(answer: bytes) -> None:
    reply, keeps = read(answer)
    assert (reply.body, keeps) == (b"{}", False)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Le",
        b"SSH-2.0-x\r\n\r\n",
        b"HTTP/1.1 2000 OK\r\n\r\n",
        b"HTTP/1.1 x OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-2\r\n{}\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}x\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n",
        b"HTTP/1.1 200 OK\r\nA: " + b"x" * 2 * LONGEST_HEAD,
    ],
)
def test_what_is_no_answer_is_not_taken_for_one(answer: bytes) -> None:
    with pytest.raises(Broken):
        read(answer)


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{}",
    ],
)
def test_a_body_that_ends_early_is_said_to(answer: bytes) -> None:
    with pytest.raises(IncompleteReadError):
        read(answer)


def test_no_room_is_made_for_a_length_that_is_only_said() -> None:
    asked: list[int] = []

    class Watched(Sent):
        def receive(self, least: int, most: int, held: bytes = b"") -> bytes:
            asked.append(most)
            return super().receive(least, most, held)

    with pytest.raises(IncompleteReadError):
        read_reply(Watched(b"HTTP/1.1 200 OK\r\nContent-Length: 1" + b"0" * 30 + b"\r\n\r\nfew"))
    assert max(asked) <= 4 * 1024 * 1024


USUAL = [
    b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\nConnection: keep-alive\r\n\r\n{}",
    b"HTTP/1.1 429 \r\nRETRY-AFTER:7 \r\ncontent-length:  0 \r\nx:\r\n\r\n",
    b"HTTP/1.1 503\r\nContent-Length: 11\r\nX-A b: c: d\r\n\r\n\x00\r\n\r\nHTTP/1",
]
PIECES = [
    *[
        b"\r\n",
        b"\r",
        b"\n",
        b"\r\n\r\n",
        b" ",
        b"\t",
        b":",
        b"\x1f",
        b"\x7f",
        b"\xb2",
        b"\xff",
        b"0",
        b"9",
        b"1",
        b"{}",
    ],
    *[b"HTTP/1.0 ", b"HTTP/1.1 ", b"HTTP/1.1 100 Continue\r\n\r\n", b"204", b"304", b"Connection: close\r\n"],
    *[b"Content-Length: 2\r\n", b"Content-Length: -1\r\n", b"Transfer-Encoding: chunked\r\n", b"x" * 100 + b":\r\n"],
]


def come_to(answer: bytes) -> tuple[Reply, bool] | type[Exception]:
    try:
        return read_reply(Sent(b""), answer)
    except (Broken, IncompleteReadError) as error:
        return type(error)


@given(
    usual=st.sampled_from(USUAL),
    edits=st.lists(st.tuples(st.integers(0, 120), st.integers(0, 20), st.sampled_from(PIECES) | st.binary(max_size=3))),
)
def test_what_is_read_with_the_part_in_c_is_read_the_same_without_it(
    usual: bytes, edits: list[tuple[int, int, bytes]]
) -> None:
    answer = usual
    for at, cut, piece in edits:
        answer = answer[:at] + piece + answer[at + cut :]
    found = come_to(answer)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reply_module, "hot", None)
        assert come_to(answer) == found


@pytest.mark.parametrize("answer", USUAL)
def test_the_head_of_what_is_usual_is_read_at_once(answer: bytes) -> None:
    pytest.importorskip("cncbops.native.hot", reason="no compiler was there when it was installed")
    head, _, body = answer.partition(b"\r\n\r\n")
    for came in (body, body[:-1]):
        assert hot.usual_head(head + b"\r\n\r\n" + came)[1:] == (came,)
    for unusual in (answer + b"x", head + b"\r\n\r"):
        assert hot.usual_head(unusual) == (None, unusual)
