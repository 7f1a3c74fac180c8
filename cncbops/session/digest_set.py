"""Which of millions of digests were met before."""

from typing import Protocol

from cncbops.faults.identity import DIGEST_BYTES, parted
from cncbops.native import hot
from cncbops.session.scratch import Kept, noting

MOST_HELD = 300_000
"""In memory: some 7 MB in C."""

_FILTER_BYTES = 4 * 1024 * 1024
"""Where four million digests are on disk, one in twenty that are new is asked about there."""


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


class _OnDisk:
    """Those on disk. Of nearly all that are new it is known in memory that they are not there, where there is the C."""

    def __init__(self) -> None:
        self._kept = Kept[str | None]()
        self._bits = bytearray(_FILTER_BYTES if hot else 0)

    def add(self, digests: bytes) -> None:
        """Bring digests there that are not, in their order."""
        if hot:
            hot.mark_digests(self._bits, digests, DIGEST_BYTES)
        self._kept.add([(None, digests)])

    def of(self, digests: bytes) -> set[int]:
        """The indices of digests that are there."""
        each = parted(digests)
        asked = hot.marked_digests(self._bits, digests) if hot else range(len(each))
        known = self._kept.of([each[at] for at in asked])
        return {at for at in asked if each[at] in known}


class DigestSet:
    """Digests, of DIGEST_BYTES; on disk beyond some of them."""

    def __init__(self, most_held: int = MOST_HELD) -> None:
        self._most_held = most_held
        self._held: _Held = hot.DigestSet() if hot else _Set()
        self._on_disk: _OnDisk | None = None

    def again(self, digests: bytes) -> list[int]:
        """The indices of those that were met before, and are met now. Raises CannotRun where these cannot be noted."""
        with noting():
            known = self._on_disk.of(digests) if self._on_disk else set[int]()
            again = self._again_beside(known, digests) if known else self._held.add(digests)
            if len(self._held) >= self._most_held:
                self._on_disk = self._on_disk or _OnDisk()
                self._on_disk.add(self._held.take())
        return again

    def _again_beside(self, known: set[int], digests: bytes) -> list[int]:
        """The same where some are known, which are not to be held, too."""
        each = parted(digests)
        new = [at for at in range(len(each)) if at not in known]
        return sorted([*known, *(new[at] for at in self._held.add(b"".join([each[at] for at in new])))])
