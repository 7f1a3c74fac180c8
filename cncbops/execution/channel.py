"""Messages between two processes of this machine.

What multiprocessing's own connections do in two calls of the system for each message, a call here does for all that
have come by then.
"""

import socket

_LENGTH_BYTES = 8
_PIECE = 256 * 1024


class Channel:
    """One end. One thread at a time may send, and one receive."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end
        self._piece = bytearray(_PIECE)
        self._held = bytearray()  # the beginning of a message that is not whole yet

    def fileno(self) -> int:
        """Its descriptor, by which can be waited for what comes."""
        return self._end.fileno()

    def send(self, message: bytes) -> None:
        """Send a message. Raises OSError where the other end is closed."""
        self._end.sendall(len(message).to_bytes(_LENGTH_BYTES) + message)

    def receive(self) -> list[bytes]:
        """The messages that what comes next makes whole, which may be none; waits for it.

        Raises EOFError or OSError where the other end is closed.
        """
        count = self._end.recv_into(self._piece)
        if not count:
            raise EOFError
        self._held += memoryview(self._piece)[:count]
        messages, start = [], 0
        while (body := start + _LENGTH_BYTES) <= len(self._held):
            end = body + int.from_bytes(self._held[start:body])
            if end > len(self._held):
                break
            messages.append(bytes(memoryview(self._held)[body:end]))
            start = end
        del self._held[:start]
        return messages

    def close(self) -> None:
        """Let the other end know that nothing more comes."""
        self._end.close()


def channel() -> tuple[Channel, Channel]:
    """Both ends of a new one."""
    here, there = socket.socketpair()
    return Channel(here), Channel(there)
