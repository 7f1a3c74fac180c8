"""S3's notifications of objects written and removed, as they come in files: plain, or wrapped by SNS or SQS.

Sources: S3 User Guide, "Event message structure"; the book, "Triggering the invalidation of content in a CDN".
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_plus

import orjson

from cncbops.errors import BadInput

CHANGES = ("ObjectCreated:", "ObjectRemoved:", "LifecycleExpiration:")
"""Events after which an edge holds what is no more. The book's trigger knows `ObjectCreated:Put` alone."""

_DEEPEST = 4
"""SQS around SNS around S3 is three."""


@dataclass(frozen=True, slots=True)
class ChangedObject:
    """An object that was written or removed."""

    bucket: str
    key: str

    @property
    def uri(self) -> str:
        return f"s3://{self.bucket}/{self.key}"


@dataclass(frozen=True, slots=True)
class Notified:
    """What a file of notifications tells; `others` are records and messages that change no object."""

    changed: list[ChangedObject]
    others: int


def read_notifications(data: bytes, name: str) -> Notified:
    """What is told by one JSON document, or one a line. Raises BadInput, which says where."""
    found = [each for document, where in _documents(data, name) for each in _events(document, where, 0)]
    changed = [each for each in found if each is not None]
    return Notified(changed, len(found) - len(changed))


def _documents(data: bytes, name: str) -> Iterator[tuple[Any, str]]:
    try:
        yield orjson.loads(data), name
        return
    except orjson.JSONDecodeError as error:
        lines = data.splitlines()
        if len([line for line in lines if line.strip()]) < 2:
            raise _no_notification(f"{name} holds no JSON: {error}") from error
    for number, line in enumerate(lines, start=1):
        if line.strip():
            yield _document(line, f"{name}:{number}"), f"{name}:{number}"


def _document(text: str | bytes, where: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise _no_notification(f"{where} holds no JSON: {error}") from error


def _events(document: Any, where: str, depth: int) -> Iterator[ChangedObject | None]:
    """Each record, whatever wraps it; None for one that changes no object, such as S3's test message."""
    match document:
        case {"Records": [*records]}:
            for number, record in enumerate(records, start=1):
                yield from _of_record(record, f"{where} record {number}", depth)
        case {"Type": "Notification", "Message": str(message)} if depth < _DEEPEST:
            yield from _events(_document(message, where), where, depth + 1)
        case {"Service": "Amazon S3", "Event": "s3:TestEvent"}:
            yield None
        case _:
            raise _no_notification(f"{where} is no notification of S3")


def _of_record(record: Any, where: str, depth: int) -> Iterator[ChangedObject | None]:
    match record:
        case {"Sns": {"Message": str(message)}} | {"body": str(message)} if depth < _DEEPEST:
            yield from _events(_document(message, where), where, depth + 1)
        case {"eventName": str(name), "s3": {"bucket": {"name": str(bucket)}, "object": {"key": str(key)}}}:
            is_change = name.removeprefix("s3:").startswith(CHANGES)
            yield ChangedObject(bucket, unquote_plus(key)) if is_change else None
        case _:
            raise _no_notification(f"{where} is no notification of S3")


def _no_notification(what: str) -> BadInput:
    return BadInput(what, "Give S3 event notifications as JSON, plain or as SNS or SQS wrap them")
