"""A request and its answer over a plain socket: what no test of the wire sees."""

import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

hot = pytest.importorskip("cncbops.native.hot", reason="no compiler was there when it was installed")

LARGE = b"x" * 4_000_000
Pair = tuple[socket.socket, socket.socket]


@pytest.fixture
def pair() -> Iterator[Pair]:
    here, there = socket.socketpair()
    with here, there:
        yield here, there


class Beside:
    """Does something in another thread, and waits for it."""

    def __init__(self, what: Callable[[], object]) -> None:
        self._thread = threading.Thread(target=what)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._thread.join()


def answer_of(body: bytes, length: int | None = None) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (len(body) if length is None else length) + body


@given(
    head=st.binary(min_size=1, max_size=5),
    body=st.binary(max_size=5),
    answer=st.binary(min_size=1, max_size=9),
    most=st.integers(1, 9),
)
def test_what_is_asked_goes_whole_and_what_is_no_answer_comes_as_it_is(
    head: bytes, body: bytes, answer: bytes, most: int
) -> None:
    here, there = socket.socketpair()

    def serve() -> None:
        asked = b""
        while len(asked) < len(head + body):
            asked += there.recv(100)
        assert asked == head + body
        there.sendall(answer)

    with here, there, Beside(serve):
        assert hot.exchange(here.fileno(), head, body, most, 5, 5) == (None, answer, True)


@pytest.mark.parametrize("size", [0, 1, 100, 16_000, 100_000, len(LARGE)])
@pytest.mark.parametrize("more", [-1, 0, 1])
def test_a_body_as_long_as_was_expected_comes_whole(pair: Pair, size: int, more: int) -> None:
    here, there = pair
    body = LARGE[:size]

    def serve() -> None:
        assert there.recv(3) == b"GET"
        there.sendall(answer_of(body))
        there.close()

    with Beside(serve):
        head, came, is_sent = hot.exchange(here.fileno(), b"GET", b"", max(0, size + more), 5, 5)
        rest = hot.receive(here.fileno(), len(LARGE), len(LARGE), 5, came)
    assert (head, rest, is_sent) == ((200, {"content-length": str(size)}, size), body, True)
    assert (came == body) or more


def test_a_body_that_ends_early_is_what_came_of_it(pair: Pair) -> None:
    here, there = pair
    body = LARGE[:50_000]

    def serve() -> None:
        assert there.recv(3) == b"GET"
        there.sendall(answer_of(body, len(LARGE)))
        there.close()

    with Beside(serve):
        head, came, _ = hot.exchange(here.fileno(), b"GET", b"", len(LARGE), 5, 5)
    assert (head[2], came) == (len(LARGE), body)


def test_much_is_sent_and_received_though_each_side_takes_a_little_at_a_time(pair: Pair) -> None:
    here, there = pair

    def serve() -> None:
        left = 2 * len(LARGE)
        while left:
            left -= len(there.recv(min(left, 50_000)))
        there.sendall(LARGE)
        there.close()

    with Beside(serve):
        _, first, is_sent = hot.exchange(here.fileno(), LARGE, LARGE, 0, 5, 5)
        whole = hot.receive(here.fileno(), len(LARGE), len(LARGE), 5, first)
    assert (whole == LARGE, is_sent) == (True, True)
    assert hot.receive(here.fileno(), 1, 10, 5, b"") == b""


def test_an_answer_is_heard_though_the_request_was_not_taken(pair: Pair) -> None:
    here, there = pair
    there.sendall(b"413")
    # What came before the request makes a connection unfit for one; what comes while it is sent may be the answer.
    assert hot.exchange(here.fileno(), b"", LARGE, 9, 5, 5) is None
    assert here.recv(3) == b"413"

    def serve() -> None:
        there.recv(10)
        there.sendall(b"413")
        there.close()

    with Beside(serve), suppress(ConnectionResetError):
        assert hot.exchange(here.fileno(), b"", LARGE, 9, 5, 5) == (None, b"413", False)


def test_what_takes_too_long_says_which_way(pair: Pair) -> None:
    here, _ = pair
    with pytest.raises(TimeoutError):
        hot.exchange(here.fileno(), b"GET", b"", 9, 5, 0.01)
    with pytest.raises(BlockingIOError):
        hot.exchange(here.fileno(), LARGE, b"", 9, 0.01, 5)
    with pytest.raises(TimeoutError):
        hot.receive(here.fileno(), 1, 9, 0, b"")


def test_a_signal_is_handled_meanwhile_and_nothing_is_lost_by_it(pair: Pair) -> None:
    here, there = pair
    handled = threading.Event()
    before = signal.signal(signal.SIGUSR1, lambda *_: handled.set())

    def serve() -> None:
        assert there.recv(3) == b"GET"
        while not handled.wait(0.01):  # it may come before the main thread waits for the answer
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGUSR1)
        there.sendall(b"OK")

    try:
        with Beside(serve):
            assert hot.exchange(here.fileno(), b"GET", b"", 9, 5, None) == (None, b"OK", True)
    finally:
        signal.signal(signal.SIGUSR1, before)


def test_what_a_signal_s_handler_raises_ends_the_wait(pair: Pair) -> None:
    here, there = pair
    is_over = threading.Event()

    def serve() -> None:
        there.recv(3)
        while not is_over.wait(0.01):
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGUSR1)

    def end(*_: object) -> None:
        if not is_over.is_set():
            is_over.set()
            raise KeyboardInterrupt

    before = signal.signal(signal.SIGUSR1, end)
    try:
        with Beside(serve), pytest.raises(KeyboardInterrupt):
            hot.exchange(here.fileno(), b"GET", b"", 9, 5, 5)
    finally:
        signal.signal(signal.SIGUSR1, before)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ((), TypeError),
        ((-1, b"", b"", 1, 1, 1), ValueError),
        ((0, "", b"", 1, 1, 1), TypeError),
        ((0, b"", b"", -1, 1, 1), ValueError),
        ((0, b"", b"", 1, "1", 1), TypeError),
    ],
)
def test_what_is_no_request_is_refused(arguments: tuple[object, ...], error: type[Exception]) -> None:
    with pytest.raises(error):
        hot.exchange(*arguments)
