"""How a process keeps its memory small though many threads of it take and give back large pieces."""

import ctypes
import sys

_M_ARENA_MAX, _M_MMAP_THRESHOLD = -8, -3
"""glibc's numbers for them: mallopt(3)."""

_LARGE_BYTES = 64 * 1024


def share_one_arena() -> None:
    """Let all threads that begin from now on take memory from one pool, where the C library has one for each.

    Records are read by some threads and sent by others: pools of their own would each grow to the most that ever was
    in one, for a third more memory in all. What a lock more costs could not be measured.
    """
    _set(_M_ARENA_MAX, 1)


def keep_large_apart() -> None:
    """Take large pieces from the system and give them back to it, each by itself.

    The C library takes them from where small ones lie, once some were given back: messages between small things that
    stay left holes, 25 bytes for each object of a lake.
    """
    _set(_M_MMAP_THRESHOLD, _LARGE_BYTES)


def _set(option: int, value: int) -> None:
    if sys.platform == "linux":
        mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # musl has none
        if mallopt:
            mallopt(option, value)
