"""One object of a lake, wherever it lies, and what can go wrong with it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Self


@dataclass(frozen=True, slots=True)
class LakeObject:
    """An object as a listing names it.

    `uri` is what messages and the ledger show (`s3://bucket/key`, or a local path). `bucket` is
    empty for a local file, whose `key` is its path. `size` in bytes; `etag` without quotes.
    """

    uri: str
    bucket: str
    key: str
    size: int
    etag: str
    last_modified: datetime
    storage_class: str = "STANDARD"

    def __reduce__(self) -> tuple[type[Self], tuple[object, ...]]:
        """Objects go to other processes by the thousand."""
        return type(self), tuple(getattr(self, name) for name in self.__slots__)

    @property
    def is_local(self) -> bool:
        """Whether it is a file of this machine: neither in a bucket nor a queue's message."""
        return not self.bucket and not self.key.startswith("sqs://")


GONE, CHANGED = "NoSuchKey", "Changed"
"""The errors of an object that is not there any more, or not as it was."""


class ObjectUnreadable(Exception):
    """An object could not be read to its end: an outcome of that object, not of the run.

    `error` is a short name (`Archived`, `NoSuchKey`, `CorruptObject`…), `message` one line.
    """

    def __init__(self, error: str, message: str) -> None:
        super().__init__(message)
        self.error = error
        self.message = message
