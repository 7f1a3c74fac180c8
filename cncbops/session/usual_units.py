"""Units of work read straight from lines, of faults that are as nearly all are: in C, block by block.

Whatever speaks against that, in a line or in what is known of its fault, has it read and assessed the careful way
(see `cncbops.faults.decoding` and `cncbops.session.candidates`), which comes to the same.
"""

from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import accumulate, groupby
from types import MappingProxyType
from typing import Any, NamedTuple, cast

import msgspec
from msgspec.structs import replace

from cncbops.faults.decoding import decode_fault
from cncbops.faults.documents import Document, Run, read_line, read_runs
from cncbops.faults.fault import Decoded, Fault
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

NOTHING: Mapping[int, bool] = MappingProxyType({})
"""None of some units was delivered before."""

Line = Unit | bool
"""The unit of a line; False for a fault that is left out, as it is not chosen, True for an event that is none."""

ReadDocument = tuple[int, int, Decoded]
"""A document's line and part, and what it holds."""


class OfCause(NamedTuple):
    """How many faults there are of a cause, when they were raised, and line and id of the first.

    `message` is the first's, if that has not its cause's.
    """

    cause: Cause
    line: int
    fault_id: str | None
    message: str | None
    faults: int
    first_ms: int
    last_ms: int

    @property
    def first(self) -> Fault:
        """The first, as far as it is known."""
        fault = self.cause.fault
        return replace(fault, id=self.fault_id, message=fault.message if self.message is None else self.message)


class Sums(NamedTuple):
    """What units come to: how many there are of each type and in each hour since 1970, the range of times, causes.

    `digests` are those of their faults, end to end; `size` is what they come to in bytes.
    """

    types: Mapping[str | None, int]
    hours: Mapping[int, int]
    range_ms: tuple[int, int] | None
    causes: Sequence[OfCause]
    digests: bytes
    size: int

    @classmethod
    def of(cls, types: Any, hours: Any, range_ms: Any, causes: Any, digests: bytes, size: int) -> "Sums":
        """What C tells, where a cause is a tuple."""
        return cls(types, hours, range_ms, [OfCause(*each) for each in causes], digests, size)


class _Block(Run[Line], frozen=True, gc=False):
    """All lines of a block, where each is usual; the units, what they come to, and which went before."""

    units: Sequence[Unit]
    others: int
    sums: Sums
    delivered: Mapping[int, bool]


class UsualUnits(msgspec.Struct, gc=False):
    """Units of an object that is being read, packed in C, in its order, and what they come to, their causes likewise.

    That is found out at once: when others are read, units have to be fetched from memory for each question.
    `lines` are those that they were read of, which tells their places; of them so many hold `others` than faults.
    `delivered` are those units that are not to be sent, by index, as the function had them; and whether from this run.
    """

    reading: Reading
    lines: Sequence[Line]
    found: Sequence[Unit]
    others: int
    sums: Sums
    delivered: Mapping[int, bool] = NOTHING

    @classmethod
    def of(cls, reading: Reading, lines: Sequence[Line], delivered: Mapping[int, bool] = NOTHING) -> "UsualUnits":
        """Of units that are all packed, and of what is left out between them."""
        found = _units_among(lines)
        summed = hot.sum_units(found)
        assert summed, "each is packed"
        return cls(reading, lines, found, sum(each is True for each in lines), Sums.of(*summed), delivered)

    @property
    def faults(self) -> int:
        """How many lines hold one, left out or not."""
        return len(self.lines) - self.others

    @property
    def left_out(self) -> int:
        """How many are."""
        return self.faults - len(self.found)

    @property
    def digests(self) -> bytes:
        """Those of their faults, end to end."""
        return self.sums.digests

    @property
    def shared(self) -> Sequence[Shared]:
        """The records of those that others may send, too."""
        if not any(each.cause.pipeline for each in self.sums.causes):
            return []
        at = [at for at, unit in enumerate(self.found) if unit.pipeline]
        units = [self.found[each] for each in at]
        _, records = hot.unit_digests(units)  # one of each
        return [Shared(at, records, [unit.pipeline for unit in units])]

    def without(self, indices: Collection[int]) -> "UsualUnits":
        """All but those at some indices; of the rest none was delivered before."""
        if not indices:
            return self
        dropped = set(indices)
        return self.of(self.reading, [each for at, each in enumerate(self.found) if at not in dropped])

    def up_to(self, size: int) -> "tuple[UsualUnits, UsualUnits | None]":
        """Those up to the one with which they come to `size` bytes, all if they do not; and those behind it."""
        if self.sums.size <= size:
            return self, None
        end = bisect_left([*accumulate(unit.size for unit in self.found)], size) + 1
        if end == len(self.found):
            return self, None
        before = {at: is_own for at, is_own in self.delivered.items() if at < end}
        behind = {at - end: is_own for at, is_own in self.delivered.items() if at >= end}
        return self.of(self.reading, self.found[:end], before), self.of(self.reading, self.found[end:], behind)

    def take_places(self) -> None:
        """Give each unit its place, as the next of its object's faults, which are counted in."""
        entry = self.reading.entry
        (first,) = entry.places(entry.pulled, 1)
        hot.place_units(self.lines, first)
        entry.pulled += self.faults


