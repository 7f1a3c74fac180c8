"""Which of millions of digests were met before."""

import sys
from array import array
from collections.abc import Iterator, Sequence
from itertools import repeat
from operator import contains, rshift

from cncbops.session.digest import DIGEST_BYTES
from cncbops.session.scratch import Kept, noting

MOST_HELD = 1_000_000
"""In memory: some 20 MB."""

_BITS = 12
_BUCKETS = 1 << _BITS


class DigestSet:
    """Digests, of DIGEST_BYTES; on disk beyond some of them.

    They stand end to end in buckets, by how they begin, which takes a fifth of the memory of a set.
    """

    def __init__(self, most_held: int = MOST_HELD) -> None:
        self._most_held, self._held = most_held, 0
        self._buckets = _empty()
        self._kept: Kept[str | None] | None = None

    def again(self, digests: Sequence[bytes]) -> list[int]:
        """The indices of those that were met before, and are met now. Raises CannotRun where these cannot be noted."""
        with noting():
            known = self._kept.of(digests) if self._kept else {}
        buckets = self._buckets_of(digests)
        again: list[int] = []
        if known or len(set(digests)) < len(digests) or any(map(contains, buckets, digests)):
            again = [at for at, digest in enumerate(digests) if digest in known or not _add(buckets[at], digest)]
        else:  # as nearly always
            for bucket, digest in zip(buckets, digests, strict=True):
                bucket += digest
        self._held += len(digests) - len(again)
        if self._held >= self._most_held:
            with noting():
                self._keep()
        return again

    def _buckets_of(self, digests: Sequence[bytes]) -> list[bytearray]:
        words = array("H", b"".join(digests))[:: DIGEST_BYTES // 2]
        if sys.byteorder == "little":
            words.byteswap()  # the buckets are in the order of what is in them
        return [*map(self._buckets.__getitem__, map(rshift, words, repeat(16 - _BITS)))]

    def _keep(self) -> None:
        """Bring to disk what is held: sorted, so that the pages of the table are written one after another."""
        self._kept = self._kept or Kept()
        self._kept.add((None, sorted(_apart(bucket))) for bucket in self._buckets if bucket)
        self._buckets, self._held = _empty(), 0


def _empty() -> list[bytearray]:
    return [bytearray() for _ in range(_BUCKETS)]


def _apart(bucket: bytearray) -> Iterator[bytes]:
    return (bytes(bucket[start : start + DIGEST_BYTES]) for start in range(0, len(bucket), DIGEST_BYTES))


def _add(bucket: bytearray, digest: bytes) -> bool:
    """Put a digest into its bucket, if it is not there; whether it was not."""
    at = bucket.find(digest)
    while at > 0 and at % DIGEST_BYTES:  # the end of one and the beginning of the next
        at = bucket.find(digest, at + 1)
    if at < 0:
        bucket += digest
    return at < 0
