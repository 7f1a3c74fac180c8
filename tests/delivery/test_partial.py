"""Which record of a batch a function's response names first."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cncbops.delivery.partial import InvalidResponse, first_failed
from tests.delivery.batches import batch, record

RECORDS = batch(5, first=8).records  # sequence numbers 8, 9, 10, 11, 12: not in the order of their text


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
        b'{"a":' + b"[" * 5000 + b"]" * 5000 + b"}",
    ],
)
def test_a_response_that_makes_no_sense_fails_the_whole_batch(body: bytes) -> None:
    with pytest.raises(InvalidResponse):
        first_failed(body, RECORDS)


def test_of_records_that_share_a_sequence_number_the_first_is_meant() -> None:
    aggregated = [record(1), record(2), record(2), record(3)]
    assert first_failed(naming("2"), aggregated) == 1
