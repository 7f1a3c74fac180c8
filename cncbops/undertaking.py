"""What one session has to do, and in which sizes it is done."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from msgspec import Struct

from cncbops.delivery.lanes import PULLED_BYTES
from cncbops.execution.executor import Cluster
from cncbops.queues.source import QueueSource
from cncbops.recipients import Recipients
from cncbops.request import Request
from cncbops.session.agenda import Agenda
from cncbops.session.progress import Progress
from cncbops.session.reading import Reader, Register
from cncbops.terms import Room

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

LAKE_OBJECTS_AHEAD = 8
BYTES_A_BYTE = 0.75
"""Of an event's line for its record, in which the event is base64."""

LEAST_BYTES, MOST_BYTES = 1024 * 1024, 8 * 1024 * 1024
"""Of a portion: memory holds some of them at each place, and of single records each is a batch."""
_MOST_CHUNK_BYTES = 8 * 1024 * 1024
"""Of objects on this machine: faults' lines are twice their records."""
_LEAST_BYTES_OF_MANY, _MOST_BYTES_OF_MANY = 256 * 1024, 32 * 1024 * 1024
"""Of one at a cluster: its batches follow those of others close behind, or hold them up."""
_USUAL_BYTES = 1_600
"""Of a record, for want of knowing better."""


def is_read_one_by_one(request: Request) -> bool:
    """Whether what one chunk of a request comes to decides over the next, so that this process reads all of them.

    Messages of a queue are received a few at a time, and a limit is met by what was chosen before.
    """
    return request.reading_limit is not None or any(isinstance(source, QueueSource) for source in request.sources)


def address_of(cluster: Cluster | None) -> str | None:
    """Where a session works, as it is typed; None on this machine."""
    return cluster.address if cluster else None


class Places(Struct, frozen=True):
    """Where a session works: on a cluster, else in up to so many processes of this machine."""

    workers: int = 1
    cluster: Cluster | None = None

    @property
    def room(self) -> Room:
        """How many invocations there is room for."""
        if self.cluster is None:
            return Room()
        workers = "1 worker" if self.cluster.workers == 1 else f"{self.cluster.workers:,} workers"
        return Room(self.cluster.room, f"default, for {workers}")

    def listing(self, s3: "S3Client | None") -> "S3Client | None":
        """The client of a lake, whose list calls a cluster's workers make."""
        return self.cluster.listing(s3) if self.cluster and s3 else s3


@dataclass(frozen=True)
class Undertaking:
    """What one session has to do, and what is left of it.

    `concurrency` is that of the whole run; each recipient's terms may allow it less, and batches smaller than
    `batch_size`. `lanes` is in how many parts the records of a function are ordered, 0 where order does not matter.
    `reader` makes what turns objects into records, given how much is chosen already. Readers that know nothing of each
    other (`spreads`) read at up to `workers` processes, or at a `cluster`, several chunks at a time; another reads one
    chunk after another, in this process. `objects_ahead` are opened beforehand; a byte of records is of some
    `bytes_a_byte` of lines; `pulled_bytes` of records wait, or are under way, at each place. `names_records`: whoever
    writes it down has to know each record that was delivered. `register` judges what readers claim, and counts what
    they find.
    """

    request: Request
    recipients: Recipients
    agenda: Agenda
    reader: Callable[[int], Reader]
    concurrency: int
    batch_size: int
    lanes: int
    objects_ahead: int = LAKE_OBJECTS_AHEAD
    bytes_a_byte: float = BYTES_A_BYTE
    pulled_bytes: int = PULLED_BYTES
    progress: Progress = Progress()
    spreads: bool = True
    workers: int = 1
    cluster: Cluster | None = None
    names_records: bool = False
    register: Register | None = None

    @property
    def portion_bytes(self) -> int:
        """How many bytes of records are cut at a time: enough for all batches in flight, and as many to follow.

        In order, the batches of one cut go side by side, and each of the next waits for some of them: in the time of an
        invocation as many can be sent as are in one cut.
        """
        least, most = (_LEAST_BYTES_OF_MANY, _MOST_BYTES_OF_MANY) if self.cluster else (LEAST_BYTES, MOST_BYTES)
        return min(max(least, self.concurrency * self.batch_size * _USUAL_BYTES * 3 // 2), most)

    @property
    def chunk_bytes(self) -> int:
        """How many bytes of objects are read at one place before others are: about a portion's."""
        size = int(self.portion_bytes * self.bytes_a_byte)
        return size if self.cluster else min(size, _MOST_CHUNK_BYTES)

    @property
    def reads_one_by_one(self) -> bool:
        """Whether what one chunk comes to decides over the next."""
        return not self.spreads or self.request.reading_limit is not None
