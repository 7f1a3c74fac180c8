"""Chunks as the reader of a lake makes them, of lines given here."""

from datetime import UTC, datetime

from cncbops.formats.decoding import decode
from cncbops.inspection.reading import Chunk
from cncbops.kinesis.origin import origin_of
from cncbops.kinesis.synthesis import complete
from cncbops.lake.lines import Block
from cncbops.lake.objects import LakeObject


def object_at(key: str) -> LakeObject:
    """An object of a bucket, written in 2030."""
    return LakeObject(f"s3://lake/{key}", "lake", key, 1, "etag", datetime(2030, 1, 1, tzinfo=UTC))


def chunk_of(key: str, *lines: bytes) -> Chunk:
    """All events of an object of these lines."""
    origin, block = origin_of(object_at(key)), Block(b"\n".join(lines), 1, 0)
    events, malformed = decode(block)
    assert not malformed
    complete(events, origin)
    return Chunk(origin, block, events, events)
