"""Which record of a batch a function's response names first."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cncbops.delivery.partial import InvalidResponse, checkpoint
from cncbops.kinesis.record import Record
from tests.delivery.batches import batch, record

RECORDS = batch(5, first=8).records  # sequence numbers 8, 9, 10, 11, 12: not in the order of their text


def first_failed(body: bytes, records: list[Record]) -> int | None:
    found = checkpoint(body, records)
    return None if found is None else records.index(found.culprit)


def naming(*identifiers: object) -> bytes:
    return json.dumps({"batchItemFailures": [{"itemIdentifier": each} for each in identifiers]}).encode()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"{}",
        b'{"batchItemFailures":[]}',
        b'{"batchItemFailures":null}',
        b'"success"',
        b"7",
        b"[]",
        b'[{"itemIdentifier":"9"}]',
        rb'{"note":"\ud800","batchItemFailures":[]}',
        b'{"size":1e400,"batchItemFailures":[]}',
    ],
)
def test_a_response_that_names_nobody_is_a_success(body: bytes) -> None:
    assert first_failed(body, RECORDS) is None


@given(st.sets(st.integers(8, 12), min_size=1).flatmap(lambda numbers: st.permutations(sorted(numbers))))
def test_the_lowest_of_the_named_is_the_checkpoint_in_whatever_order_they_are_named(numbers: list[int]) -> None:
    assert first_failed(naming(*map(str, numbers)), RECORDS) == min(numbers) - 8


@pytest.mark.parametrize(
    "body",
    [
        naming(""),
        naming(None),
        naming(9),
        naming("7"),
        naming("9", "7"),
        naming("9", ""),
        naming("0000009"),
        b'{"batchItemFailures":[{"item":"9"}]}',
        b'{"batchItemFailures":[{}]}',
        b'{"batchItemFailures":["9"]}',
        b'{"batchItemFailures":{"itemIdentifier":"9"}}',
        b'{"batchItemFailures":"9"}',
        b'{"batchItemFailures":[{"itemIdentifier":"9"}]',
        b"Internal Server Error",
        b"\xff",
        b'{"a":' + b"[" * 200_000 + b"]" * 200_000 + b"}",
    ],
)
def test_a_response_that_makes_no_sense_fails_the_whole_batch(body: bytes) -> None:
    with pytest.raises(InvalidResponse):
        first_failed(body, RECORDS)


def test_of_records_that_share_a_sequence_number_the_first_is_meant() -> None:
    aggregated = [record(1), record(2), record(2), record(3)]
    assert first_failed(naming("2"), aggregated) == 1


def test_what_came_before_in_place_and_in_number_is_done() -> None:
    records = [record(number) for number in (1, 4, 2, 3, 5)]
    found = checkpoint(naming("3"), records)
    assert found is not None
    assert [each.sequence_number for each in found.done] == ["1", "2"]
    assert [each.sequence_number for each in found.rest] == ["4", "3", "5"]
    assert (found.culprit.sequence_number, found.ambiguous) == ("3", False)


def test_a_number_that_several_records_bear_is_ambiguous() -> None:
    found = checkpoint(naming("2"), [record(1), record(2), record(2), record(3)])
    assert found is not None
    assert found.ambiguous
    assert [each.sequence_number for each in found.done] == ["1"]
