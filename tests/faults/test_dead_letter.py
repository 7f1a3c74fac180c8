"""A message of a function's dead-letter queue."""

import pytest
from hypothesis import given

from cncbops.faults.dead_letter import decode_dead_letter, is_dead_letter
from cncbops.faults.fault import Payload
from cncbops.faults.json_text import NOT_JSON
from tests.faults import fault_texts as texts

ATTRIBUTES = {"RequestID": "r-1", "ErrorCode": "200", "ErrorMessage": "thing has no name"}


@given(texts.extras)
def test_the_body_is_sent_again_as_it_is(body: bytes) -> None:
    fault = decode_dead_letter(body, ATTRIBUTES)
    assert isinstance(fault.unit, Payload)
    assert fault.unit.body == body
    assert (fault.key, fault.function, fault.error, fault.message) == ("r-1", None, "200", "thing has no name")


def test_a_dead_letter_is_told_by_its_attributes() -> None:
    assert is_dead_letter(ATTRIBUTES)
    assert not is_dead_letter({})


@pytest.mark.parametrize("body", [b"", b"{", b"\xff"])
def test_a_body_that_is_no_json_is_refused(body: bytes) -> None:
    with pytest.raises(NOT_JSON):
        decode_dead_letter(body, ATTRIBUTES)
