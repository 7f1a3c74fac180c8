"""What a fault stands for, fetched from where it lies: its claim check, its lines of a lake, its range of a stream."""

import threading
from collections.abc import Callable
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING

from msgspec.structs import replace

from cncbops.aws import Aws
from cncbops.faults.fault import ClaimCheck, Fault, LakeLine, Nothing, Payload, Records, StreamRange
from cncbops.faults.fetching import fetched
from cncbops.faults.identity import names_of
from cncbops.faults.lake_line import LineReader, no_longer_there
from cncbops.faults.record import records_of
from cncbops.faults.stream_range import StreamFetcher
from cncbops.lake.objects import LakeObject
from cncbops.recipients import Recipient

if TYPE_CHECKING:
    from mypy_boto3_kinesis import KinesisClient
    from mypy_boto3_s3 import S3Client

_PART_BITS = 32
"""A document may hold several faults: which one it is stands above the document's own part of its line."""

_MOST_REPORTS = 8
"""A fault may be named by a report of a resubmit of a report, and so on; a report may also name itself."""


def part_of(document_part: int, index: int) -> int:
    """The part under which fault number `index` (from 0) of a document is known in a run."""
    return document_part | index << _PART_BITS


class Resolver:
    """Fetches what faults stand for; streams and lines of a lake for one thread at a time. To be closed."""

    def __init__(self, aws: Aws, s3: Callable[[], "S3Client | None"]) -> None:
        """`s3` is asked for a client once something is fetched: nearly all faults hold what is sent of them."""
        self._s3 = _made_once(s3)
        self._fetching = threading.Lock()
        self._events = LineReader(self._s3)
        # By how many reports they are behind: each reads on where it was, while the one before goes through a report.
        self._faults = [LineReader(self._s3) for _ in range(_MOST_REPORTS)]
        self._ranges = StreamFetcher(cache(lambda region: _kinesis(aws, region)))

    def opened(self, fault: Fault, place: LakeObject) -> list[Fault]:
        """The faults themselves, where a claim check or a failed line of an earlier resubmit stands for them.

        Only what lies on this machine itself, in `place`, may name a file of it.
        """
        return self._opened(fault, 0, is_local=place.is_local)

    def work_of(self, fault: Fault, recipient: Recipient) -> Records | Payload | Nothing:
        """What is to be sent to a function. Raises CncbopsError where AWS refuses the credentials."""
        unit = fault.unit
        source = recipient.terms.record_source
        if isinstance(unit, StreamRange):
            with self._fetching:
                return self._ranges.fetch(unit, source.role_arn, _filters(recipient, unit.stream_arn))
        if isinstance(unit, LakeLine):
            with self._fetching:
                event = self._events.read(unit, source)
            return Nothing(f"line {unit.line} of {unit.uri} holds a fault") if isinstance(event, list) else event
        return unit if isinstance(unit, Records | Payload | Nothing) else Nothing("it is named by another claim check")

    def close(self) -> None:
        """Close what is open."""
        for reader in (self._events, *self._faults):
            reader.close()

    def _opened(self, fault: Fault, reports: int, *, is_local: bool) -> list[Fault]:
        """The faults themselves, behind so many reports; `is_local`: what names them lies on this machine."""
        unit = fault.unit
        if not isinstance(unit, LakeLine):
            return fetched(fault, self._s3())
        if not (is_local or unit.is_in_s3):
            return [replace(fault, unit=Nothing("it names a file of this machine, and lies elsewhere"))]
        return [fault] if fault.function else [self._on_line(fault, unit, reports)]

    def _on_line(self, fault: Fault, unit: LakeLine, reports: int) -> Fault:
        """The fault that failed, and is there still; Nothing in its place, and why."""
        if reports == _MOST_REPORTS:
            return replace(fault, unit=Nothing(f"it is named by {reports} reports, one after another"))
        index, part = unit.part >> _PART_BITS, unit.part & (1 << _PART_BITS) - 1
        with self._fetching:
            found = self._faults[reports].read(replace(unit, part=part), None)
        if not isinstance(found, list):
            return replace(fault, unit=found)
        opened = (each for one in found for each in self._opened(one, reports + 1, is_local=not unit.is_in_s3))
        there = next(islice(opened, index, None), None)
        return there if there and _may_be(there, unit) else replace(fault, unit=no_longer_there(unit))


def _made_once(make: Callable[[], "S3Client | None"]) -> Callable[[], "S3Client | None"]:
    """Makes it when it is first asked for, in whichever thread: a session of botocore makes one client at a time."""
    making, made = threading.Lock(), cache(make)

    def client() -> "S3Client | None":
        with making:
            return made()

    return client


def _may_be(there: Fault, unit: LakeLine) -> bool:
    """Whether a fault is the one that failed, as far as that is known before its records are fetched."""
    match there.unit:
        case Nothing():
            return True
        case StreamRange() | ClaimCheck() | LakeLine() if there.id is None:
            return True
    return unit.names(*names_of(there, records_of(there.unit)))


def _filters(recipient: Recipient, stream_arn: str) -> tuple[str, ...]:
    """What the mapping of that stream lets through, as it is now."""
    return next((each.filters for each in recipient.target.mappings if each.source_arn == stream_arn), ())


def _kinesis(aws: Aws, region: str) -> "KinesisClient":
    return aws.in_region(region).kinesis()
