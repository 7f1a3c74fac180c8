"""From sources to faults: list, read, tell documents apart, decode, fetch what was too large, choose.

What goes wrong with a document or an object is counted and named, and keeps nothing else from being read.
"""

from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from cncbops.aws import explain
from cncbops.errors import CannotRun
from cncbops.faults.dead_letter import in_message
from cncbops.faults.decoding import decoded
from cncbops.faults.documents import Document
from cncbops.faults.fault import ClaimCheck, Fault, LakeLine, Nothing, Problem
from cncbops.faults.resolving import Resolver
from cncbops.faults.selection import FaultSelection
from cncbops.lake.ahead import ahead
from cncbops.lake.layout import CLAIM_CHECK, skip_reason
from cncbops.lake.listing import list_objects
from cncbops.lake.objects import LakeObject, ObjectUnreadable
from cncbops.lake.reading import OpenObject, open_object
from cncbops.lake.sources import Source
from cncbops.tally import Failure, Objects

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

OBJECTS_AHEAD = 16
"""Most faults lie in an object of their own: what counts is how many requests are under way."""
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
        self._sources, self._selection, self._s3 = sources, selection, s3
        self._resolver, self._stored_since = resolver, stored_since
        self._is_chosen, self._may_be_chosen = selection.test(), selection.test_unread()
        self.counts = FaultCounts()

    def found(self) -> Generator[Found, None, None]:
        """The faults, one by one. Raises CncbopsError where a source cannot be listed or read at all.

        Close it where it is left before its end.
        """
        for lake_object, opened in ahead(self._open, self._objects(), OBJECTS_AHEAD, _close):
            if isinstance(opened, ObjectUnreadable):
                self._count_unreadable(lake_object, opened)
            else:
                yield from self.in_object(lake_object, opened)

    def in_object(self, lake_object: LakeObject, opened: OpenObject) -> Iterator[Found]:
        """The faults of one object, which is closed at its end."""
        with opened:
            try:
                for document, found in decoded(opened.blocks()):
                    yield from self._of_document(lake_object, document, found)
            except ObjectUnreadable as error:
                self._count_unreadable(lake_object, error)
                return
            except (BotoCoreError, ClientError) as error:
                raise explain(error, f"read {lake_object.uri}") from error
        self.counts.objects.read += 1
        self.counts.objects.bytes += lake_object.size

    def in_message(self, message: LakeObject, body: bytes, attributes: Mapping[str, str]) -> Iterator[Found]:
        """The faults of a queue's message."""
        self.counts.objects.listed += 1
        self.counts.objects.read += 1
        self.counts.objects.bytes += message.size
        yield from self._of_document(message, Document(body, 1, 0), in_message(body, attributes))

    def _objects(self) -> Iterator[LakeObject]:
        for source in self._sources:
            for lake_object in self._listing(source):
                self.counts.objects.listed += 1
                reason = skip_reason(lake_object)
                if reason == CLAIM_CHECK and lake_object.uri == source.uri:
                    reason = None  # asked for by its own name
                if self._stored_since and lake_object.last_modified < self._stored_since:
                    reason = "older"
                if reason:
                    self.counts.objects.skip(reason)
                else:
                    yield lake_object

    def _listing(self, source: Source) -> Iterator[LakeObject]:
        try:
            yield from list_objects(source, self._s3, self._selection.window)
        except (BotoCoreError, ClientError) as error:
            raise explain(error, f"list {source.uri}") from error

    def _open(self, lake_object: LakeObject) -> tuple[LakeObject, OpenObject | ObjectUnreadable]:
        try:
            return lake_object, open_object(lake_object, self._s3)
        except ObjectUnreadable as error:
            return lake_object, error
        except (BotoCoreError, ClientError) as error:
            raise explain(error, f"read {lake_object.uri}") from error

    def _of_document(
        self, lake_object: LakeObject, document: Document, found: list[Fault] | Problem
    ) -> Iterator[Found]:
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

    def _count_unreadable(self, lake_object: LakeObject, error: ObjectUnreadable) -> None:
        """Count an object that failed. Raises CannotRun if it shows that none may be read."""
        if error.error == "AccessDenied" and lake_object.bucket and not self.counts.objects.read:
            what = f"cannot read {lake_object.uri}: access denied"
            raise CannotRun(what, "Ask for s3:GetObject (and kms:Decrypt of its key), or use --role-arn") from error
        self.counts.objects.failed += 1
        self.counts.note(lake_object, None, "unreadable", error.error, error.message)


def _close(unused: tuple[LakeObject, OpenObject | ObjectUnreadable]) -> None:
    """Close an object that was opened ahead and is not wanted any more."""
    if isinstance(unused[1], OpenObject):
        unused[1].close()
