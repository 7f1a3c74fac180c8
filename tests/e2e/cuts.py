"""A way to a server that can be cut while it is in use."""

import socket
import threading
from contextlib import suppress
from typing import Self


class Way:
    """Takes connections at `address` and passes on what goes through them, both ways; to be used with `with`."""

    def __init__(self, to: str) -> None:
        """`to` is `tcp://HOST:PORT`."""
        host, port = to.removeprefix("tcp://").split(":")
        self._to = (host, int(port))
        self._server = socket.create_server(("127.0.0.1", 0))
        self.address = f"tcp://127.0.0.1:{self._server.getsockname()[1]}"
        self._ends: list[socket.socket] = []

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.close()
        self.cut()

    def cut(self) -> None:
        """End all connections that there are."""
        for end in self._ends:
            _shut(end)

    def _accept(self) -> None:
        with suppress(OSError):  # closed
            while True:
                here, _ = self._server.accept()
                there = socket.create_connection(self._to)
                self._ends += [here, there]
                for ends in ((here, there), (there, here)):
                    threading.Thread(target=_pass_on, args=ends, daemon=True).start()


def _pass_on(one: socket.socket, other: socket.socket) -> None:
    with suppress(OSError):
        while data := one.recv(65_536):
            other.sendall(data)
    _shut(one)
    _shut(other)


def _shut(end: socket.socket) -> None:
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
