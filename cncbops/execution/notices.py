"""What the processes of one machine find out, told to one another: each thing is asked of AWS by one of them."""

import fcntl
import io
import os
import pickle
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

_BEGIN = 8
"""Before the notices, how far they go: one of a process that was killed as it wrote is none."""


class NoticeBoard:
    """A file in memory that nothing else opens, for one process at a time.

    To be made before the processes that share it are forked. Threads of one process are not told apart.
    """

    def __init__(self) -> None:
        self._file = os.memfd_create("cncbops-notices")
        self._end = _BEGIN  # of those that this process knows
        weakref.finalize(self, os.close, self._file)

    @classmethod
    def of_this_system(cls) -> "NoticeBoard | None":
        """A new one; None where there are no such files, be it of the system or of how Python was built."""
        try:
            return cls()
        except (AttributeError, OSError):
            return None

    @contextmanager
    def turn(self) -> Iterator[Sequence[Any]]:
        """Wait for this process's turn, which ends with it at the latest: what others told since the one before."""
        fcntl.lockf(self._file, fcntl.LOCK_EX)
        try:
            yield self._news()
        finally:
            fcntl.lockf(self._file, fcntl.LOCK_UN)

    def tell(self, notice: Any) -> None:
        """Let the others know something that can be pickled; in this process's turn."""
        end = self._end + os.pwrite(self._file, pickle.dumps(notice, protocol=5), self._end)
        os.pwrite(self._file, end.to_bytes(_BEGIN, "big"), 0)
        self._end = end

    def _news(self) -> Sequence[Any]:
        end = int.from_bytes(os.pread(self._file, _BEGIN, 0), "big") or _BEGIN
        told = io.BytesIO(os.pread(self._file, end - self._end, self._end))
        self._end, news = end, list[Any]()
        while told.tell() < len(told.getbuffer()):
            news.append(pickle.load(told))  # noqa: S301  of a process of this session
        return news
