"""From sources to faults: list, read, tell documents apart, decode, fetch what was too large, choose.

What goes wrong with a document or an object is counted and named, and keeps nothing else from being read.
"""

from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from cncbops.faults.dead_letter import in_message
from cncbops.faults.decoding import decoded
from cncbops.faults.documents import Document
from cncbops.faults.fault import Aside, ClaimCheck, Decoded, Fault, LakeLine, Nothing, Problem
from cncbops.faults.resolving import Resolver
from cncbops.faults.selection import FaultSelection
from cncbops.lake.objects import LakeObject
from cncbops.lake.sources import Source
from cncbops.lake.visits import Listing, Visits
from cncbops.tally import Failure, Objects

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

FAILURES_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Found:
    """A fault, and where it lies; `document` is the text that it was read from."""

    fault: Fault
    object: LakeObject
    document: Document

    @property
    def place(self) -> str:
        """`uri:line`; `uri:line.part` for all but the first document of a line."""
        part = f".{self.document.part}" if self.document.part else ""
        return f"{self.object.uri}:{self.document.line}{part}"

    @property
    def is_whole(self) -> bool:
        """Whether all of what the function was given is there, or can be fetched."""
        return self.fault.is_whole and not isinstance(self.fault.unit, Nothing)


@dataclass
class FaultCounts:
    """What was met. `others` are events that are no faults; `broken` documents should be faults and are not.

    Of those chosen, `without_record` hold nothing that could be sent, and the record of those `not_whole`
    is damaged. A claim check that cannot be read is counted `without_record` wherever it might have been chosen.
    """

    objects: Objects = field(default_factory=Objects)
    faults: int = 0
    chosen: int = 0
    others: int = 0
    broken: int = 0
    without_record: int = 0
    not_whole: int = 0
    failures: list[Failure] = field(default_factory=list)

    @property
    def flaws(self) -> int:
        """How much went wrong that the operator must look at; `failures` names the first FAILURES_SHOWN."""
        return self.objects.failed + self.broken + self.without_record + self.not_whole

    def note(self, obj: LakeObject, document: Document | None, fate: str, error: str, message: str) -> None:
        """Keep the first few things that went wrong by name."""
        if len(self.failures) < FAILURES_SHOWN:
            line, part = (document.line, document.part) if document else (0, 0)
            self.failures.append(Failure(obj.uri, line, part, None, None, fate, error, message))


class FaultReader:
    """Reads the chosen faults of sources, in lake order, a few objects ahead; only objects `stored_since` then."""

    def __init__(
        self,
        sources: Sequence[Source],
        selection: FaultSelection,
        s3: "S3Client | None",
        resolver: Resolver,
        *,
        stored_since: datetime | None = None,
    ) -> None:
        self._resolver = resolver
        self._is_chosen, self._may_be_chosen = selection.test(), selection.test_unread()
        self.counts = FaultCounts()
        listing = Listing(sources, s3, selection.window, self.counts.objects, stored_since=stored_since)
        self._visits = Visits(listing, self._note_object)

    def found(self) -> Generator[Found, None, None]:
        """The faults, one by one. Raises CncbopsError where a source cannot be listed or read at all.

        Close it where it is left before its end.
        """
        for lake_object, opened in self._visits.opened():
            with self._visits.reading(lake_object, opened) as blocks:
                for document, found in decoded(blocks):
                    yield from self._of_document(lake_object, document, found)

    def in_message(self, message: LakeObject, body: bytes, attributes: Mapping[str, str]) -> Iterator[Found]:
        """The faults of a queue's message."""
        self.counts.objects.listed += 1
        self.counts.objects.read += 1
        self.counts.objects.bytes += message.size
        yield from self._of_document(message, Document(body, 1, 0), in_message(body, attributes))

    def _of_document(self, lake_object: LakeObject, document: Document, found: Decoded) -> Iterator[Found]:
        if isinstance(found, Aside):
            return
        if isinstance(found, Problem):
            self.counts.broken += 1
            self.counts.note(lake_object, document, "malformed", found.error, found.message)
            return
        self.counts.others += not found
        for fault in found:
            for each in self._opened(fault, lake_object):
                yield from self._chosen(Found(each, lake_object, document), fault)

    def _opened(self, fault: Fault, lake_object: LakeObject) -> list[Fault]:
        """The fault itself, or those that it stands for, unless it is known not to be chosen."""
        stands_for_others = isinstance(fault.unit, ClaimCheck | LakeLine)
        return (
            self._resolver.opened(fault, lake_object) if stands_for_others and self._may_be_chosen(fault) else [fault]
        )

    def _chosen(self, found: Found, as_read: Fault) -> Iterator[Found]:
        self.counts.faults += 1
        if self._is_chosen(found.fault):
            self.counts.chosen += 1
            self._count_flaws(found)
            yield found
        elif isinstance(as_read.unit, ClaimCheck) and isinstance(found.fault.unit, Nothing):
            self._count_flaws(found)

    def _count_flaws(self, found: Found) -> None:
        unit = found.fault.unit
        if isinstance(unit, Nothing):
            self.counts.without_record += 1
            self.counts.note(found.object, found.document, "malformed", "NoRecord", unit.reason)
        elif not found.is_whole:
            self.counts.not_whole += 1
            self.counts.note(found.object, found.document, "malformed", "NotWhole", ", ".join(found.fault.flaws))

    def _note_object(self, lake_object: LakeObject, error: str, message: str) -> None:
        self.counts.note(lake_object, None, "unreadable", error, message)
