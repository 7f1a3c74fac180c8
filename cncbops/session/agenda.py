"""Which objects a session reads, in which order, and what of each it takes."""

from collections.abc import Iterator, Set
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from cncbops.aws import Aws, explain
from cncbops.lake.listing import list_objects
from cncbops.lake.objects import LakeObject
from cncbops.lake.sources import S3Source, Source
from cncbops.request import ReplayRequest
from cncbops.session.entry import Entry

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

READERS = 16
"""Requests at a time at most: objects opened ahead, or looked at again, and the listing."""

Line = tuple[int, int]
"""A line's number, and the place on it of one of several events."""


@dataclass(frozen=True)
class Item:
    """An object to be read: new, or as an earlier session left it; `lines`: only these, whatever is chosen."""

    source: int
    object: LakeObject
    left: Entry | None = None
    lines: Set[Line] | None = None


class Agenda(Protocol):
    """Gives a session its objects, lazily and in the order of the run."""

    def items(self) -> Iterator[Item]:
        """The objects to be read. Raises CncbopsError where they cannot be found out."""


def lake_client(request: ReplayRequest, aws: Aws) -> "S3Client | None":
    """A client to list and read the sources with, where any of them is in S3."""
    in_s3 = any(isinstance(source, S3Source) for source in request.sources)
    return aws.s3(READERS) if in_s3 else None


class WholeLake:
    """All that a request's sources hold."""

    def __init__(self, request: ReplayRequest, s3: "S3Client | None") -> None:
        self._request, self._s3 = request, s3

    def items(self) -> Iterator[Item]:
        """Every object, in the order of the sources and of keys."""
        return chain.from_iterable(self._of(number, source) for number, source in enumerate(self._request.sources))

    def _of(self, number: int, source: Source) -> Iterator[Item]:
        try:
            for lake_object in list_objects(source, self._s3, self._request.selection.window):
                yield Item(number, lake_object)
        except (BotoCoreError, ClientError) as error:
            raise explain(error, f"list {source.uri}") from error
