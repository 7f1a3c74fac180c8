"""The head of an event, whatever else is in it."""

import json
import re

import msgspec
import pytest
from hypothesis import given

from cncbops.formats.event import Head, head_of, mend_lone_surrogates, text
from tests.formats import json_texts


def test_the_last_of_repeated_fields_counts() -> None:
    assert head_of(b'{"id":"first","type":"t","id":"last"}').id == "last"


@pytest.mark.parametrize("number", [b"1e400", b"-1e999999", b"9" * 5000])
@pytest.mark.parametrize("name", ["id", "timestamp", "partitionKey"])
def test_a_number_too_large_to_be_read_costs_its_own_field_only(name: str, number: bytes) -> None:
    fields = {"id": b'"e-1"', "type": b'"fault"', "timestamp": b"5", "partitionKey": b'"k"', name: number}
    head = head_of(b"{" + b",".join(b'"%b":%b' % (key.encode(), value) for key, value in fields.items()) + b"}")
    assert head.type == "fault"
    assert [head.id, head.timestamp, head.partition_key].count(None) == 1


@pytest.mark.parametrize("event", [b"[]", b"7", b'"x"', b"true"])
def test_what_is_no_object_has_an_empty_head(event: bytes) -> None:
    assert head_of(event) == Head()


@pytest.mark.parametrize("event", [b"", b"{", b"[1", b'{"id":1}}', b"[1,]"])
def test_what_is_no_json_has_no_head(event: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        head_of(event)


@pytest.mark.parametrize(
    ("value", "expected"),
    [("a", "a"), ("", None), (7, "7"), (10**60, "1" + "0" * 60), (None, None), (True, None), (1.5, None), ([], None)],
)
def test_text_is_strings_and_integers(value: object, expected: str | None) -> None:
    assert text(value) == expected


@given(json_texts.values)
def test_mending_keeps_the_length_and_changes_halves_of_surrogate_pairs_only(value: str) -> None:
    mended = mend_lone_surrogates(value.encode()).decode()
    assert len(mended) == len(value)
    assert json.dumps(json.loads(mended)) == _without_lone_surrogates(json.dumps(json.loads(value)))


def _without_lone_surrogates(document: str) -> str:
    """An independent reading: Python's decoder joins pairs, so what is left of surrogates stands alone."""
    whole = json.dumps(json.loads(document), ensure_ascii=False)
    return json.dumps(json.loads(re.sub("[\ud800-\udfff]", "\ufffd", whole)))
