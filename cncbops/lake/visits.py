"""The objects of sources one after another, opened a few ahead; those that hold no events are left out.

What is wrong with an object is counted and named, and keeps no other from being read.
"""

import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from cncbops.aws_errors import explain
from cncbops.errors import CannotRun
from cncbops.lake.ahead import ahead
from cncbops.lake.layout import CLAIM_CHECK, EMPTY, TimeWindow, skip_reason
from cncbops.lake.lines import Block
from cncbops.lake.listing import list_objects
from cncbops.lake.objects import LakeObject, ObjectUnreadable
from cncbops.lake.reading import OpenObject, open_object
from cncbops.lake.sources import Source
from cncbops.tally import Objects

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

Meet = Callable[[LakeObject], None]

OBJECTS_AHEAD = 16
"""Many objects are small: what counts is how many requests are under way."""


class Listing:
    """What there is to be read in sources; counts in `objects` what is listed, and what is left out."""

    def __init__(
        self,
        sources: Sequence[Source],
        s3: "S3Client | None",
        window: TimeWindow,
        objects: Objects,
        *,
        stored_since: datetime | None = None,
        meet: Meet | None = None,
        stop: threading.Event | None = None,
    ) -> None:
        """Only objects that may hold events of `window`, and were written `stored_since` then.

        `meet` is told of each that is to be read, and of those that are empty, as it is listed. There are no more once
        `stop` is set.
        """
        self._sources, self._window, self._stored_since, self._meet = sources, window, stored_since, meet
        self._stop = stop or threading.Event()
        self.s3, self.objects = s3, objects

    def wanted(self) -> Generator[LakeObject, None, None]:
        """The objects, in the order of the lake. Raises CncbopsError where a source cannot be listed."""
        for source in self._sources:
            for lake_object in self._listed(source):
                if self._stop.is_set():
                    return
                self.objects.listed += 1
                reason = self._skip_reason(lake_object, source)
                if self._meet and reason in (None, EMPTY):
                    self._meet(lake_object)
                if reason:
                    self.objects.skip(reason)
                else:
                    yield lake_object

    def _listed(self, source: Source) -> Iterator[LakeObject]:
        try:
            yield from list_objects(source, self.s3, self._window)
        except (BotoCoreError, ClientError) as error:
            raise explain(error, f"list {source.uri}") from error

    def _skip_reason(self, lake_object: LakeObject, source: Source) -> str | None:
        reason = skip_reason(lake_object)
        if reason == CLAIM_CHECK and lake_object.uri == source.uri:
            reason = None  # asked for by its own name
        return "older" if self._stored_since and lake_object.last_modified < self._stored_since else reason


class Visits:
    """Opens what a listing gives, and counts it there; tells `note` of each object that failed, its error and why."""

    def __init__(self, listing: Listing, note: Callable[[LakeObject, str, str], None]) -> None:
        self._listing, self._note = listing, note
        self._s3, self._objects = listing.s3, listing.objects

    def opened(self) -> Generator[tuple[LakeObject, OpenObject], None, None]:
        """The objects, open. Raises CncbopsError where they cannot be listed, or none can be read.

        Close it where it is left before its end.
        """
        for lake_object, opened in ahead(self._open, self._listing.wanted(), OBJECTS_AHEAD, _close):
            if isinstance(opened, ObjectUnreadable):
                self._count_unreadable(lake_object, opened)
            else:
                yield lake_object, opened

    @contextmanager
    def reading(self, lake_object: LakeObject, opened: OpenObject) -> Iterator[Iterator[Block]]:
        """The blocks of an object, which is closed at the end of the `with` block, and ends that where it fails."""
        with opened:
            try:
                yield opened.blocks()
            except ObjectUnreadable as error:
                self._count_unreadable(lake_object, error)
                return
            except (BotoCoreError, ClientError) as error:
                raise explain(error, f"read {lake_object.uri}") from error
        self._objects.read += 1
        self._objects.bytes += lake_object.size

    def _open(self, lake_object: LakeObject) -> tuple[LakeObject, OpenObject | ObjectUnreadable]:
        try:
            return lake_object, open_object(lake_object, self._s3)
        except ObjectUnreadable as error:
            return lake_object, error
        except (BotoCoreError, ClientError) as error:
            raise explain(error, f"read {lake_object.uri}") from error

    def _count_unreadable(self, lake_object: LakeObject, error: ObjectUnreadable) -> None:
        """Count an object that failed. Raises CannotRun if it shows that none may be read."""
        if error.error == "AccessDenied" and lake_object.bucket and not self._objects.read:
            what = f"cannot read {lake_object.uri}: access denied"
            raise CannotRun(what, "Ask for s3:GetObject (and kms:Decrypt of its key), or use --role-arn") from error
        self._objects.failed += 1
        self._note(lake_object, error.error, error.message)


def _close(unused: tuple[LakeObject, OpenObject | ObjectUnreadable]) -> None:
    """Close an object that was opened ahead and is not wanted any more."""
    if isinstance(unused[1], OpenObject):
        unused[1].close()
