"""What an object's place in the lake says of the records in it."""

import re
import zlib

from msgspec import Struct

from cncbops.lake.layout import object_time, stream_folder
from cncbops.lake.objects import LakeObject

NAME_BYTES = 32  # 78 digits: with time, checksum, line and part still within a sequence number's 129
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Origin(Struct, frozen=True):
    """Where records come from: the object, its time in ms, and the stream its folder names.

    `order` are digits, without a leading zero, that rise with the keys of a folder and are always
    the same for a key: the time that it names, then the first 48 bits of the UUID in its name, or
    else the first 32 bytes of the name and a checksum of the key.
    """

    object: LakeObject
    time_ms: int
    order: str
    stream_name: str | None


def origin_of(lake_object: LakeObject) -> Origin:
    """The origin of an object's records; without a date in its key, its last modification is its time."""
    key = lake_object.key
    named_ms = object_time(key)
    time_ms = int(lake_object.last_modified.timestamp() * 1000) if named_ms is None else named_ms
    return Origin(lake_object, time_ms, f"{max(named_ms or 1, 1)}{_rank(key)}", stream_folder(key))


def _rank(key: str) -> str:
    uuids = _UUID.findall(key)
    if uuids:
        return f"{int(uuids[-1].replace('-', '')[:12], 16):015d}"
    encoded = key.encode("utf-8", "surrogateescape")
    name = encoded.rpartition(b"/")[2][:NAME_BYTES].ljust(NAME_BYTES, b"\0")
    return f"{int.from_bytes(name):078d}{zlib.crc32(encoded):010d}"
