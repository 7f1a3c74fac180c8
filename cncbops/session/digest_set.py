"""Which of millions of digests were met before."""

from typing import Protocol

from cncbops.faults.identity import parted
from cncbops.native import hot
from cncbops.session.scratch import MOST_FRESH, Kept, noting

MOST_HELD = 1_000_000 if hot else MOST_FRESH
"""In memory: some 25 MB."""


class _Held(Protocol):
    """Those in memory."""

    def add(self, digests: bytes) -> list[int]:
        """Hold digests, which are end to end; the indices of those that are held already."""

    def take(self) -> bytes:
        """All of them, in their order; none is held any more."""

    def __len__(self) -> int:
        """How many they are."""


class _Set:
    """The same as there is in C, in three times the memory."""

    def __init__(self) -> None:
        self._digests: set[bytes] = set()

    def __len__(self) -> int:
        return len(self._digests)

    def add(self, digests: bytes) -> list[int]:
        """Hold digests, which are end to end; the indices of those that are held already."""
        again = []
        for at, digest in enumerate(parted(digests)):
            if digest in self._digests:
                again.append(at)
            self._digests.add(digest)
        return again

    def take(self) -> bytes:
        """All of them, in their order; none is held any more."""
        taken, self._digests = sorted(self._digests), set()
        return b"".join(taken)


class DigestSet:
    """Digests, of DIGEST_BYTES; on disk beyond some of them."""

    def __init__(self, most_held: int = MOST_HELD) -> None:
        self._most_held = most_held
        self._held: _Held = hot.DigestSet() if hot else _Set()
        self._kept: Kept[str | None] | None = None

    def again(self, digests: bytes) -> list[int]:
        """The indices of those that were met before, and are met now. Raises CannotRun where these cannot be noted."""
        again = self._again_beside(self._kept, digests) if self._kept else self._held.add(digests)
        if len(self._held) >= self._most_held:
            with noting():
                self._kept = self._kept or Kept()
                self._kept.add([(None, self._held.take())])
        return again

    def _again_beside(self, kept: Kept[str | None], digests: bytes) -> list[int]:
        each = parted(digests)
        with noting():
            known = kept.of(each)
        new = [at for at, digest in enumerate(each) if digest not in known]
        met = {new[at] for at in self._held.add(b"".join([each[at] for at in new]))}
        return [at for at, digest in enumerate(each) if digest in known or at in met]
