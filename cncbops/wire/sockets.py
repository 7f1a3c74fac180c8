"""What a request is sent over, and its answer read from: a connection that stands.

A plain socket is used in C where that is built: the request goes, and the first of the answer comes, while other
threads run Python. Where TLS lies between, or there is no C, each step is the socket's own.
"""

import socket
from typing import Any, NamedTuple, Protocol

from urllib3.util.connection import is_connection_dropped

from cncbops.native import hot
from cncbops.wire.reply import Broken, Receiving

_FIRST = 16 * 1024
_PIECE = 256 * 1024


class Limits(NamedTuple):
    """Seconds that a step may take, None for ever: to send, and to receive."""

    send_s: float | None
    read_s: float | None


class Asked(Receiving, Protocol):
    """A connection that carries one exchange after another."""

    def ask(self, head: bytes, body: bytes) -> tuple[bytes, bool] | None:
        """Send a request, and receive what comes first of the answer; and whether all of the request was sent.

        What closes before that may have answered. None where the other side had closed it before: nothing was sent.
        Raises Broken if the request is not taken, TimeoutError if nothing comes, and OSError.
        """


def asked_over(connection: Any, limits: Limits) -> Asked:
    """A connection of urllib3's that was made."""
    if hot and type(connection.sock) is socket.socket:
        return _Plain(connection.sock.fileno(), limits)
    return _Layered(connection, limits)


class _Plain:
    def __init__(self, descriptor: int, limits: Limits) -> None:
        self._descriptor, self._limits = descriptor, limits

    def ask(self, head: bytes, body: bytes) -> tuple[bytes, bool] | None:
        try:
            return hot.ask(self._descriptor, head, body, _FIRST, *self._limits)
        except BlockingIOError as error:
            raise Broken("it does not take the request") from error

    def receive(self, least: int, most: int, held: bytes = b"") -> bytes:
        return hot.receive(self._descriptor, least, most, self._limits.read_s, held)


class _Layered:
    def __init__(self, connection: Any, limits: Limits) -> None:
        self._connection, self._socket, self._limits = connection, connection.sock, limits

    def ask(self, head: bytes, body: bytes) -> tuple[bytes, bool] | None:
        if is_connection_dropped(self._connection):
            return None
        self._socket.settimeout(self._limits.send_s)  # as urllib3 does while it sends
        is_sent = False
        try:
            self._socket.sendall(head + body)
            is_sent = True
        except (BrokenPipeError, ConnectionResetError):
            pass  # it may have answered before it closed
        except TimeoutError as error:
            raise Broken("it does not take the request") from error
        self._socket.settimeout(self._limits.read_s)
        return self._socket.recv(_FIRST), is_sent

    def receive(self, least: int, most: int, held: bytes = b"") -> bytes:
        pieces, received = [held], 0
        while received < least and (piece := self._socket.recv(min(most - received, _PIECE))):
            pieces.append(piece)
            received += len(piece)
        return b"".join(pieces)
