"""How many event ids came more than once: exactly, by hashes of 64 bits that go to disk once they are many.

Two ids in a billion events share a hash with a probability of some 3 %; in a million, of one in 40 million.
"""

import tempfile
from collections.abc import Iterator, Sequence
from typing import IO

import numpy as np
from numpy.typing import NDArray

_IN_MEMORY = 1 << 18
"""Hashes (8 bytes each) that are held before they go to disk, sorted."""
_PARTS = 256
"""Of the range of hashes: a part's are counted together, so that memory stays small to billions of ids."""
_RECENT = 1 << 14
EXAMPLES = 10

_Hashes = NDArray[np.int64]
_EDGES = np.linspace(-(2.0**63), 2.0**63, _PARTS + 1)[1:-1].astype(np.int64)


class Repeats:
    """Counts ids that repeat. `examples` are some of those that came again within about _RECENT ids.

    Where the disk takes no more, ids that come after are not looked at: `ids` of those added are counted.
    """

    def __init__(self, in_memory: int = _IN_MEMORY) -> None:
        self._held: _Hashes = np.empty(in_memory, np.int64)
        self._fill = 0
        self._file: IO[bytes] | None = None
        self._spilled: list[tuple[int, NDArray[np.intp]]] = []
        self._recent: tuple[set[int], set[int]] = set(), set()
        self.examples: dict[str, None] = {}
        self.ids = 0
        self.is_disk_full = False

    def add(self, ids: Sequence[str]) -> None:
        """Look at some more ids."""
        hashes = list(map(hash, ids))
        if len(self.examples) < EXAMPLES:
            self._look_for_examples(ids, hashes)
        room = len(self._held)
        for start in range(0, len(hashes), room):
            self._hold(np.array(hashes[start : start + room], np.int64))

    def close(self) -> None:
        """Give the disk its room back."""
        if self._file:
            self._file.close()

    def counted(self) -> tuple[int, int]:
        """How many different ids came more than once, and how many events had an id that came before."""
        repeated = again = 0
        for part in self._parts():
            counts = np.unique(part, return_counts=True)[1]
            repeated += int(np.count_nonzero(counts > 1))
            again += len(part) - len(counts)
        return repeated, again

    def _hold(self, hashes: _Hashes) -> None:
        if self._fill + len(hashes) > len(self._held) and not self.is_disk_full:
            self._spill()
        if self.is_disk_full:
            return
        self._held[self._fill : self._fill + len(hashes)] = hashes
        self._fill += len(hashes)
        self.ids += len(hashes)

    def _spill(self) -> None:
        """Write what is held to disk; an OSError says that there is no room."""
        held = np.sort(self._held[: self._fill])
        try:
            self._file = self._file or tempfile.TemporaryFile()  # noqa: SIM115 - closed by `close`
            start = self._file.seek(0, 2)
            held.tofile(self._file)
            self._file.flush()
        except OSError:
            self.is_disk_full = True
            return
        self._spilled.append((start, _bounds(held)))
        self._fill = 0

    def _parts(self) -> Iterator[_Hashes]:
        """All hashes, part after part of their range."""
        held = np.sort(self._held[: self._fill])
        if not self._spilled:
            yield held
            return
        bounds = _bounds(held)
        for part in range(_PARTS):
            yield np.concatenate([held[bounds[part] : bounds[part + 1]], *self._read(part)])

    def _read(self, part: int) -> Iterator[_Hashes]:
        assert self._file is not None
        for start, bounds in self._spilled:
            self._file.seek(start + int(bounds[part]) * self._held.itemsize)
            yield np.fromfile(self._file, np.int64, int(bounds[part + 1] - bounds[part]))

    def _look_for_examples(self, ids: Sequence[str], hashes: Sequence[int]) -> None:
        newer, older = self._recent
        seen = set(hashes)
        if len(seen) < len(hashes) or not (newer.isdisjoint(seen) and older.isdisjoint(seen)):
            self._find_examples(ids, hashes)
        newer |= seen
        if len(newer) > _RECENT:
            self._recent = set(), newer

    def _find_examples(self, ids: Sequence[str], hashes: Sequence[int]) -> None:
        newer, older = self._recent
        seen: set[int] = set()
        for event_id, mark in zip(ids, hashes, strict=True):
            if (mark in seen or mark in newer or mark in older) and len(self.examples) < EXAMPLES:
                self.examples[event_id[:256]] = None
            seen.add(mark)


def _bounds(ordered: _Hashes) -> NDArray[np.intp]:
    """Where each part of the range begins among hashes in order, and where the last ends."""
    return np.concatenate([[0], np.searchsorted(ordered, _EDGES), [len(ordered)]])
