"""What a session has done at a place, and what comes back: keys, lanes, counts and outcomes, never a payload.

But for what a cut leaves over: less than a batch of each group, which the next cut, elsewhere, begins with; and for
the first record of all, where a plan shows it.
"""

from collections.abc import Sequence
from typing import NamedTuple

from msgspec import Struct

from cncbops.delivery.outcome import Waybill
from cncbops.delivery.sender import Step
from cncbops.errors import CncbopsError
from cncbops.kinesis.cutting import Stock
from cncbops.kinesis.record import Record
from cncbops.session.agenda import Item
from cncbops.session.entry import Entry
from cncbops.session.findings import Findings
from cncbops.session.reading import Claims


class Chunk(Struct, frozen=True):
    """Objects to be read one after another, each with its entry: a copy, that reading changes.

    `chosen` is how much was chosen before, where that matters. `shows_first`: the first record is to be told.
    `taken` are the portions that were read of it, and cut, at a place that is gone.
    """

    number: int
    items: Sequence[tuple[Item, Entry]]
    chosen: int
    shows_first: bool
    taken: "Sequence[Taken]" = ()


class Taken(NamedTuple):
    """A portion that was taken in: by how many records and the place of the last it is known again.

    `repeated` are the indices of its claims that were made before.
    """

    records: int
    last: int
    repeated: Sequence[int] = ()


class Portion(Struct, frozen=True):
    """What reading came to, of a chunk or a part of one; its records wait at their place.

    Where it makes `claims`, they are to be judged first, and all that was found is told with the cut.

    It has so many `records`; `last` is the place of the last, if there is one. `has_more`: reading goes on when it is
    asked to. `chosen` is how much is chosen by now. `denied` is the first object that may not be read, if nothing was
    read before it. `broken`: why nothing more can be read at all.
    """

    chunk: int
    findings: Findings
    has_more: bool
    chosen: int
    records: int = 0
    last: int = -1
    first: Record | None = None
    denied: str | None = None
    broken: CncbopsError | None = None
    claims: Claims | None = None


class Cut(Struct, frozen=True):
    """What was read of a chunk is to be cut, behind what was carried over; without a chunk just that.

    `repeated` are the indices of its claims that were made before.
    """

    chunk: int | None
    stock: Stock
    flush: bool
    repeated: Sequence[int] = ()


class CutOff(Struct, frozen=True):
    """The batches that a cut has made, in the order in which they go, and what is left for the next.

    `findings` are what reading came to, where that was not told before, and `first` its first record, if it is wanted.
    """

    batches: Sequence[Waybill]
    stock: Stock
    findings: Findings | None = None
    first: Record | None = None


class Lost(Struct, frozen=True):
    """Batches whose records were at a place that is gone: the places of these, batch by batch.

    `items` are all the objects that they are of, each with its entry as it is to be read again.
    """

    items: Sequence[tuple[Item, Entry]]
    batches: Sequence[Sequence[int]]


class Restored(Struct, frozen=True):
    """The names that batches have where they are now, in their order; or why one of their objects cannot be read."""

    batches: Sequence[tuple[int, int]]
    broken: CncbopsError | None = None


Result = Portion | CutOff | Step | Restored
