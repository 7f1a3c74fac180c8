"""Check endpoints that misbehave on the wire: each connection is given to a function of the test."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

Behaviour = Callable[[socket.socket, threading.Event], None]
"""What is done with a connection whose request has arrived; the event is set when the endpoint ends."""

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


class Endpoint:
    """A listening socket; `arrived` counts connections."""

    def __init__(self, *behaviours: Behaviour) -> None:
        """The n-th connection gets the n-th behaviour, further ones the last."""
        self.arrived = 0
        self._behaviours = behaviours
        self._ended = threading.Event()
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}/john/check"
        self._threads = [threading.Thread(target=self._listen)]
        self._threads[0].start()

    def close(self) -> None:
        self._ended.set()
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        for thread in self._threads:
            thread.join()

    def _listen(self) -> None:
        with suppress(OSError):
            while not self._ended.is_set():
                connection, _ = self._listening.accept()
                behaviour = self._behaviours[min(self.arrived, len(self._behaviours) - 1)]
                self.arrived += 1
                self._threads.append(threading.Thread(target=self._serve, args=(connection, behaviour)))
                self._threads[-1].start()

    def _serve(self, connection: socket.socket, behaviour: Behaviour) -> None:
        with connection, suppress(OSError):
            connection.recv(65536)
            behaviour(connection, self._ended)


@contextmanager
def endpoint(*behaviours: Behaviour) -> Iterator[Endpoint]:
    """An endpoint that behaves like this."""
    served = Endpoint(*behaviours)
    try:
        yield served
    finally:
        served.close()


def answers(body: bytes, status: str = "200 OK", headers: bytes = b"") -> Behaviour:
    """A whole answer."""

    def answer(connection: socket.socket, _: threading.Event) -> None:
        head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n".encode()
        connection.sendall(head + headers + b"\r\n" + body)

    return answer


def hangs(_: socket.socket, ended: threading.Event) -> None:
    """Takes the request and says nothing."""
    ended.wait()


def resets(connection: socket.socket, _: threading.Event) -> None:
    """Breaks the connection off with a reset."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")


def trickles(connection: socket.socket, ended: threading.Event) -> None:
    """Begins an answer at once, and sends a byte of it every now and then, never silent for long."""
    connection.sendall(HEAD + b"Content-Length: 1000\r\n\r\n")
    while not ended.wait(0.2):
        connection.sendall(b" ")
