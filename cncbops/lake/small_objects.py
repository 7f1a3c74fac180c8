"""Small objects of S3 read whole, by one lean GET each.

A GET may be made again, so this is no more than a quick first try. What is not at once the whole object,
as it was listed, is None: the caller asks again on the long way, which resumes, retries, finds a bucket
in another region, and has words for what is wrong.

An object is whole if its length is the listed one, its ETag the one asked for (If-Match), and its checksum
right where S3 sends one that botocore would check, too. Sources: Amazon S3 API Reference, "GetObject";
Amazon S3 User Guide, "Checking object integrity".
"""

import base64
import hashlib
import re
import threading
import zlib
from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import quote
from weakref import WeakKeyDictionary

from botocore.exceptions import BotoCoreError, ClientError

from cncbops.lake.objects import LakeObject
from cncbops.wire.call import Call, lean_call
from cncbops.wire.reply import Reply

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

LARGEST = 4 * 1024 * 1024
"""Bytes of an object read whole: sixteen may be read ahead, and memory is to stay below 150 MB."""

MOST_BUCKETS = 10
"""Whose connections are kept open: as many hosts as urllib3 keeps those of."""

_KEY = "key"
_ELSEWHERE = (301, 307, 400)
"""Statuses of a bucket in another region: botocore finds out which, and the next call is prepared for it."""
_PLAIN = re.compile(r"[!-~]*")
_CHECKSUMS: dict[str, Callable[[bytes], bytes]] = {
    "x-amz-checksum-crc32": lambda content: zlib.crc32(content).to_bytes(4, "big"),
    "x-amz-checksum-sha1": lambda content: hashlib.sha1(content, usedforsecurity=False).digest(),
    "x-amz-checksum-sha256": lambda content: hashlib.sha256(content).digest(),
}


def content_of(obj: LakeObject, s3: "S3Client") -> bytes | None:
    """The whole content of a small object, or None if it is to be read on the long way."""
    if obj.size > LARGEST or not _PLAIN.fullmatch(obj.etag):  # no header is made of what is no ETag
        return None
    try:
        return _gets(s3).content(obj, s3)
    except (BotoCoreError, ClientError):
        return None


class _Gets:
    """The prepared calls of one client, one for each bucket."""

    def __init__(self) -> None:
        self._calls: dict[str, Call | None] = {}
        self._preparing = threading.Lock()

    def content(self, obj: LakeObject, s3: "S3Client") -> bytes | None:
        call = self._call(obj.bucket, s3)
        if call is None:
            return None
        etag = f'"{obj.etag}"'
        path = call.path.removesuffix(_KEY) + quote(obj.key, safe="/~")  # as botocore encodes a key
        reply = call.send(path=path, varying={"if-match": etag}, expected=obj.size)
        if reply.status in _ELSEWHERE:
            with self._preparing:
                self._calls.pop(obj.bucket, None)
        return reply.body if _is_whole(reply, obj.size, etag) else None

    def _call(self, bucket: str, s3: "S3Client") -> Call | None:
        with self._preparing:
            if bucket not in self._calls:
                if len(self._calls) >= MOST_BUCKETS:
                    del self._calls[next(iter(self._calls))]
                parameters = {"Bucket": bucket, "Key": _KEY, "IfMatch": '"etag"'}
                self._calls[bucket] = lean_call(s3, "GetObject", parameters, "if-match")
            return self._calls[bucket]


_GETS: "WeakKeyDictionary[S3Client, _Gets]" = WeakKeyDictionary()
"""What is prepared is kept for as long as its client lives."""


def _gets(s3: "S3Client") -> _Gets:
    """What is prepared of a client: looked for first, as making what is not needed costs a lock for each object."""
    return _GETS.get(s3) or _GETS.setdefault(s3, _Gets())


def _is_whole(reply: Reply, size: int, etag: str) -> bool:
    if reply.status != 200 or len(reply.body) != size or reply.headers.get("etag", etag) != etag:
        return False
    for name, checksum in _CHECKSUMS.items():
        expected = reply.headers.get(name, "-")
        if "-" not in expected:  # with one, it is of the checksums of parts
            return base64.b64encode(checksum(reply.body)).decode() == expected
    return True
