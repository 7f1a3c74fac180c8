"""What a session of a resubmit works with."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cncbops.aws import Aws
from cncbops.faults.grouping import Groups
from cncbops.faults.resolving import Resolver
from cncbops.finding import Finder
from cncbops.identity import Identity, whoami
from cncbops.lake.listing import LISTERS
from cncbops.recipients import Recipients
from cncbops.request import ResubmitRequest
from cncbops.session.agenda import READERS
from cncbops.session.queued import Queues
from cncbops.terms import Room
from cncbops.undertaking import Places

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@dataclass(frozen=True)
class Means:
    """What a session of a resubmit works with: AWS, what it fetches with, its queues, and what it finds out.

    `identity` is the caller's, None where AWS does not say. `room` is what there is where it works. `groups` are those
    of the faults that it sends, `came_back` those of the faults that it does not send once more.
    """

    request: ResubmitRequest
    aws: Aws
    s3: "S3Client"
    resolver: Resolver
    queues: Queues
    recipients: Recipients
    finder: Finder
    identity: Identity | None
    room: Room = Room()
    groups: Groups = field(default_factory=Groups)
    came_back: Groups = field(default_factory=Groups)


@contextmanager
def means_of(
    request: ResubmitRequest, aws: Aws, places: Places = Places(), room: Room | None = None, *, executes: bool
) -> Iterator[Means]:
    """What a session works with, until it ends; `room` is what its run had before, if it goes on with one.

    Raises CncbopsError, as for a queue that does not exist.
    """
    recipients, s3, room = Recipients(), aws.s3(READERS + LISTERS), room or places.room
    with ExitStack() as held:
        queues = held.enter_context(Queues(request.sources, aws, executes=executes))
        resolver = Resolver(aws, lambda: s3)
        held.callback(resolver.close)
        identity = whoami(aws)
        finder = Finder(request, aws, recipients, identity.account if identity else None, room)
        yield Means(request, aws, places.listing(s3) or s3, resolver, queues, recipients, finder, identity, room)


def here(aws: Aws) -> str:
    """What tells the functions of this endpoint and region from those of others."""
    return f"{aws.endpoint or ''}\0{aws.region}"


def lasting_name(where: str, bare_name: str) -> str:
    """What tells a function of a place (see `here`) from all others for ever, whatever version of it is meant."""
    return f"{where}\0{bare_name}"
