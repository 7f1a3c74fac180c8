"""Times as an operator types them, in milliseconds since the Unix epoch."""

import re
from datetime import UTC, datetime, timedelta

from cncbops.errors import BadInput

_EPOCH = datetime.fromtimestamp(0, UTC)
_MILLISECOND = timedelta(milliseconds=1)

# Only ISO 8601's extended calendar form. `datetime.fromisoformat` would also take week dates, any
# character for the T, and `20231122`, which is as likely a number of seconds cut short as a day.
_ISO_8601 = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d.*)?")
_UNITS = ("weeks", "days", "hours", "minutes", "seconds")
_AGO = re.compile("".join(rf"(?:(?P<{unit}>\d+){unit[0]})?" for unit in _UNITS), re.ASCII)

_EXAMPLES = "Write it as 2023-11-22T10:00:00Z, 2023-11-22 or -3h"


def parse_time(text: str, now: datetime) -> int:
    """Read a point in time: an ISO 8601 date-time or date, `now`, or an age such as `-1d12h`.

    Returns ms since the epoch, rounded down. A time without an offset is in UTC, a date is its
    midnight in UTC, and an age (weeks, days, hours, minutes, seconds, in that order) counts back from
    `now`, which must be aware. Raises BadInput.
    """
    typed = text.strip()
    try:
        return _to_ms(_read(typed, now))
    except (ValueError, OverflowError) as error:
        raise BadInput(f"{text!r} is not a time", _advice(typed)) from error


def parse_window(from_text: str | None, to_text: str | None, now: datetime) -> tuple[int | None, int | None]:
    """Read the two ends of a window `[from, to)` in ms, each None where not given.

    Raises BadInput if an end is not a time, or if nothing can lie between them.
    """
    start = None if from_text is None else parse_time(from_text, now)
    end = None if to_text is None else parse_time(to_text, now)
    if start is not None and end is not None and start >= end:
        raise BadInput(
            f"No time lies between {from_text!r} and {to_text!r}",
            "Start before the end, such as from 2023-11-22 to 2023-11-23, or from -3h to now",
        )
    return start, end


def _read(typed: str, now: datetime) -> datetime:
    if typed == "now":
        return now
    if typed.startswith("-"):
        return now - _age(typed[1:])
    if not _ISO_8601.fullmatch(typed):
        raise ValueError("neither ISO 8601, nor now, nor an age")
    time = datetime.fromisoformat(typed)
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def _age(typed: str) -> timedelta:
    parts = _AGO.fullmatch(typed)
    if not typed or not parts:
        raise ValueError("not an age")
    return timedelta(**{unit: int(count) for unit, count in parts.groupdict("0").items()})


def _to_ms(time: datetime) -> int:
    """Turn an aware time into ms; OverflowError where UTC is not within the years 1 to 9999."""
    return (time.astimezone(UTC) - _EPOCH) // _MILLISECOND


def _advice(typed: str) -> str:
    if typed and _AGO.fullmatch(typed):
        return f"Times in the past begin with a minus: -{typed}. {_EXAMPLES}"
    return _EXAMPLES
