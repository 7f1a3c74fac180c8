"""A fault's unit of work as it is sent: its weight, its group, its lanes, its names, and whether it goes alone."""

import json

import pytest

from cncbops.faults.fault import Payload, Records
from cncbops.faults.unit import Unit
from cncbops.kinesis.batching import Batch
from tests.faults import units
from tests.faults.units import fault, unit, unit_of


def payload_of(of: Unit) -> bytes:
    batch = Batch(())
    batch.add(of)
    return batch.payload()


def test_the_records_of_a_unit_are_sent_byte_for_byte_in_their_order() -> None:
    records = [units.kinesis(2), units.kinesis(1)]
    assert payload_of(unit_of(*records)) == b'{"Records":[%b,%b]}' % (records[0].body, records[1].body)


def test_a_whole_event_is_sent_as_it_is() -> None:
    for event in (units.bus(1), units.whole(units.kinesis(1), units.kinesis(2)), Payload(b' { "n" : 1.50 } ', "other")):
        assert payload_of(unit(event)) == event.body


def test_a_unit_weighs_as_much_as_it_holds_records() -> None:
    assert unit_of(*map(units.kinesis, range(3))).weight == 3
    assert unit(units.whole(*map(units.kinesis, range(4)))).weight == 4
    assert unit(units.bus(1)).weight == 1


@pytest.mark.parametrize(
    ("work", "is_alone"),
    [
        (Records((units.kinesis(1), units.kinesis(2))), False),
        (Records((units.table(1),)), False),
        (Records((units.queue(1),)), False),
        (Records((units.bucket(1),)), True),
        (Records((units.topic(1),)), True),
        (Records((units.kinesis(1), units.queue(1))), True),
        (units.bus(1), True),
        (units.whole(units.kinesis(1)), True),
        (Payload(b"{}", "other"), True),
    ],
)
def test_a_unit_goes_alone_unless_its_source_puts_several_records_into_one_invocation(
    work: Records | Payload, is_alone: bool
) -> None:
    assert unit(work).is_alone is is_alone
    assert unit(work).is_event is isinstance(work, Payload)


def test_units_share_a_group_if_they_are_of_one_function_source_and_shard() -> None:
    of = unit_of(units.kinesis(1))
    assert of.group == unit_of(units.kinesis(2, "other"), number=1, of=fault(id="f-2", error="E")).group
    others = [
        unit_of(units.kinesis(1), function="gn"),
        unit_of(units.kinesis(1, shard="shardId-2")),
        unit_of(units.kinesis(1, stream=f"{units.STREAM}-b")),
        unit_of(units.queue(1)),
        unit_of(units.table(1)),
    ]
    assert len({of.group, *(other.group for other in others)}) == 6


def test_a_unit_is_in_the_lanes_of_all_its_keys_which_are_its_functions_own() -> None:
    keys = [f"k{number}" for number in range(6)]
    singles = [unit_of(units.kinesis(number, key)) for number, key in enumerate(keys)]
    together = unit_of(*(units.kinesis(number, key) for number, key in enumerate(keys)))
    assert [key.partition("\0")[2] for key in together.keys] == keys
    assert set(together.lanes(16)) == {lane for single in singles for lane in single.lanes(16)}
    assert len(set(together.lanes(16))) == len(together.lanes(16)) > 1
    assert set(together.lanes(16)).isdisjoint(unit_of(units.kinesis(1, "k1"), function="gn").lanes(16))
    assert together.lanes(0) == ()


def test_units_take_as_many_lanes_as_there_are_and_none_where_there_is_no_order() -> None:
    found = [unit_of(units.kinesis(number, f"k{number}"), number=number) for number in range(40)]
    assert 4 < len({lane for each in found for lane in each.lanes(16)}) <= 16
    assert len({each.lanes(1) for each in found}) == 1
    assert {each.lanes(0) for each in found} == {()}


def test_a_unit_of_several_keys_is_told_from_one_of_a_single_key() -> None:
    one, same = unit_of(units.kinesis(1, "k1")), unit_of(units.kinesis(1, "k1"), units.kinesis(2, "k1"))
    assert not one.has_many_keys
    assert not same.has_many_keys
    assert unit_of(units.kinesis(1, "k1"), units.kinesis(2, "k2")).has_many_keys


def test_keys_of_two_sources_are_told_apart() -> None:
    one, other = unit_of(units.kinesis(1, "k")), unit_of(units.kinesis(1, "k", stream=f"{units.STREAM}-b"))
    assert (one.keys, other.keys) == ((f"{units.STREAM}\0k",), (f"{units.STREAM}-b\0k",))


def test_a_key_that_several_records_have_counts_once() -> None:
    assert unit_of(units.kinesis(1, "a"), units.kinesis(2, "b"), units.kinesis(3, "a")).keys == (
        f"{units.STREAM}\0a",
        f"{units.STREAM}\0b",
    )


def test_records_of_one_item_of_a_table_and_of_one_message_group_share_a_lane() -> None:
    assert unit_of(units.table(1, "x")).keys == unit_of(units.table(2, "x")).keys != unit_of(units.table(3, "y")).keys
    assert unit_of(units.queue(1, "g")).keys == unit_of(units.queue(2, "g")).keys == (f"{units.QUEUE}\0g",)


def test_what_has_no_key_is_spread_over_the_lanes() -> None:
    assert unit_of(units.queue(1), number=1).keys != unit_of(units.queue(2), number=2).keys
    lanes = {unit_of(units.bucket(number), number=number, of=fault(id=f"f-{number}")).lanes(16) for number in range(40)}
    assert len(lanes) > 4


@pytest.mark.parametrize(
    ("of", "names", "is_of_stream"),
    [
        (unit_of(units.kinesis(7), units.kinesis(8)), ["7", "8"], True),
        (unit_of(units.table(7)), ["7"], True),
        (unit_of(units.queue(7), units.queue(8, "fifo")), ["m-7", "m-8"], False),
        (unit_of(units.bucket(7)), [], False),
        (unit(units.whole(units.kinesis(7), units.kinesis(8))), ["7", "8"], True),
        (unit(units.whole(units.queue(7))), ["m-7"], False),
    ],
)
def test_a_response_names_a_unit_by_its_sequence_numbers_or_its_messages_ids(
    of: Unit, names: list[str], is_of_stream: bool
) -> None:
    assert (list(of.identifiers()), of.is_of_stream) == (names, is_of_stream)


def test_what_is_told_of_a_unit_is_its_faults_id_and_its_first_records_key_and_number() -> None:
    of = unit_of(units.kinesis(7, "a"), units.kinesis(8, "b"), number=3)
    assert (of.event_id, of.keys[0], of.sequence_number) == ("f-1", f"{units.STREAM}\0a", "7")
    assert (of.line, of.part, of.place, of.function) == (4, 0, 3, "fn")
    assert unit_of(units.kinesis(7), of=fault(id=None)).event_id == "shardId-1:7"


def test_the_records_of_a_unit_and_its_group_are_told_for_the_ledger() -> None:
    of = unit_of(units.kinesis(1), units.kinesis(2))
    assert (len(of.fault), [len(each) for each in of.records], len(of.fingerprint)) == (16, [16, 16], 12)


def test_texts_are_its_json_and_the_events_in_it() -> None:
    texts = unit_of(units.kinesis(1, event={"n": 1}), units.queue(2)).texts()
    assert json.dumps({"n": 1}).encode() in texts
    assert all(record in texts[0] for record in (units.queue(2).body, units.kinesis(1, event={"n": 1}).body))
