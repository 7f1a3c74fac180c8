"""What a request is sent over, and its answer read from: a connection that stands.

A plain socket is used in C where that is built: the request goes, and the answer comes, while other threads run Python.
Where TLS lies between, or there is no C, each step is the socket's own.
"""

import socket
from typing import Any, NamedTuple, Protocol

from urllib3.util.connection import is_connection_dropped

from cncbops.native import hot
from cncbops.wire.reply import Broken, Reply, read_reply, read_rest

_FIRST = 16 * 1024
_PIECE = 256 * 1024


class Limits(NamedTuple):
    """Seconds that a step may take, None for ever: to send, and to receive."""

    send_s: float | None
    read_s: float | None


class Standing(Protocol):
    """A connection that carries one exchange after another."""

    def exchange(self, head: bytes, body: bytes, expected: int) -> tuple[Reply, bool] | None:
        """Send a request and read its answer; and whether the connection may carry another.

        A body of `expected` bytes is received with the least effort. None where the other side had closed it before:
        nothing was sent. Raises Broken if the request is not taken, TimeoutError if nothing comes, OSError, and what
        `read_reply` does.
        """


def standing(connection: Any, limits: Limits) -> Standing:
    """A connection of urllib3's that was made."""
    if hot and type(connection.sock) is socket.socket:
        return _Plain(connection.sock.fileno(), limits)
    return _Layered(connection, limits)


class _Plain:
    def __init__(self, descriptor: int, limits: Limits) -> None:
        self._descriptor, self._limits = descriptor, limits

    def exchange(self, head: bytes, body: bytes, expected: int) -> tuple[Reply, bool] | None:
        try:
            came = hot.exchange(self._descriptor, head, body, expected, *self._limits)
        except BlockingIOError as error:
            raise Broken("it does not take the request") from error
        if came is None:
            return None
        usual, rest, is_sent = came
        reply, keeps = read_rest(self, usual, rest)
        return reply, keeps and is_sent

    def receive(self, least: int, most: int, held: bytes = b"") -> bytes:
        return hot.receive(self._descriptor, least, most, self._limits.read_s, held)


class _Layered:
    def __init__(self, connection: Any, limits: Limits) -> None:
        self._connection, self._socket, self._limits = connection, connection.sock, limits

    def exchange(self, head: bytes, body: bytes, expected: int) -> tuple[Reply, bool] | None:  # noqa: ARG002
        if is_connection_dropped(self._connection):
            return None
        is_sent = self._send(head + body)
        self._socket.settimeout(self._limits.read_s)
        reply, keeps = read_reply(self, self._socket.recv(_FIRST))
        return reply, keeps and is_sent

    def _send(self, request: bytes) -> bool:
        """Whether all was sent: what closes before that may have answered."""
        self._socket.settimeout(self._limits.send_s)  # as urllib3 does while it sends
        try:
            self._socket.sendall(request)
        except (BrokenPipeError, ConnectionResetError):
            return False
        except TimeoutError as error:
            raise Broken("it does not take the request") from error
        return True

    def receive(self, least: int, most: int, held: bytes = b"") -> bytes:
        pieces, received = [held], 0
        while received < least and (piece := self._socket.recv(min(most - received, _PIECE))):
            pieces.append(piece)
            received += len(piece)
        return b"".join(pieces)
