"""When a run is ended for safety's sake: too many failures, too long, an alarm, a failed canary.

What is here only says what the limits are and when one is passed; whoever runs the replay looks.
"""

import re
import threading
from dataclasses import dataclass

from msgspec import Struct

from cncbops.errors import BadInput

PERCENT_AFTER_RECORDS = 1_000
"""A share of fewer settled records than this says nothing: one failure in the first batch is 1 %."""

# Three decimals at most, so that `:g`, with its six digits, writes every share as it was typed.
_LIMIT = re.compile(r"(?P<number>\d{1,15})|(?P<percent>\d{1,3}(?:\.\d{1,3})?)%", re.ASCII)

LONGEST_S = 52 * 604_800
_UNITS_S = {"w": 604_800, "d": 86_400, "h": 3_600, "m": 60, "s": 1}
_DURATION = re.compile("".join(rf"(?:(\d{{1,9}}){unit})?" for unit in _UNITS_S), re.ASCII)


class FailureLimit(Struct, frozen=True):
    """How many records may fail, as a number or as a share in percent: exactly one is set."""

    number: int | None
    percent: float | None

    def __post_init__(self) -> None:
        assert (self.number is None) != (self.percent is None)

    @classmethod
    def parse(cls, text: str) -> "FailureLimit":
        """Read `20`, `5%` or `2.5%` (0 to 100, three decimals at most). Raises BadInput."""
        parts = _LIMIT.fullmatch(text.strip())
        if parts and parts["number"]:
            return cls(int(parts["number"]), None)
        if parts and float(parts["percent"]) <= 100:
            return cls(None, float(parts["percent"]))
        raise BadInput(f"{text!r} is not a limit of failures", "Write it as a number such as 20, or a share such as 5%")

    def __str__(self) -> str:
        return f"{self.percent:g}%" if self.number is None else str(self.number)

    def reason(self, failed: int, settled: int) -> str | None:
        """Why to stop when `failed` of `settled` records failed, in one line; None to go on.

        `settled` counts every record whose end is known or given up: delivered, failed, unknown.
        """
        if not self._is_passed(failed, settled):
            return None
        share = failed / settled * 100
        return f"too many failures: {failed:,} of {settled:,} records ({share:.1f} %), more than --max-failures {self}"

    def _is_passed(self, failed: int, settled: int) -> bool:
        if self.number is not None:
            return failed > self.number
        assert self.percent is not None
        return settled >= PERCENT_AFTER_RECORDS and failed / settled * 100 > self.percent


MAX_FAILURES = FailureLimit(None, 5.0)


class FailureCount:
    """Counts fates against a limit; from many threads at once."""

    def __init__(self, limit: FailureLimit) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._settled = self._failed = 0

    def count(self, delivered: int, failed: int) -> str | None:
        """Count records that have come to their end; why to stop, None to go on."""
        with self._lock:
            self._settled += delivered + failed
            self._failed += failed
            return self._limit.reason(self._failed, self._settled)


@dataclass(frozen=True)
class Safety:
    """What stops a run before it does harm.

    `max_duration_s` is how long one session may last, None for no limit. `alarms` names CloudWatch
    alarms, any of which stops the run while in ALARM. `canary` is how many records must all succeed
    before the rest is sent, None for none.
    """

    max_failures: FailureLimit = MAX_FAILURES
    max_duration_s: float | None = None
    alarms: tuple[str, ...] = ()
    canary: int | None = None


def parse_duration(text: str) -> float:
    """Read a length of time such as `90s`, `30m`, `1h30m` or `2d` in seconds; always more than 0.

    Weeks, days, hours, minutes and seconds, in that order, each a whole number. Raises BadInput.
    """
    parts = _DURATION.fullmatch(text.strip())
    counts = parts.groups("0") if parts else ()
    seconds = sum(int(count) * unit_s for count, unit_s in zip(counts, _UNITS_S.values(), strict=bool(parts)))
    if not 0 < seconds <= LONGEST_S:
        raise BadInput(f"{text!r} is not a duration", "Write it as 90s, 30m, 1h30m or 2d, up to 52w")
    return float(seconds)
