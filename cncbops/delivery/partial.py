"""Partial batch responses: `{"batchItemFailures":[{"itemIdentifier":"<sequenceNumber>"}]}`.

Source: AWS Lambda Developer Guide, "Configuring partial batch response with Kinesis Data Streams and
Lambda". The first record named is the checkpoint: a function may have stopped there.
"""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from cncbops.formats.event import mend_lone_surrogates
from cncbops.kinesis.record import Record


class InvalidResponse(ValueError):
    """A response that counts as failure of the whole batch."""


class _Item(msgspec.Struct, rename="camel"):
    item_identifier: str


_fields_decoder = msgspec.json.Decoder(dict[str, msgspec.Raw])
_items_decoder = msgspec.json.Decoder(list[_Item] | None)


class Checkpoint(NamedTuple):
    """Where a function says that it stopped: `done` records came before, `rest` is to be sent again.

    `culprit` is the first record named. `ambiguous`: others in the batch bear its number too, as the
    records of one aggregate do.
    """

    done: list[Record]
    rest: list[Record]
    culprit: Record
    ambiguous: bool


def checkpoint(body: bytes, records: Sequence[Record]) -> Checkpoint | None:
    """What a response says of a batch's records; None if it names none of them as failed.

    Done is what came before every record named, by place in the batch and by sequence number: where
    the two differ, nobody knows by which of them the function went. Raises InvalidResponse where an
    identifier is empty, missing or not of this batch. A body that is no JSON object (such as
    `"success"`) names nobody.
    """
    try:
        named = {item.item_identifier for item in _items(body)}
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise InvalidResponse("the response is no batchItemFailures list") from None
    if not named:
        return None
    if named - {record.sequence_number for record in records}:
        raise InvalidResponse("batchItemFailures names a record that is not in the batch")
    return _checkpoint(named, records)


def _checkpoint(named: set[str], records: Sequence[Record]) -> Checkpoint:
    first = next(place for place, record in enumerate(records) if record.sequence_number in named)
    lowest = min(map(_number, named))
    done = [record for record in records[:first] if _number(record.sequence_number) < lowest]
    taken = set(map(id, done))
    culprit = records[first]
    namesakes = sum(record.sequence_number == culprit.sequence_number for record in records)
    return Checkpoint(done, [record for record in records if id(record) not in taken], culprit, namesakes > 1)


def _number(sequence_number: str) -> int:
    """Sequence numbers differ in length and compare as numbers; what is none comes first."""
    return int(sequence_number) if sequence_number.isdecimal() else -1


def _items(body: bytes) -> list[_Item]:
    try:
        fields = _fields_decoder.decode(mend_lone_surrogates(body or b"null"))
    except msgspec.ValidationError:
        return []
    return _items_decoder.decode(fields.get("batchItemFailures", b"null")) or []
