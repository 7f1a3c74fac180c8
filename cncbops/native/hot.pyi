from collections.abc import Callable, Iterable, Sequence
from typing import Literal, Self, final

from cncbops.faults.unit import Unit
from cncbops.formats.event import LakeEvent
from cncbops.kinesis.drafts import Filled, Shelf
from cncbops.kinesis.record import NameOf, Record
from cncbops.lake.objects import LakeObject
from cncbops.session.causes import Cause
from cncbops.wire.reply import Head
from cncbops.wire.signing import Template

# The events of lines, numbered from `first_line`; in place of one that is not usual, the line. Its UTF-8 is valid.
def read_events(format: str, make: type[LakeEvent], data: bytes, first_line: int, /) -> list[LakeEvent | bytes]: ...

# The fields of `Straight` in `cncbops.session.straight`, which says what the arguments are.
def read_records(
    *,
    format: str,
    data: bytes,
    first_line: int,
    make: type[Record],
    lake_object: LakeObject,
    first_place: int,
    order: str,
    time_ms: int,
    shard: str,
    start_ms: int,
    end_ms: int,
    is_wanted: Callable[[str | None], bool],
    name_of: NameOf,
) -> tuple[list[Record], int, int, int, int, int, dict[str | None, int], dict[int, int], tuple[int, int] | None]: ...

# A record whose fields, and JSON, are made when they are asked for; sent, and compared, as what `make` makes of it.
@final
class PackedRecord(Record): ...

# The same of a unit of work.
@final
class PackedUnit(Unit): ...

# As cncbops.session.digest_map has it.
class DigestMap:
    def __new__(cls, is_numbered: bool, /) -> Self: ...
    def add(self, digests: bytes, /) -> list[int]: ...
    def firsts(self, digests: bytes, numbers: bytes, /) -> bytes: ...
    def take(self) -> bytes: ...
    def __len__(self) -> int: ...

# As cncbops.kinesis.shelves has it.
class Shelving:
    def __new__(
        cls,
        shelves: dict[int, dict[str, Shelf]],
        make: Callable[[str, int], Shelf],
        known: dict[str, dict[str, int]] | None,
        lane_of: Callable[[Record], int] | None,
        /,
    ) -> Self: ...
    def put(self, records: tuple[Record, ...], start: int, /) -> int: ...

# The records of complete events of one object; `body_of` is asked for a body that is not usual.
def make_records(
    make: type[Record],
    body_of: Callable[[LakeEvent, bytes], bytes],
    events: Sequence[LakeEvent],
    places: Sequence[int],
    lake_object: LakeObject,
    names: Sequence[bytes],
    /,
) -> list[Record]: ...

# The fields of `Sums` in cncbops.session.usual_units; the causes have those of `OfCause`.
_Sums = tuple[
    dict[str | None, int],
    dict[int, int],
    tuple[int, int] | None,
    list[tuple[Cause, int, str | None, str | None, int, int, int]],
    bytes,
    int,
]

# The packed units of lines of faults raised before `until_ms`, all of place 0; None for a line that is not usual, True
# for one that holds another event, and False for a fault that is left out: `cause_of` says so of all of its cause,
# `is_wanted` of all of its type, or it was not raised from `start_ms` up to `end_ms`. If `by_shape`, `cause_of` says
# the same of all messages of a shape. How many are left out, and others; and what the rest come to, if all are usual.
def read_units(
    *,
    make: type[Unit],
    cause_of: Callable[..., Cause | Literal[False] | None],
    data: bytes,
    first_line: int,
    lake_object: LakeObject,
    is_alone: bool,
    start_ms: int,
    end_ms: int,
    is_wanted: Callable[[str | None], bool] | None,
    until_ms: int,
    by_shape: bool,
) -> tuple[list[Unit | bool | None], int, int, _Sums | None]: ...

# None where not all are packed units.
def sum_units(units: Sequence[object], /) -> _Sums | None: ...

# The digests of faults, and of their records, end to end; of packed units, as in what follows.
def unit_digests(units: Sequence[Unit], /) -> tuple[bytes, bytes]: ...

# Give them places that rise by one, from `first` on, also for each that is left out (False), but no other event (True).
def place_units(units: Sequence[Unit | bool], first: int, /) -> None: ...

# Units by fingerprint and pipeline, in their order; None where not all are packed.
def units_alike(units: Sequence[Record], /) -> dict[tuple[str, str | None], list[Unit]] | None: ...

# A message of the same shape (see cncbops.faults.shape), nearly always one for all that have it; itself, if not UTF-8.
def alike(message: str, /) -> str: ...

# The JSON of records between commas, behind `head` and before `tail`.
def payload(head: bytes, records: Sequence[Record], tail: bytes, /) -> bytes: ...

# The fields of `Measure` in `cncbops.kinesis.batching`.
def measured(records: Sequence[Record], /) -> tuple[int, int, int]: ...

# Their places, eight bytes each.
def places(records: Sequence[Record], /) -> bytes: ...

# How many there are of each object, by its number: what is left of a place but for its last bits.
def objects(records: Iterable[Record], ordinal_bits: int, /) -> dict[int, int]: ...

# Set the bits of the digest that each entry of a size begins with; the indices of digests whose bits are set, which
# others may have set.
def mark_digests(bits: bytearray, entries: bytes, size: int, /) -> None: ...
def marked_digests(bits: bytes | bytearray, digests: bytes, /) -> list[int]: ...

# As cncbops.ledger.sorting has it: rows are each an origin, digests and others.
def sorted_entries(rows: Sequence[tuple[bytes, bytes, bytes]], has_others: bool, /) -> bytes: ...

# As cncbops.ledger.digest_table has it.
def merged_entries(some: bytes, others: bytes, size: int, told_by: int, /) -> bytes: ...

# As cncbops.kinesis.drafts has it.
def filled(shelves: Sequence[Shelf], most_weight: int, most_bytes: int, /) -> list[Filled]: ...

# Packed records as bytes, and beside them what each of some, or of all, have in common; None where one is not packed.
# And the way back, on a machine that lays out numbers alike; raises ValueError where they are no such bytes.
def pack_records(records: Sequence[Record], /) -> tuple[list[tuple[object, ...]], bytes] | None: ...
def unpack_records(commons: list[tuple[object, ...]], packed: bytes | memoryview, /) -> list[Record]: ...

# Send a request, in two parts, over a socket by its descriptor, and receive what comes first of the answer, b"" at its
# end. Where its head is usual that is parted from what is behind it, which is all of a body of `expected` bytes that
# comes. And whether all was sent: what closes before that may have answered. None where the other side had closed it
# before: nothing was sent. No step takes longer than the seconds, None for ever, to send and to receive; raises
# BlockingIOError if what is sent is not taken, TimeoutError if nothing comes, and OSError.
def exchange(
    socket: int, head: bytes, body: bytes, expected: int, send_s: float | None, read_s: float | None, /
) -> tuple[Head | None, bytes, bool] | None: ...

# Receive that many bytes at least, if there are, and at most, behind those that are held. Raises as `exchange` does.
def receive(socket: int, least: int, most: int, read_s: float | None, held: bytes, /) -> bytes: ...

# The head of what came of an answer, None where it is not whole or not usual; and what is behind it.
def usual_head(answer: bytes, /) -> tuple[Head | None, bytes]: ...

# As `_signed` in cncbops.wire.signing has it.
def signed_head(
    canonical: Template, to_sign: bytes, key: bytes, head: Template, values: tuple[bytes, ...], /
) -> bytes: ...
