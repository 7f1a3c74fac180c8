"""Partial batch responses: `{"batchItemFailures":[{"itemIdentifier":"<sequenceNumber>"}]}`.

Source: AWS Lambda Developer Guide, "Configuring partial batch response with Kinesis Data Streams and
Lambda". Of a stream the first record named is the checkpoint: a function may have stopped there. Of a queue
those named failed, and no others (same Guide, "Handling errors for an SQS event source in Lambda").
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
    names = [frozenset(record.identifiers()) for record in records]
    if named.difference(*names):
        raise InvalidResponse("batchItemFailures names a record that is not in the batch")
    failed = [place for place, own in enumerate(names) if own & named]
    culprit = names[failed[0]] & named
    namesakes = sum(bool(own & culprit) for own in names)
    of_stream = all(record.is_of_stream for record in records)
    done = _before(failed[0], min(map(_number, named)), names) if of_stream else set(range(len(records))) - set(failed)
    return Checkpoint(
        done=[record for place, record in enumerate(records) if place in done],
        rest=[record for place, record in enumerate(records) if place not in done],
        culprit=records[failed[0]],
        ambiguous=namesakes > 1,
    )


def _before(first: int, lowest: int, names: Sequence[frozenset[str]]) -> set[int]:
    """The places of what came before a record by place and by number alike."""
    return {place for place, own in enumerate(names[:first]) if max(map(_number, own), default=-1) < lowest}


def _number(sequence_number: str) -> int:
    """Sequence numbers differ in length and compare as numbers; what is none comes first."""
    return int(sequence_number) if sequence_number.isdecimal() else -1


def _items(body: bytes) -> list[_Item]:
    try:
        fields = _fields_decoder.decode(mend_lone_surrogates(body or b"null"))
    except msgspec.ValidationError:
        return []
    return _items_decoder.decode(fields.get("batchItemFailures", b"null")) or []
