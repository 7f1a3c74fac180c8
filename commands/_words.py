"""Numbers, sizes and spans of time in words, as every screen writes them."""

import math


def number(count: int, what: str) -> str:
    """A count and what is counted: `1 line`, `2,000 lines`."""
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"


def size(count: float) -> str:
    """Bytes in powers of a thousand."""
    if count < 1_000:
        return f"{count:,.0f} bytes"
    power = min(int(math.log10(count) // 3), 4)
    return f"{count / 1_000**power:,.1f} {('', 'KB', 'MB', 'GB', 'TB')[power]}"


def span(seconds: float) -> str:
    """A time that is not known to the second."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"about {hours} h {minutes:02} min"
    return f"about {minutes} min {rest:02} s" if minutes else f"about {rest} s"
