"""Units of work in an answer: what of them failed, and what an error message quotes of their events."""

import json
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cncbops.delivery.partial import InvalidResponse, checkpoint
from cncbops.delivery.quoting import QUOTED, SHORTEST, unquoted
from cncbops.faults.fault import Payload
from cncbops.faults.unit import Unit
from tests.delivery.test_partial import naming
from tests.faults import units
from tests.faults.units import unit, unit_of

STREAM = [
    unit_of(units.kinesis(1), units.kinesis(2), number=0),
    unit_of(units.kinesis(3), number=1),
    unit_of(units.kinesis(4), units.kinesis(5), units.kinesis(6), number=2),
    unit_of(units.kinesis(7), number=3),
]
QUEUE = [
    unit_of(units.queue(1), units.queue(2), number=0),
    unit_of(units.queue(3), number=1),
    unit_of(units.queue(4), units.queue(5), number=2),
]


def places(records: Sequence[object]) -> list[int]:
    return [each.place for each in records if isinstance(each, Unit)]


def left_by(body: bytes, records: Sequence[Unit]) -> tuple[list[int], list[int], int, bool]:
    """The places of what is done, and of the rest; the culprit's; and whether others may be it."""
    found = checkpoint(body, records)
    assert found is not None
    return places(found.done), places(found.rest), found.culprit.place, found.ambiguous


@pytest.mark.parametrize(
    ("named", "done", "culprit"),
    [
        (["1"], [], 0),
        (["2"], [], 0),
        (["3"], [0], 1),
        (["5"], [0, 1], 2),
        (["6", "4"], [0, 1], 2),
        (["7", "3"], [0], 1),
    ],
)
def test_of_a_stream_a_unit_any_record_of_which_is_named_failed_and_so_did_all_behind_it(
    named: list[str], done: list[int], culprit: int
) -> None:
    rest = [place for place in range(4) if place not in done]
    assert left_by(naming(*named), STREAM) == (done, rest, culprit, False)


def test_of_a_stream_a_unit_with_a_higher_number_than_the_named_is_not_done_wherever_it_stands() -> None:
    late = [unit_of(units.kinesis(2), units.kinesis(9), number=0), *STREAM[1:3]]
    assert left_by(naming("4"), late) == ([1], [0, 2], 2, False)


def test_of_a_tables_stream_the_lowest_named_is_the_checkpoint_too() -> None:
    of_table = [unit_of(units.table(number), number=number) for number in range(3)]
    assert left_by(naming("1"), of_table) == ([0], [1, 2], 1, False)


@given(st.sets(st.integers(1, 5), min_size=1))
def test_of_a_queue_those_units_failed_that_are_named_and_no_others(named: set[int]) -> None:
    failed = sorted({0 if each < 3 else 1 if each == 3 else 2 for each in named})
    done = [place for place in range(3) if place not in failed]
    body = naming(*(f"m-{each}" for each in named))
    assert left_by(body, QUEUE) == (done, failed, failed[0], False)


def test_a_message_that_two_units_hold_makes_it_ambiguous_which_of_them_failed() -> None:
    twice = [unit_of(units.queue(1), units.queue(2)), unit_of(units.queue(2), number=1), *QUEUE[1:2]]
    found = checkpoint(naming("m-2"), twice)
    assert found is not None
    assert found.ambiguous
    assert found.rest == twice[:2]


@pytest.mark.parametrize(
    ("body", "records"),
    [
        (naming("8"), STREAM),
        (naming("1", "8"), STREAM),
        (naming("shardId-1:1"), STREAM),
        (naming("m-9"), QUEUE),
        (naming("m-1", ""), QUEUE),
        (naming("1"), QUEUE),
        (naming("t-1"), [unit_of(units.bucket(1))]),
    ],
)
def test_an_identifier_of_no_record_of_the_units_fails_the_whole_batch(body: bytes, records: list[Unit]) -> None:
    with pytest.raises(InvalidResponse, match="not in the batch"):
        checkpoint(body, records)


def test_an_answer_that_names_nobody_fails_no_unit() -> None:
    assert checkpoint(naming(), STREAM) is None
    assert checkpoint(b'"success"', QUEUE) is None


SECRET = {"id": "e-1", "type": "thing-created", "thing": {"name": "SECRETPAYLOAD", "note": 'says "no" twice'}}
TEXT = json.dumps(SECRET)


def printed() -> list[str]:
    return [TEXT, json.dumps(SECRET, indent=2), repr(SECRET), json.dumps(TEXT)]


@pytest.mark.parametrize(
    "of",
    [
        unit_of(units.kinesis(1), units.kinesis(2, event=SECRET)),
        unit(units.whole(units.kinesis(1, event=SECRET))),
        unit_of(units.queue(1, body=TEXT)),
        unit(Payload(b'{"id":"eb-1","detail-type":"t","detail":%b}' % TEXT.encode(), "eventbridge")),
        unit(Payload(TEXT.encode(), "other")),
    ],
    ids=["stream", "whole event", "queue", "bus", "other"],
)
def test_the_events_in_a_unit_are_left_out_of_what_a_function_says_of_it(of: Unit) -> None:
    for text in printed():
        message = unquoted(f"cannot parse {text} at 7", [unit_of(units.bucket(1)), of])
        assert "SECRETPAYLOAD" not in message
        assert message.replace('"', "") == f"cannot parse {QUOTED} at 7"


def test_what_a_function_says_of_a_records_own_json_is_left_out_too() -> None:
    of = unit_of(units.kinesis(1, event=SECRET))
    assert unquoted(f"bad record: {of.body.decode()}", [of]) == f"bad record: {QUOTED}"


@given(st.binary(max_size=60), st.text(max_size=SHORTEST - 1))
def test_a_unit_that_is_no_json_is_quoted_as_it_is_and_costs_no_message(body: bytes, message: str) -> None:
    assert unquoted(message, [unit(Payload(body, "other"))]) == message
