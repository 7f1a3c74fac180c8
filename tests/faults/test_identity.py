"""What tells a fault and its records from all others."""

import json
from typing import Any

import pytest
from msgspec.structs import replace

from cncbops.faults.decoding import decode_fault
from cncbops.faults.fault import Fault, FaultRecord, LakeLine, Payload, Records, StreamRange
from cncbops.faults.grouping import fingerprint
from cncbops.faults.identity import fault_digest, identity_of
from cncbops.faults.record import describe
from tests.e2e import lakes
from tests.faults import fault_texts as texts
from tests.faults import units
from tests.faults.units import FAULT


def test_a_fault_with_an_id_is_known_by_it() -> None:
    assert fault_digest(FAULT, "fn") == fault_digest(replace(FAULT, message="another", timestamp_ms=1), "fn")
    assert fault_digest(FAULT, "fn") != fault_digest(replace(FAULT, id="f-2"), "fn")


@pytest.mark.parametrize(
    "change",
    [
        {"timestamp_ms": 7},
        {"error": "Another"},
        {"message": "another"},
        {"unit": Records((units.kinesis(8),))},
        {"unit": Payload(b"{}", "other")},
        {"unit": StreamRange("arn", "shard", "1", "2", None, None, None)},
        {"unit": LakeLine("s3://lake/o", 1, 0)},
    ],
)
def test_a_fault_without_an_id_is_known_by_what_it_says(change: dict[str, Any]) -> None:
    nameless = replace(FAULT, id=None)
    assert fault_digest(nameless, "fn") == fault_digest(replace(FAULT, id=None), "fn")
    assert fault_digest(nameless, "fn") != fault_digest(replace(nameless, **change), "fn")


def test_the_same_fault_is_one_whether_it_lies_in_a_lake_or_in_a_bucket_of_its_own() -> None:
    """The cookbook's faults have no id, and its lake keeps them among its other events."""
    document = texts.cookbook(texts.record())
    placed = [document, lakes.envelope(document, "k", 7), lakes.envelope(document, "k", 8, shard=1)]
    digests = {fault_digest(fault, "fn") for text in placed for fault in decoded(text)}
    assert len(digests) == 1
    (other,) = decoded(lakes.envelope(texts.cookbook(texts.record(event_id="shardId-000000000000:2")), "k", 7))
    assert fault_digest(other, "fn") not in digests


def decoded(document: bytes) -> list[Fault]:
    found = decode_fault(document)
    assert isinstance(found, list)
    return found


def test_the_same_fault_for_another_function_is_another() -> None:
    assert fault_digest(FAULT, "fn") != fault_digest(FAULT, "gn")


def records_of(work: Records | Payload, function: str = "fn") -> tuple[bytes, ...]:
    return identity_of(b"digest", FAULT, work, function).records


def test_an_identity_tells_fault_group_and_each_record() -> None:
    work = Records((units.kinesis(1), units.kinesis(2)))
    identity = identity_of(b"digest", FAULT, work, "fn")
    assert (identity.fault, identity.fingerprint, len(set(identity.records))) == (b"digest", fingerprint(FAULT), 2)


@pytest.mark.parametrize(
    "other",
    [
        units.kinesis(2),
        units.kinesis(1, shard="shardId-2"),
        units.kinesis(1, stream=f"{units.STREAM}-b"),
        units.queue(1),
        units.table(1),
    ],
)
def test_records_of_another_number_shard_or_source_are_others(other: FaultRecord) -> None:
    assert records_of(Records((units.kinesis(1),))) != records_of(Records((other,)))


def test_a_records_event_is_a_part_of_it_however_its_json_is_spaced() -> None:
    """A stream that was made anew numbers its records as the one before did."""
    one, other = (Records((units.kinesis(1, event={"n": number}),)) for number in (1, 2))
    text = json.dumps(json.loads(one.records[0].body), indent=2)
    spaced = Records((describe(text.encode()),))
    assert records_of(one) == records_of(spaced) != records_of(other)
    digests = [fault_digest(replace(FAULT, id=None, unit=unit), "fn") for unit in (one, spaced, other)]
    assert digests[0] == digests[1] != digests[2]


def test_an_event_that_begins_with_its_id_is_told_by_that_and_what_stands_beside_it() -> None:
    def told(**event: str) -> tuple[bytes, ...]:
        return records_of(Records((units.kinesis(1, event=event),)))

    far = "x" * 120
    assert told(id="e-1", type="t", text=f"{far} as it was") == told(id="e-1", type="t", text=f"{far} as it is")
    assert len({told(id="e-1", type="t"), told(id="e-2", type="t"), told(id="e-1", type="u")}) == 3
    assert told(type="t", text=f"{far} as it was") != told(type="t", text=f"{far} as it is")


def test_a_record_is_the_same_alone_in_a_batch_and_in_a_whole_event_but_not_for_another_function() -> None:
    (alone,) = records_of(Records((units.kinesis(1),)))
    assert alone in records_of(Records((units.kinesis(2), units.kinesis(1))))
    assert alone in records_of(units.whole(units.kinesis(2), units.kinesis(1)))
    assert alone not in records_of(Records((units.kinesis(1),)), "gn")


def test_a_record_without_an_id_is_told_by_its_text() -> None:
    assert records_of(Records((units.bucket(1),))) == records_of(Records((units.bucket(1),)))
    assert records_of(Records((units.bucket(1),))) != records_of(Records((units.bucket(2),)))


def test_a_whole_event_of_no_known_records_is_told_by_its_text() -> None:
    one, other = (records_of(Payload(body, "other")) for body in (b'{"n":1}', b'{"n":2}'))
    assert len(one) == len(other) == 1
    assert one != other
    assert records_of(units.bus(1)) != records_of(units.bus(2))


def test_a_record_that_stands_twice_in_a_unit_is_told_once() -> None:
    assert len(records_of(Records((units.kinesis(1), units.kinesis(1))))) == 1


def test_digests_never_change() -> None:
    """Ledgers hold them for ever: another digest, and what was sent would be sent again."""
    assert fault_digest(FAULT, "fn").hex() == "96187b58df5f93608a996ccd7b85700e"
    assert records_of(Records((units.kinesis(1),)))[0].hex() == "464b82121dad554fe7063ca05d11a266"
    work = Records((units.kinesis(1, event={"id": "e-1", "type": "thing-created", "thing": {"name": "n" * 200}}),))
    assert records_of(work)[0].hex() == "cf8f5d3ffe6c28ebde8d539231aef862"
    assert fault_digest(replace(FAULT, id=None, unit=work), "fn").hex() == "6fa49942071bdb3adc3bcb26105e6a13"
