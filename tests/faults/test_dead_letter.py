"""A message of a function's dead-letter queue."""

import pytest
from hypothesis import given

from cncbops.faults.dead_letter import decode_dead_letter, in_message, is_dead_letter
from cncbops.faults.decoding import decode_fault
from cncbops.faults.fault import Payload, Problem
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


@pytest.mark.parametrize("name", sorted(texts.DOCUMENTS))
def test_a_message_that_is_no_dead_letter_is_of_whatever_format_its_body_is(name: str) -> None:
    body = texts.DOCUMENTS[name](texts.record())
    assert in_message(body, {}) == decode_fault(body)
    assert in_message(body, {"SenderId": "x"}) == decode_fault(body)


def test_a_message_that_is_a_dead_letter_is_one_whatever_its_body_looks_like() -> None:
    """What is dead is the invocation of a function that handles faults: they are its events."""
    body = texts.of_record(texts.record())
    found = in_message(body, ATTRIBUTES)
    assert found == [decode_dead_letter(body, ATTRIBUTES)]
    assert found != decode_fault(body)


@pytest.mark.parametrize("attributes", [{}, ATTRIBUTES])
def test_a_message_is_one_document_and_is_not_taken_apart(attributes: dict[str, str]) -> None:
    found = in_message(texts.of_record(texts.record()) * 2, attributes)
    assert isinstance(found, Problem)
    assert found.error == "NotJson"


@pytest.mark.parametrize("body", [b"", b"{", b"\xff"])
def test_a_dead_letter_that_is_no_json_is_broken_and_says_so(body: bytes) -> None:
    found = in_message(body, ATTRIBUTES)
    assert isinstance(found, Problem)
    assert found.error == "NotJson"


@pytest.mark.parametrize("body", [b"", b"{", b"\xff"])
def test_a_body_that_is_no_json_is_refused(body: bytes) -> None:
    with pytest.raises(NOT_JSON):
        decode_dead_letter(body, ATTRIBUTES)
