"""Numbers, sizes and spans of time in words, as every screen writes them."""

import math
from collections.abc import Mapping
from typing import Any

# What a terminal takes for orders: C0 and C1 control codes, and the marks that turn text around.
_ORDERS = (*range(0x20), *range(0x7F, 0xA0), *range(0x202A, 0x202F), *range(0x2066, 0x206A))
_SHOWN = {code: ascii(chr(code))[1:-1] for code in _ORDERS}


def visible(value: Any) -> Any:
    """Data with every control character in its texts written out, as what comes from outside must be."""
    if isinstance(value, str):
        return value.translate(_SHOWN)
    if isinstance(value, dict):
        return {visible(name): visible(each) for name, each in value.items()}
    return [visible(each) for each in value] if isinstance(value, list) else value


def stage_in_words(stage: Mapping[str, Any]) -> str:
    """What a stage stands for."""
    names = ", ".join(f"{what} {name}" for what, name in stage["names"].items())
    return f"{stage['name']} in {stage['region']}: {names}"


def workers_in_words(workers: Mapping[str, Any] | None) -> str:
    """Where something was done, if not just in the process of the command."""
    if workers is None or (workers["cluster"] is None and workers["count"] == 1):
        return ""
    where = f"at {workers['cluster']}" if workers["cluster"] else "processes"
    lost = f"; {workers['lost']:,} lost" if workers["lost"] else ""
    return f"{workers['count']:,} {where}{lost}"


def duplicates(possible: int, matched: int) -> str:
    """How many events may have arrived twice: a killed session is taken to have had all under way that it could."""
    return f"up to {min(possible, matched):,} may have arrived twice: sent again, as no answer came, or read anew"


def not_read(failed: int, left_out: int) -> str:
    """How many objects could not be read, and how many of those that failed were not to be, as they changed."""
    counts = {"not readable": failed - left_out, "left out": left_out}
    return ", ".join(f"{count:,} {what}" for what, count in counts.items() if count)


def number(count: int, what: str) -> str:
    """A count and what is counted: `1 line`, `2,000 lines`."""
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"


def a_rate(rate: float) -> str:
    """So many in some time, also where that is less than one."""
    if 0 < rate < 0.001:
        return "less than 0.001"
    return f"{rate:,.0f}" if rate >= 100 else f"{rate:.3g}"


def size(count: float) -> str:
    """Bytes in powers of a thousand."""
    if count < 1_000:
        return number(round(count), "byte")
    power = min(int(math.log10(count) // 3), 4)
    return f"{count / 1_000**power:,.1f} {('', 'KB', 'MB', 'GB', 'TB')[power]}"


def span(seconds: float) -> str:
    """A time that is not known to the second."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"about {hours} h {minutes:02} min"
    return f"about {minutes} min {rest:02} s" if minutes else f"about {rest} s"
