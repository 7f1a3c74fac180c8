"""What the wrappings around a fault say of it, for where the fault itself says nothing."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Hints:
    """`type` is the `detail-type` of an EventBridge event: what the publisher said the event is.

    `is_wrapped`: something stands around the document.
    """

    id: str | None = None
    type: str | None = None
    time_ms: int | None = None
    is_wrapped: bool = False
