"""One object, opened and read to its end: from S3 or from the disk.

A small object is read whole, at once (`cncbops.lake.small_objects`). Of any other the first bytes are read, and
the rest as it is used: a body that is cut midway is resumed where it broke off (smart_open). Every request
says If-Match, so that a resumed body, or one read long after it was listed, is of the object that was listed.

What is wrong with one object becomes ObjectUnreadable. What is wrong with all of them (credentials,
the endpoint, the bucket) is not an object's fault: botocore's own error passes.
"""

import io
import os
from codecs import BOM_UTF8
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, BinaryIO, NoReturn, Self, cast

from botocore.exceptions import ClientError, ConnectionError, HTTPClientError

from cncbops.lake.compression import decompressed, plain_if_small
from cncbops.lake.disk import local_etag
from cncbops.lake.lines import BLOCK_SIZE, Block, blocks
from cncbops.lake.objects import CHANGED, GONE, LakeObject, ObjectUnreadable
from cncbops.lake.pieces import chunks, stream_of
from cncbops.lake.small_objects import content_of

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

HEAD_BYTES = 1024 * 1024

_ARCHIVED = frozenset({"GLACIER", "DEEP_ARCHIVE"})
_ARCHIVED_TEXT = "is in the archive: restore it first (aws s3api restore-object), then run again"
_GONE_TEXT = "has vanished since it was listed"
_CHANGED_TEXT = "has changed since it was listed"
_DENIED_TEXT = "may not be read with these permissions"

# Error codes of GetObject: Amazon S3 API Reference, "Error responses".
_OF_THE_OBJECT = {
    "NoSuchKey": (GONE, _GONE_TEXT),
    "404": (GONE, _GONE_TEXT),
    "PreconditionFailed": (CHANGED, _CHANGED_TEXT),
    "412": (CHANGED, _CHANGED_TEXT),
    "InvalidObjectState": ("Archived", _ARCHIVED_TEXT),
    "AccessDenied": ("AccessDenied", _DENIED_TEXT),
    "403": ("AccessDenied", _DENIED_TEXT),
}
_OF_THE_RUN = frozenset(
    {
        "AccountProblem",
        "AllAccessDisabled",
        "AuthorizationHeaderMalformed",
        "ExpiredToken",
        "ExpiredTokenException",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "InvalidSecurity",
        "InvalidToken",
        "NoSuchBucket",
        "NotSignedUp",
        "PermanentRedirect",
        "RequestTimeTooSkewed",
        "SignatureDoesNotMatch",
        "TokenRefreshRequired",
        "UnrecognizedClientException",
    }
)


class OpenObject:
    """An object whose first bytes are in memory, or all of them. Close it, or use it as a context manager."""

    def __init__(self, obj: LakeObject, raw: BinaryIO | None, head: bytes) -> None:
        """`raw` gives what comes after `head`; None if that is all.

        A small object that is there whole is decompressed here and now: objects are opened side by side.
        """
        self.obj = obj
        self._raw = raw
        self._head = head
        self._plain = plain_if_small(head, BLOCK_SIZE) if raw is None else None

    def blocks(self) -> Iterator[Block]:
        """Its lines in blocks; once only. Raises ObjectUnreadable where the object fails."""
        if self._plain is None:
            name = os.path.basename(self.obj.uri)  # noqa: PTH119  a key is no path
            yield from blocks(decompressed(stream_of(self.stored()), name))
        elif data := self._plain.removeprefix(BOM_UTF8):
            self._head = self._plain = b""
            yield Block(data, first_line=1, first_part=0)

    def stored(self) -> Iterator[bytes]:
        """Its bytes as they are stored, a chunk at a time; once only. Raises ObjectUnreadable."""
        head, self._head = self._head, b""
        try:
            yield from chunks(self._raw or io.BytesIO(), head)
        except (OSError, HTTPClientError) as error:
            _raise_unreadable(error)

    def close(self) -> None:
        if self._raw is not None:
            self._raw.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_object(obj: LakeObject, s3: "S3Client | None", head_bytes: int = HEAD_BYTES) -> OpenObject:
    """Open `obj` and read it whole if it is small, else its first `head_bytes`, which OpenObject then holds.

    Raises ObjectUnreadable: Archived, NoSuchKey, Changed, AccessDenied, or the name of what failed.
    """
    if obj.bucket:
        assert s3 is not None, "an object in S3 needs a client"
        content = None if obj.storage_class in _ARCHIVED else content_of(obj, s3)
        if content is not None:
            return held(obj, content)
    try:
        raw = _open_s3(obj, s3) if obj.bucket else _open_local(obj)
        try:
            head = raw.read(head_bytes)
        except BaseException:
            raw.close()
            raise
    except (OSError, HTTPClientError) as error:
        _raise_unreadable(error)
    if obj.is_local and len(head) == obj.size:
        raw.close()
        return held(obj, head)
    return OpenObject(obj, raw, head)


def held(obj: LakeObject, content: bytes) -> OpenObject:
    """An object whose content is here already."""
    return OpenObject(obj, None, content)


def _open_s3(obj: LakeObject, s3: "S3Client | None") -> BinaryIO:
    assert s3 is not None, "an object in S3 needs a client"
    if obj.storage_class in _ARCHIVED and not _is_restored(obj, s3):
        raise ObjectUnreadable("Archived", f"{_ARCHIVED_TEXT} ({obj.storage_class})")
    import smart_open.s3  # here: it imports boto3, requests and more, for which no first request should wait

    requests = {"S3.Client.get_object": {"IfMatch": f'"{obj.etag}"'}}
    return cast(BinaryIO, smart_open.s3.open(obj.bucket, obj.key, "rb", client=s3, client_kwargs=requests))


def _is_restored(obj: LakeObject, s3: "S3Client") -> bool:
    with suppress(ClientError):  # HEAD answers without a reason: GET will give it
        answer = s3.head_object(Bucket=obj.bucket, Key=obj.key)
        moved = answer.get("StorageClass", "STANDARD") not in _ARCHIVED  # since it was listed
        return moved or 'ongoing-request="false"' in answer.get("Restore", "")
    return True


def _open_local(obj: LakeObject) -> BinaryIO:
    raw = open(obj.key, "rb")  # noqa: PTH123, SIM115  OpenObject closes it
    if local_etag(os.fstat(raw.fileno())) != obj.etag:
        raw.close()
        raise ObjectUnreadable(CHANGED, _CHANGED_TEXT)
    return raw


def _raise_unreadable(error: Exception) -> NoReturn:
    # smart_open hides the client's error in an OSError.
    cause = getattr(error, "backend_error", error)
    if isinstance(cause, ClientError):
        raise _of_code(cause) from error
    if isinstance(cause, ConnectionError):  # botocore's: some of them are an OSError as well
        raise cause
    if isinstance(cause, FileNotFoundError):
        raise ObjectUnreadable(GONE, _GONE_TEXT) from error
    if isinstance(cause, PermissionError):
        raise ObjectUnreadable("AccessDenied", _DENIED_TEXT) from error
    if isinstance(cause, HTTPClientError):
        raise ObjectUnreadable(type(cause).__name__, _one_line(cause)) from error
    raise ObjectUnreadable("ReadFailed", _one_line(cause)) from error


def _of_code(error: ClientError) -> Exception:
    code = error.response["Error"].get("Code", "Unknown")
    if code in _OF_THE_RUN:
        return error
    return ObjectUnreadable(*_OF_THE_OBJECT.get(code, (code, _one_line(error))))


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())
