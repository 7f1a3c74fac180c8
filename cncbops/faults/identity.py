"""What tells a fault, and each of its records, from all others that are ever sent to a function."""

import hashlib
import re
from collections.abc import Sequence
from struct import Struct

import msgspec

from cncbops.faults.fault import Fault, FaultRecord, LakeLine, Payload, Records, StreamRange, Work
from cncbops.faults.grouping import fingerprint
from cncbops.faults.record import records_of

DIGEST_BYTES = 16
_DIGEST = Struct(f"{DIGEST_BYTES}s")
_OF_KINESIS = 77  # characters of a record's id: a shard's, a colon, and the 56 digits of a sequence number
_BEGINS_WITH_ID = re.compile("eyJpZCI6I[g-v]").match  # the base64 of `{"id":"`
_BEGINNING = 88  # characters, of 66 bytes: with them a digest takes three blocks of SHA-256


class Identity(msgspec.Struct, frozen=True, gc=False):
    """Digests of a fault and of its records, and the fingerprint of its group."""

    fault: bytes
    records: tuple[bytes, ...]
    fingerprint: str


def parted(digests: bytes) -> Sequence[bytes]:
    """Digests that are end to end, one by one."""
    return [digest for (digest,) in _DIGEST.iter_unpack(digests)]


def fault_digest(fault: Fault, function: str) -> bytes:
    """By the fault's id, else by when and why it was raised and by its work, wherever it lies.

    `function` names its function with region and endpoint.
    """
    if fault.id:
        return id_digest(fault.id, function)
    told = b"\0".join([str(fault.timestamp_ms).encode(), *_parts(fault.unit, function)])
    return _truncated(cause_digest(function, fault.error, fault.message) + told)


def cause_digest(function: str, error: str, message: str) -> bytes:
    """By why it was raised and what raised it: what stands for the id of one that has none, such as the cookbook's."""
    return _digest(function, error, message)


def id_digest(fault_id: str, function: str) -> bytes:
    """The same of a fault of which nothing but its id is at hand."""
    return _digest(function, fault_id)


def names_of(fault: Fault, records: Sequence[FaultRecord]) -> tuple[str | None, str | None]:
    """What a report names a fault by: its id, else its first record's; and that record's sequence number."""
    first = records[0] if records else None
    return fault.id or (first.event_id if first else None), first.sequence_number if first else None


def _parts(work: Work, function: str) -> list[bytes]:
    """What work is told by."""
    match work:
        case Records(records):
            return [_record_digest(record, function) for record in records]
        case Payload(body):
            return [_encoded(_sha256(body))]
        case StreamRange(stream_arn, shard_id, first, last):
            return list(map(_encoded, (stream_arn, shard_id, first, last)))
        case LakeLine(uri, line, part):
            return [_encoded(f"{uri}:{line}:{part}")]
    return []


def identity_of(digest: bytes, fault: Fault, work: Records | Payload, function: str) -> Identity:
    """A fault's identity, once what is sent of it is known."""
    records = records_of(work)
    digests = [_record_digest(record, function) for record in records]
    if isinstance(work, Payload) and not records:
        digests = [_digest(function, _sha256(work.body))]
    return Identity(digest, tuple(dict.fromkeys(digests)), fingerprint(fault))


def _record_digest(record: FaultRecord, function: str) -> bytes:
    return _truncated(_digest(function, record.source_arn or "") + _encoded(_own(record)))


def _own(record: FaultRecord) -> str:
    """By its id and, of a stream, its event, however its JSON is spaced; else by its text."""
    if record.event_id is None:
        return _sha256(record.body)
    return record.event_id if record.data is None else f"{record.event_id} {_telling(record.event_id, record.data)}"


def _telling(event_id: str, data: str) -> str:
    """What tells a record's data beside its id: nearly always the first 66 bytes, in which the event says its own id.

    All of it where the record's id is not one that Kinesis gives, as tools and emulators begin at 0 again and again.
    """
    beginning = data[:_BEGINNING]
    is_told = len(event_id) >= _OF_KINESIS and _BEGINS_WITH_ID(data) and (event_id + beginning).isascii()
    return beginning if is_told else data


def _sha256(text: bytes) -> str:
    return hashlib.sha256(text).hexdigest()


def _encoded(text: str) -> bytes:
    return text.encode(errors="replace")


def _digest(*parts: str) -> bytes:
    return _truncated(_encoded("\0".join(parts)))


def _truncated(text: bytes) -> bytes:
    return hashlib.sha256(text).digest()[:DIGEST_BYTES]
