"""How a process keeps its memory small though many threads of it take and give back large pieces."""

import ctypes
import sys

_M_ARENA_MAX, _M_MMAP_THRESHOLD = -8, -3
"""glibc's numbers for them: mallopt(3)."""

MESSAGE_BYTES = 64 * 1024
"""Of the larger ones between a cluster's coordinator and its workers."""

BODY_BYTES = 1024 * 1024
"""Of the larger bodies, messages and blocks at a place: seldom enough that what the system asks for them is little."""


def share_one_arena() -> None:
    """Let all threads that begin from now on take memory from one pool, where the C library has one for each.

    Records are read by some threads and sent by others: pools of their own would each grow to the most that ever was
    in one, for a third more memory in all. What a lock more costs could not be measured.
    """
    _set(_M_ARENA_MAX, 1)


def keep_large_apart(least_bytes: int) -> None:
    """Take pieces of that size and more from the system and give them back to it, each by itself.

    The C library takes them from where small ones lie, once some were given back: messages between small things that
    stay left holes, 25 bytes for each object of a lake; bodies of a thousand records, 5 MB at each place.
    """
    _set(_M_MMAP_THRESHOLD, least_bytes)


def give_back() -> None:
    """Give the system back what is free between small things; what is taken of it later is no other process's copy."""
    _call("malloc_trim", 0)


def _set(option: int, value: int) -> None:
    _call("mallopt", option, value)


def _call(name: str, *arguments: int) -> None:
    if sys.platform == "linux":
        function = getattr(ctypes.CDLL(None), name, None)  # musl has none
        if function:
            function(*arguments)
