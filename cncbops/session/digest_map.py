"""Which of millions of digests were met before, and what was told of each first: in memory up to some, then on disk."""

from array import array
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from struct import Struct
from typing import Protocol

from cncbops.faults.identity import DIGEST_BYTES, parted
from cncbops.native import hot
from cncbops.session.scratch import Kept, noting

MOST_HELD = 300_000
"""In memory: some 7 MB in C, 11 with numbers."""

_FILTER_BYTES = 4 * 1024 * 1024
"""Where four million digests are on disk, one in twenty that are new is asked about there."""
_NUMBER_BYTES = 8
_NUMBERED = Struct(f"={DIGEST_BYTES}sq")


class _Held(Protocol):
    """Those in memory."""

    def add(self, digests: bytes, /) -> list[int]:
        """Hold digests, which are end to end; the indices of those that are held already."""

    def firsts(self, digests: bytes, numbers: bytes, /) -> bytes:
        """Hold digests, each with a number of eight bytes; the numbers that they were held with first."""

    def take(self) -> bytes:
        """All of them, in their order, each before its number if they have any; none is held any more."""

    def __len__(self) -> int:
        """How many they are."""


class _Dict:
    """The same as there is in C, in three times the memory."""

    def __init__(self) -> None:
        self._numbers: dict[bytes, bytes] = {}

    def __len__(self) -> int:
        return len(self._numbers)

    def add(self, digests: bytes) -> list[int]:
        """Hold digests, which are end to end; the indices of those that are held already."""
        again = []
        for at, digest in enumerate(parted(digests)):
            if digest in self._numbers:
                again.append(at)
            self._numbers[digest] = b""
        return again

    def firsts(self, digests: bytes, numbers: bytes) -> bytes:
        """Hold digests, each with a number of eight bytes; the numbers that they were held with first."""
        each = (numbers[at : at + _NUMBER_BYTES] for at in range(0, len(numbers), _NUMBER_BYTES))
        return b"".join(map(self._numbers.setdefault, parted(digests), each))

    def take(self) -> bytes:
        """All of them, in their order, each before its number if they have any; none is held any more."""
        taken, self._numbers = sorted(self._numbers.items()), {}
        return b"".join(digest + number for digest, number in taken)


class _OnDisk:
    """Those on disk. Of nearly all that are new it is known in memory that they are not there, where there is the C."""

    def __init__(self) -> None:
        self._kept = Kept()
        self._bits = bytearray(_FILTER_BYTES if hot else 0)

    def add(self, entries: bytes, *, is_numbered: bool) -> None:
        """Bring entries there, in their order, whose digests are not."""
        size = _NUMBERED.size if is_numbered else DIGEST_BYTES
        if hot:
            hot.mark_digests(self._bits, entries, size)
        self._kept.add(_alike(entries) if is_numbered else [(None, entries)])

    def of(self, digests: bytes) -> Mapping[int, int | None]:
        """The indices of digests that are there, with what was told of them."""
        each = parted(digests)
        asked = hot.marked_digests(self._bits, digests) if hot else range(len(each))
        known = self._kept.of([each[at] for at in asked])
        return {at: known[each[at]] for at in asked if each[at] in known}


def _alike(entries: bytes) -> Iterator[tuple[int, bytes]]:
    """Entries that follow one another and have one number: that, and their digests end to end."""
    for number, alike in groupby(_NUMBERED.iter_unpack(entries), lambda entry: entry[1]):
        yield number, b"".join([digest for digest, _ in alike])


class _Digests:
    """In memory, and on disk beyond some of them."""

    def __init__(self, most_held: int, *, is_numbered: bool) -> None:
        self._most_held, self._is_numbered = most_held, is_numbered
        self._held: _Held = hot.DigestMap(is_numbered) if hot else _Dict()
        self._on_disk: _OnDisk | None = None

    def _known(self, digests: bytes) -> Mapping[int, int | None]:
        """Those on disk."""
        return self._on_disk.of(digests) if self._on_disk else {}

    def _make_room(self) -> None:
        if len(self._held) >= self._most_held:
            self._on_disk = self._on_disk or _OnDisk()
            self._on_disk.add(self._held.take(), is_numbered=self._is_numbered)


class DigestSet(_Digests):
    """Digests, of DIGEST_BYTES."""

    def __init__(self, most_held: int) -> None:
        super().__init__(most_held, is_numbered=False)

    def again(self, digests: bytes) -> list[int]:
        """The indices of those that were met before, and are met now. Raises CannotRun where these cannot be noted."""
        with noting():
            known = self._known(digests)
            again = self._again_beside(known, digests) if known else self._held.add(digests)
            self._make_room()
        return again

    def _again_beside(self, known: Mapping[int, object], digests: bytes) -> list[int]:
        """The same where some are known, which are not to be held, too."""
        each = parted(digests)
        new = [at for at in range(len(each)) if at not in known]
        return sorted([*known, *(new[at] for at in self._held.add(b"".join([each[at] for at in new])))])


class FirstNumbers(_Digests):
    """The numbers, of 63 bits, that were told first of digests, of DIGEST_BYTES."""

    def __init__(self, most_held: int) -> None:
        super().__init__(most_held, is_numbered=True)

    def firsts(self, digests: bytes, numbers: Sequence[int]) -> list[int]:
        """What was told first of digests, which are end to end: these, where nothing was before.

        Raises CannotRun where it cannot be noted.
        """
        with noting():
            known = self._known(digests)
            firsts = self._firsts_beside(known, digests, numbers) if known else self._firsts(digests, numbers)
            self._make_room()
        return firsts

    def _firsts(self, digests: bytes, numbers: Sequence[int]) -> list[int]:
        return array("q", self._held.firsts(digests, array("q", numbers).tobytes())).tolist()

    def _firsts_beside(self, known: Mapping[int, int | None], digests: bytes, numbers: Sequence[int]) -> list[int]:
        """The same where some are known, which are not to be held, too."""
        each = parted(digests)
        new = [at for at in range(len(each)) if at not in known]
        found = dict(known)
        firsts = self._firsts(b"".join([each[at] for at in new]), [numbers[at] for at in new])
        found.update(zip(new, firsts, strict=True))
        return [found[at] or 0 for at in range(len(each))]
