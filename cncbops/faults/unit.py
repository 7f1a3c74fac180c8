"""A fault's unit of work as it is sent: its records together in one invocation, so that it succeeds or fails whole."""

from collections.abc import Sequence
from contextlib import suppress
from typing import cast

import msgspec

from cncbops.faults.fault import EventSource, Fault, FaultRecord, Payload, Records
from cncbops.faults.identity import Identity, names_of
from cncbops.faults.record import payload_records, records_of
from cncbops.kinesis.record import Record, Trace, event_text, lane_of
from cncbops.lake.objects import LakeObject
from cncbops.native import hot

_SHARED: tuple[EventSource, ...] = ("kinesis", "dynamodb", "sqs")
"""Sources that put several records into one invocation; the others invoke for each, which functions rely on."""
_STREAMS: tuple[EventSource, ...] = ("kinesis", "dynamodb")


class Unit(Record, gc=False):
    """A unit of work. `keys` are its records' sources and partition keys, `names` what a response may name them by.

    `fault` tells the fault from all others, `records` each of its records; `fingerprint` is its group's. All are given;
    that each has a default lets a unit be sent between processes as its fields alone, in half the time.
    """

    keys: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    source: EventSource = "other"
    fault: bytes = b""
    records: tuple[bytes, ...] = ()
    fingerprint: str = ""
    pipeline: str | None = None

    def lanes(self, count: int) -> tuple[int, ...]:
        """The lanes of its keys, which are its function's own."""
        return tuple(sorted({lane_of(key, count, self.function) for key in self.keys})) if count else ()

    def identifiers(self) -> Sequence[str]:
        """The sequence numbers of its records, or the ids of a queue's messages."""
        return self.names

    @property
    def is_of_stream(self) -> bool:
        return self.source in _STREAMS

    @classmethod
    def traces(cls, records: Sequence[Record]) -> Sequence[Trace]:
        """Their faults, so that each is sent once."""
        packed = hot.units_alike(records) if hot else None
        if packed is not None:
            return [Trace(*group, *hot.unit_digests(units)) for group, units in packed.items()]
        alike: dict[tuple[str, str | None, int], list[Unit]] = {}
        for unit in cast("Sequence[Unit]", records):
            alike.setdefault((unit.fingerprint, unit.pipeline, len(unit.records)), []).append(unit)
        return [_trace(mark, pipeline, units) for (mark, pipeline, _), units in alike.items()]

    def texts(self) -> Sequence[bytes]:
        """Its JSON, and the events in its Kinesis records."""
        body = self.body
        texts = [body]
        for record in payload_records(body if self.is_event else b'{"Records":[%b]}' % body):
            with suppress(msgspec.DecodeError, ValueError):  # no Kinesis record: it is quoted as it is
                texts.append(event_text(record.body))
        return texts


class Place(msgspec.Struct, frozen=True, gc=False):
    """Where a fault lies: its object, line and part, and its place in the run."""

    object: LakeObject
    line: int
    part: int
    number: int


def to_unit(fault: Fault, work: Records | Payload, place: Place, function: str, identity: Identity) -> Unit:
    """What is sent of a fault to a function, by its name in the run."""
    records = records_of(work)
    event_id, sequence_number = names_of(fault, records)
    source = records[0].source if records else work.source if isinstance(work, Payload) else "other"
    first = records[0] if records else None
    keys = [f"{each.source_arn}\0{each.partition_key}" for each in records if each.partition_key]
    is_mixed = len(records) > 1 and len({each.source for each in records}) > 1
    # What has no key depends on nothing: it is spread over the lanes.
    distinct = tuple(dict.fromkeys(keys) if len(keys) > 1 else keys) or (str(place.number),)
    return Unit(
        body=b",".join([record.body for record in records]) if isinstance(work, Records) else work.body,
        partition_key=distinct[0],
        sequence_number=sequence_number or "",
        event_id=event_id,
        object=place.object,
        line=place.line,
        part=place.part,
        group=_group(function, source, first),
        place=place.number,
        function=function,
        weight=len(records) if isinstance(work, Records) else work.count,
        is_alone=isinstance(work, Payload) or source not in _SHARED or is_mixed,
        is_event=isinstance(work, Payload),
        has_many_keys=len(distinct) > 1,
        keys=distinct,
        names=tuple([name for record in records if (name := _name(record))]),
        source=source,
        fault=identity.fault,
        records=identity.records,
        fingerprint=identity.fingerprint,
        pipeline=fault.pipeline,
    )


def _trace(fingerprint: str, pipeline: str | None, units: Sequence[Unit]) -> Trace:
    records = [record for unit in units for record in unit.records]
    return Trace(fingerprint, pipeline, b"".join([unit.fault for unit in units]), b"".join(records))


def _group(function: str, source: EventSource, first: FaultRecord | None) -> str:
    """Of one function, one source, and of a stream one shard, as an event source mapping would batch them."""
    arn, shard = (first.source_arn, first.shard_id) if first else (None, None)
    return "\0".join((function, arn or source, shard or ""))


def _name(record: FaultRecord) -> str | None:
    return record.sequence_number if record.source in _STREAMS else record.event_id
