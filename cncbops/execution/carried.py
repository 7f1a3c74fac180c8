"""What a cut leaves over, on its way to the next one, which may be in another process.

It goes by way of whoever coordinates them, who has no use for what is in it: there it stays as it was packed.
"""

import pickle
from collections.abc import Iterator, Sequence
from typing import overload

from cncbops.kinesis.record import Record
from cncbops.native import hot


class Carried(Sequence[Record]):
    """Records that are carried over; packed where they come from another process, until they are looked at."""

    def __init__(self, records: Sequence[Record]) -> None:
        self._count, self._records, self._packed = len(records), records, b""

    def __getstate__(self) -> tuple[int, bytes]:
        return self._count, self._packed or _dumped(self._records)

    def __setstate__(self, state: tuple[int, bytes]) -> None:
        self._count, self._packed = state
        self._records = ()

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Record]:
        return iter(self._opened())

    @overload
    def __getitem__(self, at: int) -> Record: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[Record]: ...
    def __getitem__(self, at: int | slice) -> Record | Sequence[Record]:
        return self._opened()[at]

    def _opened(self) -> Sequence[Record]:
        if self._packed:
            self._records, self._packed = _loaded(self._packed), b""
        return self._records


def _dumped(records: Sequence[Record]) -> bytes:
    """Records as bytes; packed ones stay packed, which is a tenth of the work."""
    packed = hot.pack_records(records) if hot else None
    return pickle.dumps(packed or list(records), protocol=5)


def _loaded(dumped: bytes) -> Sequence[Record]:
    found = pickle.loads(dumped)  # noqa: S301  of a place of this session
    return found if isinstance(found, list) else hot.unpack_records(*found)