class UsualReader:
    """Reads those of one resubmit."""

    def __init__(self, request: ResubmitRequest, assessor: Assessor) -> None:
        self._request, self._assessor, self._causes = request, assessor, Causes(request, assessor)
        self._is_wanted = request.choice.test_type()

    def applies(self, item: Item) -> bool:
        """Whether the faults of an object are all meant that are chosen, as far as its item tells."""
        is_lake = item.content is None and item.lines is None and not item.settled
        return hot is not None and self._request.limit is None and is_lake

    def read(self, reading: Reading, blocks: Iterator[Block]) -> Iterator[UsualUnits | ReadDocument]:
        """An object's documents; units that follow one another at once."""
        for found in read_runs(blocks, lambda block: self._lines(block, reading.item.object)):
            if isinstance(found, Document):
                yield found.line, found.part, decode_fault(found.text)
            elif isinstance(found, _Block):
                yield UsualUnits(reading, found.values, found.units, found.others, found.sums, found.delivered)
            else:
                yield from self._apart(reading, found)

    def _apart(self, reading: Reading, found: Run[Any]) -> Iterator[UsualUnits | ReadDocument]:
        """What was read of lines: units, and faults that are to be assessed."""
        line = found.line
        for is_read, values in groupby(found.values, lambda value: isinstance(value, list)):
            alike = list(values)
            if is_read:
                yield from ((number, 0, faults) for number, faults in enumerate(alike, line))
            else:
                yield UsualUnits.of(reading, alike)
            line += len(alike)

    def _lines(self, block: Block, lake_object: LakeObject) -> _Block | Sequence[Any]:
        """What each line of a block is: a unit, or faults that are to be assessed; None where that is not so simple."""
        found = self._units(block, lake_object)
        if isinstance(found, _Block):
            return found
        lines = block.lines()
        return [read_line(line, usual) if each is None else each for line, each in zip(lines, found, strict=True)]

    def _units(self, block: Block, lake_object: LakeObject) -> _Block | Sequence[Line | None]:
        """The units of a block by line; none of them where what the ledger remembers has to be weighed."""
        request = self._request
        start_ms, end_ms = request.choice.window.bounds_ms
        lines, left_out, others, sums = hot.read_units(
            make=Unit,
            cause_of=self._causes.of,
            data=block.data,
            first_line=block.first_line,
            lake_object=lake_object,
            is_alone=request.one_by_one,
            start_ms=start_ms,
            end_ms=end_ms,
            is_wanted=self._is_wanted,
            until_ms=request.until_ms,
            by_shape=not request.choice.errors,  # which choose by the message itself
        )
        is_all = sums and not (left_out or others)
        units = cast("Sequence[Unit]", lines) if is_all else _units_among(lines)
        delivered = self._delivered(units, is_all=sums is not None)
        if delivered is None:
            return [None] * len(lines)
        if not sums:
            return lines
        return _Block(block.first_line, cast("Sequence[Line]", lines), units, others, Sums.of(*sums), delivered)

    def _delivered(self, units: Sequence[Unit], *, is_all: bool) -> Mapping[int, bool] | None:
        """Which of a block's units were delivered before; None where they are to be assessed, fault by fault.

        Which is so, if the ledger knows any of them, also where other lines are between them, as seldom is.
        """
        assessor = self._assessor
        digests = hot.unit_digests(units) if units and assessor.may_remember() else None
        if digests is None or not assessor.remembers(digests):
            return NOTHING
        return assessor.delivered(digests) if is_all else None


def _units_among(lines: Iterable[Line | None]) -> list[Unit]:
    return [each for each in lines if each is not None and not isinstance(each, bool)]
