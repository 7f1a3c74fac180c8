"""Partial batch responses: `{"batchItemFailures":[{"itemIdentifier":"<sequenceNumber>"}]}`.

Source: FORMATS 5. The first record named is the checkpoint: a function may have stopped there.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from cncbops.kinesis.record import Record


class InvalidResponse(ValueError):
    """A response that counts as failure of the whole batch."""


class _Item(msgspec.Struct, rename="camel"):
    item_identifier: str


class _Response(msgspec.Struct, rename="camel"):
    batch_item_failures: list[_Item] | None = None


def first_failed(body: bytes, records: Sequence[Record]) -> int | None:
    """The place in the batch of the first record that the response names; None if it names none.

    Raises InvalidResponse where an identifier is empty, missing or not of this batch. A body that
    is no JSON object (such as `"success"`) names nobody.
    """
    try:
        response: Any = msgspec.json.decode(body or b"null")
        if not isinstance(response, dict):
            return None
        items = msgspec.convert(response, _Response).batch_item_failures or []
    except msgspec.DecodeError:
        raise InvalidResponse("the response is no batchItemFailures list") from None
    if not items:
        return None
    named = {item.item_identifier for item in items}
    places = [place for place, record in enumerate(records) if record.sequence_number in named]
    if named - {records[place].sequence_number for place in places}:
        raise InvalidResponse("batchItemFailures names a record that is not in the batch")
    return places[0]
