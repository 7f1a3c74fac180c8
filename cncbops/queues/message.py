"""A message of a queue, as whoever decodes it needs it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_sqs.type_defs import MessageTypeDef


@dataclass(frozen=True, slots=True)
class Message:
    """A message. `attributes` are its message attributes that are text: those of type String and Number.

    `sent_ms` is when it was sent, since the epoch; `received` how often it was received, this time included.
    """

    id: str
    body: bytes
    attributes: Mapping[str, str]
    sent_ms: int | None
    received: int


def message_of(found: "MessageTypeDef") -> Message:
    """The message of a ReceiveMessage answer."""
    facts = found.get("Attributes", {})
    attributes = {
        name: value["StringValue"]
        for name, value in found.get("MessageAttributes", {}).items()
        if value["DataType"].startswith(("String", "Number")) and "StringValue" in value
    }
    sent = facts.get("SentTimestamp")
    return Message(
        id=found["MessageId"],
        # Half a surrogate pair is for the decoder to refuse.
        body=found["Body"].encode(errors="surrogatepass"),
        attributes=attributes,
        sent_ms=int(sent) if sent else None,
        received=int(facts.get("ApproximateReceiveCount", "1")),
    )
