"""What tells a fault, and each of its records, from all others that are ever sent to a function."""

import hashlib
from dataclasses import dataclass

from cncbops.faults.fault import Fault, FaultRecord, Payload, Records
from cncbops.faults.grouping import fingerprint
from cncbops.faults.record import payload_records

_DIGEST_BYTES = 16


@dataclass(frozen=True, slots=True)
class Identity:
    """Digests of a fault and of its records, and the fingerprint of its group."""

    fault: bytes
    records: tuple[bytes, ...]
    fingerprint: str


def fault_digest(fault: Fault, uri: str, line: int, part: int, function: str) -> bytes:
    """By the fault's id, else by where it lies; `function` names it beyond region and endpoint."""
    return _digest(function, fault.id or id_of_place(uri, line, part))


def id_of_place(uri: str, line: int, part: int) -> str:
    """What stands for the id of a fault that has none."""
    return f"{uri}:{line}:{part}"


def identity_of(digest: bytes, fault: Fault, work: Records | Payload, function: str) -> Identity:
    """A fault's identity, once what is sent of it is known."""
    records = work.records if isinstance(work, Records) else payload_records(work.body)
    digests = [_digest(function, record.source_arn or "", _own(record)) for record in records]
    if isinstance(work, Payload) and not records:
        digests = [_digest(function, hashlib.sha256(work.body).hexdigest())]
    return Identity(digest, tuple(dict.fromkeys(digests)), fingerprint(fault))


def _own(record: FaultRecord) -> str:
    return record.event_id or hashlib.sha256(record.body).hexdigest()


def _digest(*parts: str) -> bytes:
    return hashlib.sha256("\0".join(parts).encode(errors="replace")).digest()[:_DIGEST_BYTES]
