"""Messages between two processes of this machine.

What multiprocessing's own connections do in two calls of the system for each message, a call here does for all that
have come by then.
"""

import socket
from collections.abc import Sequence

_LENGTH_BYTES = 8
_PIECE = 256 * 1024


class Channel:
    """One end. One thread at a time may send, and one receive."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end
        self._piece = bytearray(_PIECE)
        self._held = 0  # bytes at its start: the beginning of a length
        self._message = bytearray()  # one that is not whole yet, in its full length; so much of it has come
        self._come = 0

    def fileno(self) -> int:
        """Its descriptor, by which can be waited for what comes."""
        return self._end.fileno()

    def send(self, message: bytes) -> None:
        """Send a message. Raises OSError where the other end is closed."""
        length = len(message).to_bytes(_LENGTH_BYTES)
        sent = self._end.sendmsg([length, message])
        if sent < len(length) + len(message):
            self._end.sendall(memoryview(length + message)[sent:])

    def receive(self) -> Sequence[bytes | bytearray]:
        """The messages that what comes next makes whole, which may be none; waits for it.

        Raises EOFError or OSError where the other end is closed.
        """
        missing = memoryview(self._message)[self._come :]
        count, *_ = self._end.recvmsg_into([missing, memoryview(self._piece)[self._held :]])
        if not count:
            raise EOFError
        if count < len(missing):
            self._come += count
            return ()
        whole, self._message, self._come = self._message, bytearray(), 0
        messages = self._parted(self._held + count - len(missing))
        return [whole, *messages] if missing else messages

    def _parted(self, upto: int) -> list[bytes | bytearray]:
        """The messages in the first bytes of the piece; of what is not whole the beginning is kept."""
        piece, start = memoryview(self._piece), 0
        messages: list[bytes | bytearray] = []
        while (body := start + _LENGTH_BYTES) <= upto:
            end = body + int.from_bytes(piece[start:body])
            if end > upto:
                self._begin(end - body, piece[body:upto])
                start = upto
                break
            messages.append(bytes(piece[body:end]))
            start = end
        self._held = upto - start
        piece[: self._held] = piece[start:upto]
        return messages

    def _begin(self, length: int, first: memoryview) -> None:
        """Have the rest of a message come to where it stays: a large one is copied no more often than it must."""
        self._message, self._come = bytearray(length), len(first)
        self._message[: len(first)] = first

    def close(self) -> None:
        """Let the other end know that nothing more comes."""
        self._end.close()


def channel() -> tuple[Channel, Channel]:
    """Both ends of a new one."""
    here, there = socket.socketpair()
    return Channel(here), Channel(there)
