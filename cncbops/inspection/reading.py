"""From sources to the chosen events in them, as a replay chooses them: list, read, decode, complete, select.

What goes wrong with a line or an object is counted and named, and keeps nothing else from being read.
"""

import threading
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cncbops.formats.decoding import decode
from cncbops.formats.event import LakeEvent
from cncbops.formats.families import Family
from cncbops.kinesis.origin import Origin, origin_of
from cncbops.kinesis.synthesis import complete
from cncbops.lake.lines import Block
from cncbops.lake.objects import LakeObject
from cncbops.lake.sources import Source
from cncbops.lake.visits import Listing, Meet, Visits
from cncbops.selection.selection import Selection, Selector
from cncbops.tally import Failure, Objects, of_line, of_object

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

FAILURES_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Chunk:
    """The chosen events of a block of one object, each complete (see `kinesis.synthesis`), in their order.

    There may be none. `block` holds the lines that they stand on, `read` all events on these.
    """

    origin: Origin
    block: Block
    events: Sequence[LakeEvent]
    read: Sequence[LakeEvent]

    @property
    def object(self) -> LakeObject:
        return self.origin.object


@dataclass
class Counts:
    """What was met. `read` events are all that were understood, `faults` those left out as nobody asked for them."""

    objects: Objects = field(default_factory=Objects)
    read: int = 0
    matched: int = 0
    faults: int = 0
    malformed: int = 0
    failures: list[Failure] = field(default_factory=list)

    @property
    def flaws(self) -> int:
        """How much went wrong that the operator must look at; `failures` names the first FAILURES_SHOWN."""
        return self.objects.failed + self.malformed

    def note(self, failure: Failure) -> None:
        """Keep the first few things that went wrong by name; their counts are the caller's."""
        if len(self.failures) < FAILURES_SHOWN:
            self.failures.append(failure)


@dataclass(frozen=True)
class Wanted:
    """Which events: at most `limit` of a selection, or of those with one id.

    `family` is the format of every line, None recognises each.
    """

    selection: Selection = Selection()
    family: Family | None = None
    limit: int | None = None
    event_id: str | None = None


class LakeReader:
    """Reads the chosen events of sources, in the order of the lake, and a few objects ahead.

    `meet` is told of each object as it is listed, also where it is empty or cannot be read. Nothing more is listed
    once `stop` is set.
    """

    def __init__(
        self,
        sources: Sequence[Source],
        wanted: Wanted,
        s3: "S3Client | None",
        meet: Meet | None = None,
        stop: threading.Event | None = None,
    ) -> None:
        self._wanted, self._selector = wanted, Selector(wanted.selection)
        self.counts = Counts()
        listing = Listing(sources, s3, wanted.selection.window, self.counts.objects, meet=meet, stop=stop)
        self._visits = Visits(listing, self._note_object)

    @property
    def is_at_limit(self) -> bool:
        """Whether as many events are chosen as were asked for."""
        return self._wanted.limit is not None and self.counts.matched >= self._wanted.limit

    def chunks(self) -> Generator[Chunk, None, None]:
        """The events, a block at a time, no further than the limit needs.

        Raises CncbopsError where a source cannot be listed or read at all. Close it where it is left before its end.
        """
        for lake_object, opened in self._visits.opened():
            with self._visits.reading(lake_object, opened) as blocks:
                yield from self._in_object(lake_object, blocks)
            if self.is_at_limit:
                return

    def _in_object(self, lake_object: LakeObject, blocks: Iterator[Block]) -> Iterator[Chunk]:
        origin = origin_of(lake_object)
        for block in blocks:
            yield self._chunk(origin, block)
            if self.is_at_limit:
                return

    def _chunk(self, origin: Origin, block: Block) -> Chunk:
        events, malformed = decode(block, self._wanted.family)
        complete(events, origin)
        chosen = self._selector.select(events)
        if self._wanted.event_id is not None:
            chosen = [event for event in chosen if event.event_id == self._wanted.event_id]
        if self._wanted.limit is not None:
            chosen = chosen[: self._wanted.limit - self.counts.matched]
        counts = self.counts
        counts.read += len(events)
        counts.matched += len(chosen)
        counts.malformed += len(malformed)
        counts.faults = self._selector.faults
        for line in malformed:
            counts.note(of_line(origin.object, line))
        return Chunk(origin, block, chosen, events)

    def _note_object(self, lake_object: LakeObject, error: str, message: str) -> None:
        self.counts.note(of_object(lake_object, error, message))
