"""What a function's error quotes of an event is not kept."""

import base64
import json

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from cncbops.delivery.quoting import QUOTED, SHORTEST, unquoted
from cncbops.kinesis.record import Record
from tests.delivery.batches import record

EVENT = {"id": "e-1", "type": "thing-created", "thing": {"name": "SECRETPAYLOAD", "note": 'says "no"'}}
values = st.recursive(
    st.text(max_size=20) | st.integers() | st.booleans(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


def record_of(event: object) -> Record:
    data = base64.b64encode(json.dumps(event, separators=(",", ":"), ensure_ascii=False).encode()).decode()
    return msgspec.structs.replace(record(1), body=json.dumps({"kinesis": {"data": data}}).encode())


def test_an_event_is_left_out_however_it_was_printed() -> None:
    for text in (json.dumps(EVENT), json.dumps(EVENT, indent=2), repr(EVENT), json.dumps(json.dumps(EVENT))):
        message = unquoted(f"cannot parse {text} at 7", [record_of({}), record_of(EVENT)])
        assert "SECRETPAYLOAD" not in message
        assert message.startswith("cannot parse ")
        assert message.endswith(" at 7")
        assert QUOTED in message


def test_words_and_names_of_types_stay() -> None:
    for message in ("thing has no name", "unknown type thing-created", "", "e-1"):
        assert unquoted(message, [record_of(EVENT)]) == message


@given(st.text(max_size=10), values, st.text(max_size=10))
def test_no_long_piece_of_an_event_survives(before: str, event: object, after: str) -> None:
    text = json.dumps(event, separators=(",", ":"), ensure_ascii=False)
    message = unquoted(before + text + after, [record_of(event)])
    bare = "".join(character for character in text if not character.isspace() and character not in "\"'`\\")
    for start in range(len(bare) - SHORTEST + 1):
        assert bare[start : start + SHORTEST] not in message
