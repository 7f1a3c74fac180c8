"""A lake of any size on the disk, under the keys that Firehose gives: their order is the order of time."""

import gzip
import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.lines import DELIVERY_STREAM, line_maker
from benchmarks.shape import STREAM, Shape

PREFIX = f"{STREAM}/"
_GZIP_LEVEL = 6  # Firehose's sizes are about those


def write_lake(bucket: Path, shape: Shape) -> None:
    """Write the lake into a folder that stands for the bucket."""
    bodies: list[Path] = []
    for number, content in enumerate(_bodies(shape)):
        bodies.append(_place(bucket, shape, number))
        bodies[-1].write_bytes(content)
    for number in range(len(bodies), shape.objects):
        _place(bucket, shape, number).hardlink_to(bodies[number % len(bodies)])


def _place(bucket: Path, shape: Shape, number: int) -> Path:
    path = bucket / object_key(shape, number)
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def _bodies(shape: Shape) -> Iterator[bytes]:
    line = line_maker(shape)
    for number in range(shape.bodies):
        first = number * shape.events
        content = b"".join(map(line, range(first, first + shape.events)))
        yield gzip.compress(content, _GZIP_LEVEL, mtime=0) if shape.gzip else content


def object_key(shape: Shape, number: int) -> str:
    """The key of an object: the time of its first event, then a UUID that rises within a second."""
    time = datetime.fromtimestamp(shape.time_ms(number * shape.events) // 1000, UTC)
    digest = hashlib.md5(b"%d" % number, usedforsecurity=False).hexdigest()
    name = f"{number:08x}-{digest[:4]}-4{digest[4:7]}-9{digest[7:10]}-{digest[10:22]}"
    extension = ".gz" if shape.gzip else ""
    return f"{PREFIX}{time:%Y/%m/%d/%H}/{DELIVERY_STREAM}-1-{time:%Y-%m-%d-%H-%M-%S}-{name}{extension}"
