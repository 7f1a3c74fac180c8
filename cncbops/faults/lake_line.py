"""What an earlier run could not deliver, read again from the line on which it lies.

Failures come in the order of their object, so the object stays open from one to the next and is read once.
An event is wrapped as a replay does it, from the same blocks, so that the record is the same to the byte.
"""

import re
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Self

from botocore.exceptions import BotoCoreError, ClientError

from cncbops.aws_errors import blames_credentials, explain
from cncbops.errors import BadInput
from cncbops.faults.decoding import decode_fault
from cncbops.faults.documents import Document, documents
from cncbops.faults.fault import Aside, Fault, LakeLine, Nothing, Problem, Records
from cncbops.faults.record import describe
from cncbops.formats.decoding import decode
from cncbops.formats.event import LakeEvent
from cncbops.kinesis.origin import Origin, origin_of
from cncbops.kinesis.record import RecordSource, to_records
from cncbops.kinesis.synthesis import complete
from cncbops.lake.look_again import look_again
from cncbops.lake.objects import LakeObject, ObjectUnreadable
from cncbops.lake.reading import OpenObject, open_object
from cncbops.lake.sources import S3Source, parse_source

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_ESCAPED = re.compile(r"\\x[0-9a-f]{2}")
_NEVER = datetime.fromtimestamp(0, UTC)
_Place = tuple[int, int]
_START, _END = (0, 0), (sys.maxsize, 0)


class LineReader:
    """Reads single lines of objects, best in their order. Close it, or use it as a context manager."""

    def __init__(self, s3: "Callable[[], S3Client | None]") -> None:
        """`s3` is asked for a client once an object is read; None reads what is on this machine alone."""
        self._s3 = s3
        self._reading: _Reading | None = None

    def read(self, unit: LakeLine, source: RecordSource | None) -> Records | list[Fault] | Nothing:
        """The event on a line as a record from `source`; without a source, the faults on it, which are never none.

        What holds a fault may be such a line again. Nothing says why there is none. Raises CncbopsError
        where AWS refuses the credentials.
        """
        try:
            return self._read(unit, source)
        except BadInput as error:
            return Nothing(error.what)
        except ObjectUnreadable as error:
            return Nothing(f"{unit.uri} cannot be read: {error.message}")
        except (BotoCoreError, ClientError) as error:
            return _refused(error, unit.uri)
        except OSError as error:
            return Nothing(f"{unit.uri} cannot be read: {error.strerror}")

    def close(self) -> None:
        """Close the object that is open."""
        if self._reading:
            self._reading.opened.close()
            self._reading = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _read(self, unit: LakeLine, source: RecordSource | None) -> Records | list[Fault] | Nothing:
        place = (unit.line, unit.part)
        reading = self._reading_of(unit.uri, place, is_event=source is not None)
        found = reading.find(place)
        if isinstance(found, Document):
            return _faults(found, f"line {unit.line} of {unit.uri}")
        if found:
            assert source is not None
            (record,) = to_records([found], [0], reading.origin, source)
            if unit.names(record.event_id, record.sequence_number):
                return Records((describe(bytes(record.body)),))
        return no_longer_there(unit)

    def _reading_of(self, uri: str, place: _Place, *, is_event: bool) -> "_Reading":
        """The object at hand if it can be read on from there, else the object anew."""
        reading = self._reading
        if not reading or (reading.uri, reading.is_event) != (uri, is_event) or reading.place > place:
            self.close()
            reading = self._reading = _Reading(uri, open_object(self._look(uri), self._s3()), is_event=is_event)
        return reading

    def _look(self, uri: str) -> LakeObject:
        """The object as it is now. Raises ObjectUnreadable, BadInput for what is no object, and botocore's errors."""
        source = parse_source(uri)
        if not isinstance(source, S3Source):
            bucket, key = "", str(source.path)
            _require_file(source.path)
        elif self._s3() is None:
            raise ObjectUnreadable("NoClient", "it is read only where the source is in S3")
        else:
            bucket, key = source.bucket, source.prefix
        found = look_again(LakeObject(uri, bucket, key, 0, "", _NEVER), self._s3())
        if found is None:
            raise ObjectUnreadable("NoSuchKey", "it is gone")
        return found


class _Reading:
    """An object that is open, read up to `place`: document by document, or event by event."""

    def __init__(self, uri: str, opened: OpenObject, *, is_event: bool) -> None:
        self.uri, self.opened, self.is_event = uri, opened, is_event
        self.origin = origin_of(opened.obj)
        self.place: _Place = _START
        self._items: Iterator[LakeEvent | Document] = (
            _events(opened, self.origin) if is_event else documents(opened.blocks())
        )
        self._item: LakeEvent | Document | None = None
        self._error: Exception | None = None

    def find(self, place: _Place) -> LakeEvent | Document | None:
        """What begins at a place that is not before the one reached; None if nothing does.

        Raises what reading raises, and once more for every later place.
        """
        while self.place < place:
            if self._error:
                raise self._error
            try:
                self._item = next(self._items, None)
            except (ObjectUnreadable, BotoCoreError, ClientError, OSError) as error:
                self._error = error
                raise
            self.place = (self._item.line, self._item.part) if self._item else _END
        return self._item if self.place == place else None


def _events(opened: OpenObject, origin: Origin) -> Iterator[LakeEvent]:
    for block in opened.blocks():
        events, _ = decode(block)
        complete(events, origin)
        yield from events


def no_longer_there(unit: LakeLine) -> Nothing:
    """What is told of a line that ends before it, or holds another event or fault."""
    return Nothing(f"line {unit.line} of {unit.uri} no longer holds what failed")


def _require_file(path: Path) -> None:
    """Raises ObjectUnreadable for what is no file: a pipe would never end."""
    if path.is_file():
        return
    if path.exists():
        raise ObjectUnreadable("NoFile", "it is no file")
    if _ESCAPED.search(str(path)):
        raise ObjectUnreadable("NoSuchKey", "its name is not UTF-8, and what is printed of it cannot be read back")
    raise ObjectUnreadable("NoSuchKey", "it is gone")


def _faults(document: Document, where: str) -> list[Fault] | Nothing:
    decoded = decode_fault(document.text)
    if isinstance(decoded, Problem):
        return Nothing(f"{where} holds no fault: {decoded.message}")
    if isinstance(decoded, Aside):
        return Nothing(f"{where} tells of a run, and no failure of it that is left")
    return decoded or Nothing(f"{where} holds an event and no fault, and nothing says which function it was for")


def _refused(error: BotoCoreError | ClientError, uri: str) -> Nothing:
    explained = explain(error, f"read {uri}")
    if isinstance(error, ClientError) and blames_credentials(error):
        raise explained from error
    return Nothing(explained.what)
