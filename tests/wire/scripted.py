"""A server that answers with bytes as they are given, and remembers what came over which connection."""

import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import NamedTuple, Self

from botocore.httpsession import URLLib3Session


@dataclass
class Answer:
    """What is sent for one request, and what becomes of the connection then: keep, close, reset or wait."""

    data: bytes = b""
    then: str = "keep"
    released: threading.Event = field(default_factory=threading.Event)


class Request(NamedTuple):
    connection: int
    line: str
    headers: dict[str, str]
    body: bytes


def ok(body: bytes = b"", status: str = "200 OK", **headers: str) -> Answer:
    lines = {"Content-Length": str(len(body)), **{name.replace("_", "-"): value for name, value in headers.items()}}
    text = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return Answer(f"HTTP/1.1 {status}\r\n{text}\r\n".encode() + body)


class Scripted:
    """Serves each connection in a thread. `answer` is asked for each request; `answers` gives one after the other."""

    def __init__(self, answers: Sequence[Answer] = (), tls: ssl.SSLContext | None = None) -> None:
        self.answers = list(answers)
        self.answer: Callable[[Request], Answer] = lambda _: self.answers.pop(0) if self.answers else ok()
        self.requests: list[Request] = []
        self.connections = 0
        self._tls = tls
        self._open: list[socket.socket] = []
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self.hang_up()
        self._thread.join()

    def hang_up(self) -> None:
        """Close all connections, as a server does with idle ones."""
        for connection in self._open:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self._open.clear()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listening.accept()
                self.connections += 1
                self._open.append(connection)
                threading.Thread(target=self._serve, args=(connection, self.connections), daemon=True).start()

    def _serve(self, connection: socket.socket, number: int) -> None:
        with suppress(OSError, ValueError):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            stream = self._tls.wrap_socket(connection, server_side=True) if self._tls else connection
            with stream, stream.makefile("rb") as incoming:
                while request := read_request(incoming, number):
                    self.requests.append(request)
                    answer = self.answer(request)
                    stream.sendall(answer.data)
                    if not self._goes_on(stream, answer):
                        return

    def _goes_on(self, stream: socket.socket, answer: Answer) -> bool:
        if answer.then == "wait":
            answer.released.wait(5)
        if answer.then == "reset":
            stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        if answer.then == "close":
            with suppress(OSError):
                stream.shutdown(socket.SHUT_RDWR)
        return answer.then == "keep"


def read_request(incoming: "object", number: int) -> Request | None:
    line = incoming.readline().decode().strip()  # type: ignore[attr-defined]
    if not line:
        return None
    headers = {}
    while header := incoming.readline().decode().strip():  # type: ignore[attr-defined]
        name, _, value = header.partition(":")
        headers[name.lower()] = value.strip()
    return Request(number, line, headers, incoming.read(int(headers.get("content-length", 0))))  # type: ignore[attr-defined]


class Tunnel(Scripted):
    """A proxy: forwards what is asked of it by CONNECT; answers anything else itself."""

    def _serve(self, connection: socket.socket, number: int) -> None:
        with suppress(OSError), connection:
            incoming = connection.makefile("rb", buffering=0)
            request = read_request(incoming, number)
            if request is None:
                return
            self.requests.append(request)
            if not request.line.startswith("CONNECT "):
                connection.sendall(self.answer(request).data)
                return
            host, _, port = request.line.split()[1].partition(":")
            with socket.create_connection((host, int(port))) as other:
                connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                back = threading.Thread(target=_pump, args=(other, connection), daemon=True)
                back.start()
                _pump(connection, other)


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)


def soon(condition: Callable[[], bool], timeout_s: float = 60) -> bool:
    end = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.001)
    return True


class Counted:
    """Counts what goes through botocore's own HTTP session."""

    def __init__(self, send: Callable[..., object]) -> None:
        self.calls = 0
        self._send = send

    def __call__(self, session: URLLib3Session, request: object) -> object:
        self.calls += 1
        return self._send(session, request)


class Certificate(NamedTuple):
    """A certificate for 127.0.0.1 that nobody vouches for but its own bundle."""

    server: ssl.SSLContext
    bundle: str
