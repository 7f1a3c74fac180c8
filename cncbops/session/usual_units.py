"""Units of work read straight from lines, of faults that are as nearly all are: in C, block by block.

Whatever speaks against that, in a line or in what is known of its fault, has it read and assessed the careful way
(see `cncbops.faults.decoding` and `cncbops.session.candidates`), which comes to the same.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

import msgspec

from cncbops.faults.decoding import decode_fault
from cncbops.faults.documents import Document, read_line, read_runs
from cncbops.faults.fault import Fault, Problem
from cncbops.faults.selection import FaultSelection
from cncbops.faults.unit import Unit
from cncbops.faults.usual import usual
from cncbops.lake.lines import Block
from cncbops.lake.objects import LakeObject
from cncbops.native import hot
from cncbops.request import ResubmitRequest
from cncbops.session.agenda import Item
from cncbops.session.candidates import Assessor, Reading
from cncbops.session.causes import Cause, Causes
from cncbops.session.memory import Shared

ReadDocument = tuple[int, int, list[Fault] | Problem]
"""A document's line and part, and the faults that it is, or why it is none."""

UsualUnit = tuple[Unit, Cause, str, int, str | None]
"""A unit with its fault's cause, the failed event's type, and the fault's time in ms and id."""


class UsualUnits(msgspec.Struct, gc=False):
    """Units of an object that is being read, in its order."""

    reading: Reading
    found: Sequence[UsualUnit]

    @property
    def digests(self) -> Sequence[bytes]:
        """Those of their faults."""
        return [unit.fault for unit, *_ in self.found]

    @property
    def shared(self) -> Mapping[int, Shared]:
        """The records of those, by index, that others may send, too."""
        return {at: (each[0].records, each[0].pipeline) for at, each in enumerate(self.found) if each[0].pipeline}

    def without(self, indices: Sequence[int]) -> "UsualUnits":
        """All but those at some indices."""
        if not indices:
            return self
        dropped = set(indices)
        return UsualUnits(self.reading, [each for at, each in enumerate(self.found) if at not in dropped])

    def by_cause(self) -> Iterator[tuple[UsualUnit, list[int]]]:
        """The first of each cause, and the times of all of it."""
        of_cause: dict[Cause, tuple[UsualUnit, list[int]]] = {}
        for each in self.found:
            known = of_cause.get(each[1])
            if known is None:
                known = of_cause[each[1]] = each, []
            known[1].append(each[3])
        yield from of_cause.values()

    def take_places(self) -> list[Unit]:
        """The units, each with its place as the next of its object's faults, which are counted in."""
        entry, units = self.reading.entry, [each[0] for each in self.found]
        for place, unit in zip(entry.places(entry.pulled, len(units)), units, strict=True):
            unit.place = place
        entry.pulled += len(units)
        return units


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
            line = found.line
            for kind, values in groupby(found.values, type):
                alike: list[Any] = list(values)
                if kind is tuple:
                    yield UsualUnits(reading, alike)
                else:
                    yield from ((number, 0, faults) for number, faults in enumerate(alike, line))
                line += len(alike)

    def _lines(self, block: Block, lake_object: LakeObject) -> list[UsualUnit | list[Fault] | None]:
        """What each line of a block is: a unit, or faults that are to be assessed; None where that is not so simple."""
        found: list[UsualUnit | list[Fault] | None] = [*self._units(block, lake_object)]
        if None not in found:
            return found
        lines = block.lines()
        return [read_line(line, usual) if each is None else each for line, each in zip(lines, found, strict=True)]

    def _units(self, block: Block, lake_object: LakeObject) -> Sequence[UsualUnit | None]:
        """The units of a block, all of them or none, by line."""
        request = self._request
        read = hot.read_units(
            Unit,
            self._causes.of,
            hashlib.sha256,
            block.data,
            block.first_line,
            lake_object,
            request.one_by_one,
            request.until_ms,
        )
        units = [each for each in read if each]
        return [None] * len(read) if units and self._objects(units) else read

    def _objects(self, found: Sequence[UsualUnit]) -> bool:
        """Whether anything speaks against sending any of these."""
        units = [each[0] for each in found]
        sizes = [unit.size for unit in units]
        longest = units[sizes.index(max(sizes))]
        is_too_large = not all(cause.limits.deliverable(longest) for cause in {each[1] for each in found})
        return is_too_large or self._assessor.remembers(units)
