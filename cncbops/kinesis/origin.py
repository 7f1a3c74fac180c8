"""What an object's place in the lake says of the records in it."""

import re
import zlib
from dataclasses import dataclass

from cncbops.lake.layout import object_time, stream_folder
from cncbops.lake.objects import LakeObject

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True, slots=True)
class Origin:
    """Where records come from: the object, its time in ms, and the stream its folder names.

    `rank` orders objects of one time as their names do: the first 48 bits of the UUID in the
    name, else a checksum of the whole key.
    """

    object: LakeObject
    time_ms: int
    rank: int
    stream_name: str | None


def origin_of(lake_object: LakeObject) -> Origin:
    """The origin of an object's records; without a date in its key, its last modification counts."""
    time_ms = object_time(lake_object.key)
    if time_ms is None:
        time_ms = int(lake_object.last_modified.timestamp() * 1000)
    return Origin(lake_object, time_ms, _rank(lake_object.key), stream_folder(lake_object.key))


def _rank(key: str) -> int:
    uuids = _UUID.findall(key)
    if uuids:
        return int(uuids[-1].replace("-", "")[:12], 16)
    return zlib.crc32(key.encode("utf-8", "surrogateescape"))
