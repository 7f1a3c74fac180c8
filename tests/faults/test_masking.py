"""What is shown of a fault: nothing that looks like a secret, everything else."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cncbops.faults.masking import MASK, is_sensitive, masked, masked_text
from tests.faults import fault_texts as texts
from tests.formats import json_texts

SECRET = "hunter2secret"


@pytest.mark.parametrize(
    "name",
    [
        *("password", "userPassword", "PASSWORD_HASH", "clientSecret", "x-api-key", "apiKey", "Authorization"),
        *("accessToken", "aws_secret_access_key", "privateKey", "set-cookie", "ssn", "patientSSN", "SSN"),
        *("cardNumber", "card_number", "cvv", "email", "contactEmail", "dateOfBirth", "phone"),
    ],
)
def test_fields_that_look_secret_are_masked_whole(name: str) -> None:
    assert is_sensitive(name)
    assert masked(json.dumps({"a": [{name: {"deep": [SECRET]}}]}).encode()) == {"a": [{name: MASK}]}


@pytest.mark.parametrize(
    "name", ["partitionKey", "className", "author", "name", "id", "type", "spinner", "message", "eventSourceARN", "key"]
)
def test_other_fields_are_shown(name: str) -> None:
    assert masked(json.dumps({name: SECRET}).encode()) == {name: SECRET}


_inner = json.dumps({"type": "t", "password": SECRET, "thing": 1})


@pytest.mark.parametrize(
    "document",
    [
        {"body": _inner},
        {"body": json.dumps({"Message": _inner})},
        {"kinesis": {"data": base64.b64encode(_inner.encode()).decode()}},
        {"detail": json.loads(texts.packed(_inner.encode()))},
        {"list": [_inner]},
    ],
)
def test_what_is_packed_in_strings_is_opened_and_masked(document: dict[str, object]) -> None:
    text = json.dumps(masked(json.dumps(document).encode()))
    assert SECRET not in text
    assert '"password": "***"' in text
    assert '"thing": 1' in text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Authorization: Bearer abcdef123456", "Authorization: Bearer ***"),
        ("no access for AKIAIOSFODNN7EXAMPLE", "no access for ***"),
        ("password=hunter2 for bob", "password=*** for bob"),
        ("postgres://john:hunter2@db/things", "postgres://john:***@db/things"),
        ("user john.doe@example.com unknown", "user *** unknown"),
        ("eyJhbGciOi.eyJzdWIiOi.c2lnbmF0dXJl is expired", "*** is expired"),
        ("thing-42 has no name", "thing-42 has no name"),
    ],
)
def test_credentials_in_a_text_are_masked(text: str, shown: str) -> None:
    assert masked_text(text) == shown
    assert masked(json.dumps({"message": text}).encode()) == {"message": shown}


@given(st.binary(max_size=100) | json_texts.values.map(str.encode))
def test_anything_can_be_shown(document: bytes) -> None:
    json.dumps(masked(document)).encode()
    json.dumps(masked(document), ensure_ascii=False).encode()


def test_what_is_nested_too_deeply_is_not_shown_and_does_not_fail() -> None:
    assert masked(b"[" * 100_000 + b"]" * 100_000) == "(nested too deeply to be shown)"


@pytest.mark.parametrize(
    "text", [b"a@" * 50_000, b"password" * 20_000, b"://" * 50_000, b"." * 100_000, b"a." * 50_000]
)
def test_no_text_takes_long(text: bytes) -> None:
    assert isinstance(masked(json.dumps(text.decode()).encode()), str)
