"""From the lines of a block straight to records, where nothing but time and type decides which events are sent.

What is read so is what decoding, completing, selecting and wrapping make of the same lines, one step after another. It
goes as far as lines are usual, and only in C.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from cncbops.formats.families import Family
from cncbops.kinesis.origin import Origin
from cncbops.kinesis.record import Record, RecordSource, name_of
from cncbops.kinesis.synthesis import SHARD_ID
from cncbops.lake.layout import TimeWindow
from cncbops.lake.lines import Block
from cncbops.native import hot


class Straight(NamedTuple):
    """The records of so many `lines` of a block; the first line that is not usual begins at `end` of its bytes.

    Of the events within the window so many were `left_out` by their types. `synthesized` counts records, `longest` is
    their longest body in bytes. `types` and `hours` since 1970 count them; `range_ms` is of their times, if there are
    any.
    """

    records: list[Record]
    lines: int
    end: int
    left_out: int
    synthesized: int
    longest: int
    types: Mapping[str | None, int]
    hours: Mapping[int, int]
    range_ms: tuple[int, int] | None

    def rest_of(self, block: Block) -> Block | None:
        """What is left of the block, from the line that is not usual."""
        return Block(block.data[self.end :], block.first_line + self.lines, 0) if self.end < len(block.data) else None


def read_straight(
    block: Block,
    usual: Family,
    origin: Origin,
    source: RecordSource,
    first_place: int,
    window: TimeWindow,
    is_wanted: Callable[[str | None], bool],
) -> Straight:
    """The records of a block of lines of the usual format, the first with a place, of types that are wanted."""
    start_ms, end_ms = window.bounds_ms
    return Straight(
        *hot.read_records(
            format=usual.name,
            data=block.data,
            first_line=block.first_line,
            make=Record,
            lake_object=origin.object,
            first_place=first_place,
            order=origin.order,
            time_ms=origin.time_ms,
            shard=SHARD_ID,
            start_ms=start_ms,
            end_ms=end_ms,
            is_wanted=is_wanted,
            name_of=name_of(origin, source),
        )
    )
