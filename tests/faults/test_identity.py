"""What tells a fault and its records from all others."""

from dataclasses import replace

import pytest

from cncbops.faults.fault import FaultRecord, Payload, Records
from cncbops.faults.grouping import fingerprint
from cncbops.faults.identity import fault_digest, id_of_place, identity_of
from tests.faults import units
from tests.faults.units import FAULT

PLACE = ("s3://lake/o", 7, 1)


def test_a_fault_is_the_same_wherever_it_lies_if_it_has_an_id() -> None:
    assert fault_digest(FAULT, *PLACE, "fn") == fault_digest(FAULT, "s3://other/o", 1, 0, "fn")
    assert fault_digest(FAULT, *PLACE, "fn") != fault_digest(replace(FAULT, id="f-2"), *PLACE, "fn")


def test_a_fault_without_an_id_is_told_by_its_place() -> None:
    nameless = replace(FAULT, id=None)
    digests = {
        fault_digest(nameless, *place, "fn")
        for place in (PLACE, ("s3://lake/p", 7, 1), ("s3://lake/o", 8, 1), ("s3://lake/o", 7, 0))
    }
    assert len(digests) == 4
    known = replace(FAULT, id=id_of_place(*PLACE))
    assert fault_digest(nameless, *PLACE, "fn") == fault_digest(known, "s3://elsewhere", 1, 0, "fn")


def test_the_same_fault_for_another_function_is_another() -> None:
    assert fault_digest(FAULT, *PLACE, "fn") != fault_digest(FAULT, *PLACE, "gn")


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
    assert fault_digest(FAULT, *PLACE, "fn").hex() == "96187b58df5f93608a996ccd7b85700e"
    assert records_of(Records((units.kinesis(1),)))[0].hex() == "1003824bfe0d05ee247c6ef51e93a186"
