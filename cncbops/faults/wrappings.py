"""What may stand around a fault: each a pair, to recognise a wrapping and to take it off.

A lake holds faults among its other events, in each of its formats (see `cncbops.formats`); a topic
puts a message around them, and a queue behind the topic hands that on.
"""

import base64

from cncbops.faults.compressed import inflated
from cncbops.faults.hints import Hints
from cncbops.faults.json_text import Fields, fields_in, text_in, time_in, value_in
from cncbops.formats import cookbook, eventbridge, firehose_error
from cncbops.formats.event import Bytes


def is_firehose_error(fields: Fields) -> bool:
    """Whether this is a record that Firehose could not transform or convert."""
    return firehose_error.recognise(fields)


def of_firehose_error(fields: Fields, hints: Hints) -> tuple[Bytes, Hints]:
    """The record. Raises ValueError if it is not base64."""
    data = base64.b64decode(text_in(fields["rawData"]) or "", validate=True)
    return data, Hints(hints.id, hints.type, time_in(fields.get("arrivalTimestamp")))


def is_lake_envelope(fields: Fields) -> bool:
    """Whether this is a line of the cookbook's lake."""
    return cookbook.recognise(fields)


def of_lake_envelope(fields: Fields, hints: Hints) -> tuple[Bytes, Hints]:
    """The event, and when it came. The id of its record is not the fault's: the same fault may lie elsewhere."""
    kinesis = fields_in(fields.get("kinesisRecordMetadata"))
    return fields["event"], Hints(hints.id, hints.type, time_in(kinesis.get("approximateArrivalTimestamp")))


def is_eventbridge_event(fields: Fields) -> bool:
    """Whether this is an EventBridge event."""
    return eventbridge.recognise(fields)


def of_eventbridge_event(fields: Fields, hints: Hints) -> tuple[Bytes, Hints]:
    """The detail. Raises ValueError if it is compressed and cannot be read."""
    around = Hints(text_in(fields.get("id")) or hints.id, text_in(fields["detail-type"]), time_in(fields.get("time")))
    return inflated(fields["detail"]), around


def is_notification(fields: Fields) -> bool:
    """Whether this is a topic's message, as a queue or an HTTP endpoint gets it."""
    return "Message" in fields and "Type" in fields and value_in(fields["Type"]) == "Notification"


def of_notification(fields: Fields, hints: Hints) -> tuple[Bytes, Hints]:
    """The message. Raises ValueError if it is no text."""
    message = value_in(fields["Message"])
    if not isinstance(message, str):
        raise ValueError("the notification's message is no text")
    return message.encode(), hints
