"""Partial batch responses: `{"batchItemFailures":[{"itemIdentifier":"<sequenceNumber>"}]}`.

Source: AWS Lambda Developer Guide, "Configuring partial batch response with Kinesis Data Streams and
Lambda". The first record named is the checkpoint: a function may have stopped there.
"""

from collections.abc import Sequence

import msgspec

from cncbops.formats.event import mend_lone_surrogates
from cncbops.kinesis.record import Record


class InvalidResponse(ValueError):
    """A response that counts as failure of the whole batch."""


class _Item(msgspec.Struct, rename="camel"):
    item_identifier: str


_fields_decoder = msgspec.json.Decoder(dict[str, msgspec.Raw])
_items_decoder = msgspec.json.Decoder(list[_Item] | None)


def first_failed(body: bytes, records: Sequence[Record]) -> int | None:
    """The place in the batch of the first record that the response names; None if it names none.

    Raises InvalidResponse where an identifier is empty, missing or not of this batch. A body that
    is no JSON object (such as `"success"`) names nobody.
    """
    try:
        named = {item.item_identifier for item in _items(body)}
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise InvalidResponse("the response is no batchItemFailures list") from None
    if not named:
        return None
    places = [place for place, record in enumerate(records) if record.sequence_number in named]
    if named - {records[place].sequence_number for place in places}:
        raise InvalidResponse("batchItemFailures names a record that is not in the batch")
    return places[0]


def _items(body: bytes) -> list[_Item]:
    try:
        fields = _fields_decoder.decode(mend_lone_surrogates(body or b"null"))
    except msgspec.ValidationError:
        return []
    return _items_decoder.decode(fields.get("batchItemFailures", b"null")) or []
