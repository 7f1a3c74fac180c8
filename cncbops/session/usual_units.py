"""Units of work read straight from lines, of faults that are as nearly all are: in C, block by block.

Whatever speaks against that, in a line or in what is known of its fault, has it read and assessed the careful way
(see `cncbops.faults.decoding` and `cncbops.session.candidates`), which comes to the same.
"""

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate, groupby
from typing import Any, NamedTuple

import msgspec

from cncbops.faults.decoding import decode_fault
from cncbops.faults.documents import Document, Run, read_line, read_runs
from cncbops.faults.fault import Decoded, Fault
from cncbops.faults.selection import FaultSelection
from cncbops.faults.unit import Unit
from cncbops.faults.usual import usual
from cncbops.kinesis.batching import measured
from cncbops.lake.lines import Block
from cncbops.lake.objects import LakeObject
from cncbops.native import hot
from cncbops.request import ResubmitRequest
from cncbops.session.agenda import Item
from cncbops.session.candidates import Assessor, Reading
from cncbops.session.causes import Cause, Causes
from cncbops.session.memory import Shared

ReadDocument = tuple[int, int, Decoded]
"""A document's line and part, and what it holds."""


class OfCause(NamedTuple):
    """How many faults there are of a cause, when they were raised, and line and id of the first."""

    cause: Cause
    line: int
    fault_id: str | None
    faults: int
    first_ms: int
    last_ms: int


class Sums(NamedTuple):
    """What units come to: how many there are of each type and in each hour since 1970, the range of times, causes."""

    types: Mapping[str | None, int]
    hours: Mapping[int, int]
    range_ms: tuple[int, int] | None
    causes: Sequence[OfCause]


class UsualUnits(msgspec.Struct, gc=False):
    """Units of an object that is being read, packed in C, in its order, and what they come to, their causes likewise.

    `digests` are those of their faults, end to end; `size` is what they come to in bytes.
    """

    reading: Reading
    found: Sequence[Unit]
    digests: bytes
    size: int
    sums: Sums

    @classmethod
    def of(cls, reading: Reading, found: Sequence[Any]) -> "UsualUnits | None":
        """Of units that are all packed, else None.

        Asked of them at once: when others are read, they have to be fetched from memory for each question.
        """
        summed = hot.sum_units(found)
        if not summed:
            return None
        types, hours, range_ms, causes = summed
        sums = Sums(types, hours, range_ms, [OfCause(*each) for each in causes])
        return cls(reading, found, hot.unit_digests(found)[0], measured(found).size, sums)

    @property
    def shared(self) -> Mapping[int, Shared]:
        """The records of those, by index, that others may send, too."""
        if not any(each.cause.pipeline for each in self.sums.causes):
            return {}
        return {at: (unit.records, unit.pipeline) for at, unit in enumerate(self.found) if unit.pipeline}

    def without(self, indices: Sequence[int]) -> "UsualUnits":
        """All but those at some indices."""
        if not indices:
            return self
        dropped = set(indices)
        return self._some([each for at, each in enumerate(self.found) if at not in dropped])

    def _some(self, units: Sequence[Unit]) -> "UsualUnits":
        some = self.of(self.reading, units)
        assert some
        return some

    def up_to(self, size: int) -> "tuple[UsualUnits, UsualUnits | None]":
        """Those up to the one with which they come to `size` bytes, all if they do not; and those behind it."""
        if self.size <= size:
            return self, None
        end = bisect_left([*accumulate(unit.size for unit in self.found)], size) + 1
        if end == len(self.found):
            return self, None
        return self._some(self.found[:end]), self._some(self.found[end:])

    def take_places(self) -> Sequence[Unit]:
        """The units, each with its place as the next of its object's faults, which are counted in."""
        entry = self.reading.entry
        (first,) = entry.places(entry.pulled, 1)
        hot.place_units(self.found, first)
        entry.pulled += len(self.found)
        return self.found


class UsualReader:
    """Reads those of one resubmit."""

    def __init__(self, request: ResubmitRequest, assessor: Assessor) -> None:
        self._request, self._assessor, self._causes = request, assessor, Causes(assessor)
        self._takes_all = request.choice == FaultSelection() and request.limit is None

    def applies(self, item: Item) -> bool:
        """Whether all faults of an object are meant, as far as its item tells."""
        is_lake = item.content is None and item.lines is None and not item.settled
        return hot is not None and self._takes_all and is_lake

    def read(self, reading: Reading, blocks: Iterator[Block]) -> Iterator[UsualUnits | ReadDocument]:
        """An object's documents; units that follow one another at once."""
        for found in read_runs(blocks, lambda block: self._lines(block, reading.item.object)):
            if isinstance(found, Document):
                yield found.line, found.part, decode_fault(found.text)
                continue
            yield from self._apart(reading, found)

    def _apart(self, reading: Reading, found: Run[Any]) -> Iterator[UsualUnits | ReadDocument]:
        """What was read of lines: most often nothing but units."""
        if units := UsualUnits.of(reading, found.values):
            yield units
            return
        line = found.line
        for kind, values in groupby(found.values, type):
            alike = list(values)
            if kind is list:
                yield from ((number, 0, faults) for number, faults in enumerate(alike, line))
            else:
                units = UsualUnits.of(reading, alike)
                assert units, "what is no list of faults is a packed unit"
                yield units
            line += len(alike)

    def _lines(self, block: Block, lake_object: LakeObject) -> Sequence[Unit | list[Fault] | None]:
        """What each line of a block is: a unit, or faults that are to be assessed; None where that is not so simple."""
        found = self._units(block, lake_object)
        if all(found):
            return found
        lines = block.lines()
        return [each or read_line(line, usual) for line, each in zip(lines, found, strict=True)]

    def _units(self, block: Block, lake_object: LakeObject) -> Sequence[Unit | None]:
        """The units of a block by line; none of them where the ledger remembers any."""
        request = self._request
        found = hot.read_units(
            Unit,
            self._causes.of,
            block.data,
            block.first_line,
            lake_object,
            request.one_by_one,
            request.until_ms,
        )
        if not self._assessor.may_remember():
            return found
        units = list(filter(None, found))
        return [None] * len(found) if units and self._assessor.remembers(hot.unit_digests(units)) else found
