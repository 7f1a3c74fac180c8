"""What tells a fault and its records from all others."""

import base64
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


SEQUENCE = 49590338271490256608559692538361571095921575989136588898
"""As Kinesis gives them: a record's id is 77 characters with it."""
FAR = "x" * 150


def told_of(data: str, number: int = SEQUENCE, shard: str = "shardId-000000000006") -> tuple[bytes, ...]:
    """What a record of such data is told by, beside a nameless fault of it."""
    text = units.kinesis(number, shard=shard).body.replace(base64.b64encode(b"null"), data.encode())
    work = Records((describe(text),))
    return (*records_of(work), fault_digest(replace(FAULT, id=None, unit=work), "fn"))


def data_of(event: str) -> str:
    return base64.b64encode(event.encode()).decode()


BEGINNING = f'{{"id":"{"e" * 36}","type":"thing-created","timestamp":1700611203000,"partitionKey":"'
"""The first 66 bytes of an event, and some more."""


def test_a_record_of_kinesis_is_told_by_its_id_and_how_its_event_begins_where_that_is_by_an_id() -> None:
    assert len(BEGINNING) >= 66
    assert told_of(data_of(f"{BEGINNING}1")) == told_of(data_of(f"{BEGINNING}2"))
    assert told_of(data_of(f"{BEGINNING}1")) != told_of(data_of(f"{BEGINNING}1"), SEQUENCE + 1)
    assert told_of(data_of(f"{BEGINNING}1")) != told_of(
        data_of(f"{BEGINNING}1".replace("e-", "f-").replace("eee", "fff"))
    )


@pytest.mark.parametrize("number", [1, SEQUENCE // 10])
def test_a_record_with_a_number_that_others_may_have_is_told_by_all_of_its_event(number: int) -> None:
    assert told_of(data_of(f"{BEGINNING}1"), number) != told_of(data_of(f"{BEGINNING}2"), number)


@pytest.mark.parametrize(
    "start",
    [
        f'{{"type":"t","id":"e-1","x":"{FAR}',
        f'{{"id": null,"x":"{FAR}',
        f'{{"id": 7,"x":"{FAR}',
        f'{{"id": {{"x":"{FAR}',
        f'{{"id":7,"x":"{FAR}',
        FAR,
    ],
)
def test_a_record_of_an_event_that_begins_otherwise_is_told_by_all_of_it(start: str) -> None:
    assert told_of(data_of(f"{start}1")) != told_of(data_of(f"{start}2"))


def test_what_is_no_base64_is_told_by_all_of_it() -> None:
    start = "eyJpZCI6Ig" + "x" * 60 + "\u00e9" * 50
    assert told_of(f"{start}1") != told_of(f"{start}2")
    assert told_of(data_of(f"{BEGINNING}1"), shard="shardId-00000000000\u00e9") != told_of(
        data_of(f"{BEGINNING}2"), shard="shardId-00000000000\u00e9"
    )


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
    assert records_of(Records((units.kinesis(1),)))[0].hex() == "6ddfd5e87713fe44b262334cf1c09f10"
    record, fault = told_of(data_of(f"{BEGINNING}1"))
    assert record.hex() == "952be9b83061b625b78b6bfb964525b2"
    assert fault.hex() == "d699a19c72373607a867b15712225ded"
