"""What goes to workers, packed so that nothing goes along that is a matter of this machine.

A worker calls AWS as who it is there, or in the given role: access goes without the profile, which is one of this
machine, and with the region that is in force here. And what the ledger remembers stays with it: what is sent in its
place asks for it (see `asking`).
"""

import io
import pickle
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from cncbops.aws import Aws, AwsAccess
from cncbops.cluster.at_hand import taken
from cncbops.ledger.resubmitted import Resubmitted
from cncbops.session.memory import Memory


class Kept:
    """The memories that stay here while others ask for them, by number; and the profile, but to workers `here`."""

    def __init__(self, *, here: bool = False) -> None:
        self.here = here
        self._memories: list[Memory] = []

    def number_of(self, memory: Memory) -> int:
        """The number under which it is asked for."""
        for number, known in enumerate(self._memories):
            if known is memory:
                return number
        self._memories.append(memory)
        return len(self._memories) - 1

    def __getitem__(self, number: int) -> Memory:
        return self._memories[number]


def packed(what: Any, kept: Kept) -> bytes:
    """Something as it goes to a worker; what must stay here is kept."""
    buffer = io.BytesIO()
    _Packer(buffer, kept).dump(what)
    return buffer.getvalue()


def unpacked(parcels: bytes, memory: Callable[[int], Memory]) -> Iterator[Any]:
    """What was packed, of any number of parcels one behind another; `memory` makes what asks for one that was kept."""
    stream = io.BytesIO(parcels)
    while stream.tell() < len(parcels):
        yield _Unpacker(stream, memory).load()


class _Packer(pickle.Pickler):
    def __init__(self, file: io.BytesIO, kept: Kept) -> None:
        super().__init__(file, protocol=5)
        self._kept = kept

    def persistent_id(self, what: Any) -> int | None:
        return self._kept.number_of(what) if isinstance(what, Resubmitted) else None

    def reducer_override(self, what: Any) -> Any:
        if isinstance(what, Aws):
            return taken, (replace(what.access, region=what.known_region),)
        if isinstance(what, AwsAccess) and not self._kept.here:
            return _access, tuple(what.kept().items())
        return NotImplemented


def _access(*kept: tuple[str, str | None]) -> AwsAccess:
    return AwsAccess(**dict(kept))


class _Unpacker(pickle.Unpickler):
    def __init__(self, file: io.BytesIO, memory: Callable[[int], Memory]) -> None:
        super().__init__(file)
        self._memory = memory

    def persistent_load(self, number: int) -> Memory:
        return self._memory(number)
