"""Times as events carry them: milliseconds since the Unix epoch, as a number or in quotes."""

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated

import msgspec

_EPOCH = datetime.fromtimestamp(0, UTC)
LATEST_MS = (datetime.max.replace(tzinfo=UTC) - _EPOCH) // timedelta(milliseconds=1)
Milliseconds = Annotated[int, msgspec.Meta(ge=0, le=LATEST_MS)]
"""A time as nearly every line has it, to be read without a look at it."""

_PLAIN_NUMBER = re.compile(r"\d+(?:\.\d+)?", re.ASCII)


def event_time_ms(timestamp: object) -> int | None:
    """Read an event's `timestamp` field: ms as a number, or as a string of one.

    None for what is no time between 1970 and the end of the year 9999.
    """
    if type(timestamp) is int:  # nearly every event; and a bool is not a time
        return timestamp if 0 <= timestamp <= LATEST_MS else None
    if isinstance(timestamp, str) and _PLAIN_NUMBER.fullmatch(timestamp):
        timestamp = float(timestamp)  # exact: the latest time has 15 digits
    if isinstance(timestamp, float) and 0 <= timestamp <= LATEST_MS:  # which no NaN is
        return int(timestamp)
    return None
