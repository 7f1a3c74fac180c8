"""Records and batches for tests: what matters of a record here is its key, number and size."""

from collections.abc import Sequence
from datetime import UTC, datetime

from cncbops.delivery.outcome import Waybill
from cncbops.kinesis.batching import Batch
from cncbops.kinesis.record import Record
from cncbops.lake.objects import LakeObject

OBJECT = LakeObject("s3://lake/object", "lake", "object", 1, "", datetime(2018, 4, 8, tzinfo=UTC))


def record(number: int, key: str = "key", padding: int = 0) -> Record:
    """A record with a sequence number of its own and a body of JSON."""
    body = f'{{"n":{number},"kinesis":{{"sequenceNumber":"{number}","partitionKey":"{key}","data":""}},"pad":"'
    return Record(
        f'{body}{"x" * padding}"}}'.encode(), key, str(number), f"e-{number}", OBJECT, number + 1, 0, "shard", number
    )


def batch_of(*records: Record, lanes: tuple[int, ...] = (0,)) -> Batch:
    batch = Batch(lanes)
    for each in records:
        batch.add(each)
    return batch


def batch(size: int, lanes: tuple[int, ...] = (0,), first: int = 0) -> Batch:
    """A batch of the records numbered from `first`."""
    return batch_of(*(record(first + number) for number in range(size)), lanes=lanes)


def waybill(
    number: int, lanes: Sequence[int] = (), *, function: str = "", events: int = 1, size: int = 1, place: int = 0
) -> Waybill:
    """What is known of a batch where it is given out: it is named by its number, and is at a place of an executor."""
    places = range(number * 100, number * 100 + events)
    return Waybill((0, number), tuple(lanes), function, events, size, [], {}, False, {0: events}, places, place, number)
