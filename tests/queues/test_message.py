"""A message of an answer of SQS."""

from typing import Any

from cncbops.queues.message import Message, message_of


def test_a_message_has_its_body_in_utf_8_and_the_attributes_that_are_text() -> None:
    found: Any = {
        "MessageId": "m-1",
        "ReceiptHandle": "r-1",
        "Body": '{"name":"Z\u00fcrich"}',
        "Attributes": {"SentTimestamp": "1700611203000", "ApproximateReceiveCount": "3"},
        "MessageAttributes": {
            "ErrorCode": {"DataType": "Number", "StringValue": "200"},
            "RequestID": {"DataType": "String", "StringValue": "id"},
            "Custom": {"DataType": "String.json", "StringValue": "{}"},
            "Blob": {"DataType": "Binary", "BinaryValue": b"\0"},
        },
    }
    attributes = {"ErrorCode": "200", "RequestID": "id", "Custom": "{}"}
    assert message_of(found) == Message("m-1", b'{"name":"Z\xc3\xbcrich"}', attributes, 1700611203000, 3)


def test_a_message_that_tells_nothing_of_itself_was_received_once() -> None:
    found: Any = {"MessageId": "m-1", "ReceiptHandle": "r-1", "Body": "\ud800"}
    assert message_of(found) == Message("m-1", b"\xed\xa0\x80", {}, None, 1)
