"""HTTP on a plain socket that stays open: as little as S3 and Lambda need."""

import socket

_HEAD_BYTES = 64 * 1024


class Connection:
    """One request at a time; `send`, then `receive`."""

    def __init__(self, host: str, port: int) -> None:
        self._socket = socket.create_connection((host, port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.is_waiting = False

    def send(self, head: bytes, body: bytes = b"") -> None:
        """Send a request, whose answer is to be received before the next."""
        self._socket.sendall(head)
        if body:
            self._socket.sendall(body)
        self.is_waiting = True

    def receive(self) -> bytes | bytearray:
        """The body of the answer. Raises OSError where it says that something failed."""
        head, rest = self._head()
        self.is_waiting = False
        if not head.startswith(b"HTTP/1.1 2"):
            raise OSError(head.partition(b"\r\n")[0].decode())
        return self._body(rest, _length(head))

    def _head(self) -> tuple[bytes, bytes]:
        received = b""
        while (end := received.find(b"\r\n\r\n")) < 0:
            more = self._socket.recv(_HEAD_BYTES)
            if not more:
                raise OSError("the connection was closed")
            received += more
        return received[:end].lower().replace(b"http", b"HTTP", 1), received[end + 4 :]

    def _body(self, start: bytes, length: int) -> bytes | bytearray:
        if len(start) == length:
            return start
        body = bytearray(length)
        body[: len(start)] = start
        view, filled = memoryview(body), len(start)
        while filled < length:
            count = self._socket.recv_into(view[filled:])
            if not count:
                raise OSError("the answer was cut")
            filled += count
        return body


def _length(head: bytes) -> int:
    _, found, rest = head.partition(b"content-length:")
    return int(rest.partition(b"\r\n")[0]) if found else 0
