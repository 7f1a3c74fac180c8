"""Which objects a session reads, in which order, and what of each it takes."""

import threading
from collections.abc import Callable, Iterator, Mapping, Set
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from cncbops.aws import Aws
from cncbops.aws_errors import explain
from cncbops.lake.in_order import nothing
from cncbops.lake.listing import LISTERS, list_objects
from cncbops.lake.objects import LakeObject
from cncbops.lake.sources import S3Source, Source
from cncbops.queues.source import QueueSource
from cncbops.request import Request
from cncbops.session.entry import Entry
from cncbops.session.keeper import Keeper, RunKeeper
from cncbops.session.picks import Picked
from cncbops.tally import Events

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

READERS = 16
"""Requests at a time at most, beside the listing's: objects opened ahead, or looked at again."""

Line = tuple[int, int]
"""A line's number, and the place on it of one of several events."""


@dataclass(frozen=True)
class Item:
    """An object to be read: new, or as an earlier session left it; `lines`: only these, whatever is chosen.

    `picked`: of the events that the selection chooses only these. `by_name`: it is itself what was typed as a
    source. `changed`: the run that is followed knew it as it was before. `passed_over` says why it is not read.
    `settled` are lines that failed in an earlier session. `content` is what it holds, where that is here already: a
    queue's message, with its `attributes`.
    """

    source: int
    object: LakeObject
    left: Entry | None = None
    lines: Set[Line] | None = None
    picked: Picked | None = None
    settled: Set[Line] = frozenset()
    by_name: bool = False
    changed: bool = False
    passed_over: str | None = None
    content: bytes | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_counted(self) -> bool:
        """Whether this session has read it before, and counted what is in it."""
        return self.picked is not None and self.picked.again


class Agenda:
    """Gives a session its objects, lazily and in the order of the run. Objects of a lake stay where they are."""

    def items(self, stop: threading.Event, before_threads: Callable[[], None] = nothing) -> Iterator[Item | None]:
        """The objects to be read, until `stop` is set; None where none comes before others are settled.

        `before_threads` is called before threads begin to find them out, also more than once. Raises CncbopsError where
        that cannot be.
        """
        raise NotImplementedError

    @property
    def looks(self) -> bool:
        """Whether it is not known yet what of the objects is sent."""
        return False

    def serve(self, keeper: RunKeeper) -> Keeper:
        """What a session is to tell what it would tell a keeper."""
        return keeper

    def count_in(self, counts: Events) -> None:
        """Where events are counted of which the agenda knows."""

    def over(self, entry: Entry) -> None:
        """An object is read, and all that was chosen of it has a fate, which is written down."""

    def finish(self) -> None:
        """Nothing more is wanted. Raises CncbopsError where what is over could not be told to its source."""


def lake_client(request: Request, aws: Aws) -> "S3Client | None":
    """A client to list and read the sources with, where any of them is in S3."""
    in_s3 = any(isinstance(source, S3Source) for source in request.sources)
    return aws.s3(READERS + LISTERS) if in_s3 else None


class WholeLake(Agenda):
    """All that a request's sources hold; its queues are for others to read."""

    def __init__(self, request: Request, s3: "S3Client | None") -> None:
        self._request, self._s3 = request, s3

    def objects(self, before_threads: Callable[[], None] = nothing) -> Iterator[Item]:
        """Every object, in the order of the sources and of keys."""
        lakes = ((at, each) for at, each in enumerate(self._request.sources) if not isinstance(each, QueueSource))
        return chain.from_iterable(self._of(number, source, before_threads) for number, source in lakes)

    def items(self, _stop: threading.Event, before_threads: Callable[[], None] = nothing) -> Iterator[Item]:
        """The same, as an agenda."""
        return self.objects(before_threads)

    def _of(self, number: int, source: Source, before_threads: Callable[[], None]) -> Iterator[Item]:
        found = list_objects(source, self._s3, self._request.window, before_threads=before_threads)
        try:
            for lake_object in found:
                yield Item(number, lake_object, by_name=lake_object.uri == source.uri)
        except (BotoCoreError, ClientError) as error:
            raise explain(error, f"list {source.uri}") from error
